"""What claims amount to: pure sums and maxima over items, for the ledger and for the API alike.

A change of a claim is decided like this, under the ledger's locks or, for an explanation, without:

    claimed = grow(old claimed items, requested items)
    after = the items of `claimed`, each with `charge(claimed amounts, observed amounts)`
    decide(changes_for(chain, before, after), standings, now, increases(before, after), bounds)

where `before` are the items with what they are charged now.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from limen.quota.errors import InvalidAmount, InvalidSpec
from limen.quota.model import Amount, Bounds, Change, Item, Unknown, check_item_key, known
from limen.quota.resources import DEVICE_PREFIX, check_resource, is_host_resource, resource_rank

# What an item of each kind is charged for, with the amount where the kind fixes it.
_AMOUNTS: Mapping[str, Mapping[str, int | None]] = {
    "vm": {"vms": 1, "vcpus": None, "memory": None},
    "disk": {"disk": None},
    "network": {"networks": 1},
    "snapshot": {"snapshots": 1},
}
# What it may be charged for as well. A snapshot of external layers alone holds nothing besides them.
_MAY_STATE: Mapping[str, frozenset[str]] = {"snapshot": frozenset({"disk"})}


def check_items(items: Iterable[Item]) -> None:
    """Raise `InvalidSpec` for the first item that is malformed, or whose key an earlier item has."""
    keys: set[str] = set()
    for item in items:
        check_item(item)
        if item.key in keys:
            raise InvalidSpec(f"the item key {item.key} is used twice: give each item a key of its own")
        keys.add(item.key)


def check_item(item: Item) -> None:
    """Raise `InvalidSpec` unless `item` as asked for states exactly the amounts that its kind is charged for.

    A VM may add `device:*`, a snapshot `disk`. Items of the ledger may state less: what is released is
    claimed as 0.
    """
    check_item_key(item.key)
    if item.kind not in _AMOUNTS:
        raise InvalidSpec(f"{item.key} is of kind {item.kind!a:.60}: use one of {', '.join(_AMOUNTS)}")
    if not item.name or not item.host:
        raise InvalidSpec(f"{item.key} needs a name and a host: state both")
    if item.volume is not None and item.kind != "disk":
        raise InvalidSpec(f"{item.key} is a {item.kind}, and only a disk has a volume: leave it out")
    if item.snapshot is not None and item.kind != "snapshot":
        raise InvalidSpec(f"{item.key} is a {item.kind} and no snapshot: leave out which one it is")
    stated = _AMOUNTS[item.kind]
    for resource, fixed in stated.items():
        amount = item.amounts.get(resource)
        if amount is None:
            raise InvalidSpec(f"{item.key} does not say how much {resource} it needs: add it to its amounts")
        if fixed is not None and amount != fixed:
            raise InvalidSpec(f"{item.key} is one {item.kind}: its amount of {resource} must be {fixed}")
        if amount == 0:
            raise InvalidSpec(f"{item.key} needs more than 0 {resource}: a {item.kind} cannot do without")
    for resource in item.amounts:
        device = check_resource(resource).startswith(DEVICE_PREFIX) and item.kind == "vm"
        if resource not in stated and resource not in _MAY_STATE.get(item.kind, ()) and not device:
            raise InvalidSpec(
                f"{item.key} is a {item.kind}, which is not charged for {resource}: leave it out"
            )


def with_defaults(item: Item, bounds: Mapping[str, Bounds]) -> Item:
    """`item` with the default of `bounds` for each amount of its kind that it does not state."""
    defaults = {
        resource: bounds[resource].default
        for resource in _AMOUNTS[item.kind]
        if resource in bounds and resource not in item.amounts
    }
    stated = {resource: default for resource, default in defaults.items() if default is not None}
    return replace(item, amounts={**item.amounts, **stated}) if stated else item


def charge(claimed: Mapping[str, Amount], observed: Mapping[str, Amount]) -> dict[str, Amount]:
    """The larger of both per resource, in canonical order; source: design, "Charge of an item"."""
    return {
        resource: _larger(claimed.get(resource, 0), observed.get(resource, 0))
        for resource in sorted({*claimed, *observed}, key=resource_rank)
    }


def grow(old: Iterable[Item], new: Iterable[Item]) -> tuple[Item, ...]:
    """The items of a claim after a change: per item and resource the larger amount, sorted by key.

    Items that `new` does not name stay; names are those of `new`. Raises `InvalidSpec` for a key
    that `new` has twice, and for an item that still holds something and would change its kind or host.
    """
    items = {item.key: item for item in old}
    named: set[str] = set()
    for item in new:
        if item.key in named:
            raise InvalidSpec(f"the item key {item.key} is used twice: give each item a key of its own")
        named.add(item.key)
        held = items.get(item.key)
        if held is None:
            items[item.key] = item
            continue
        if (held.kind, held.host) != (item.kind, item.host):
            if any(held.amounts.values()):
                raise InvalidSpec(
                    f"{item.key} is a {held.kind} on host {held.host} and cannot become a {item.kind} on "
                    f"host {item.host}: give the new one another key"
                )
            items[item.key] = item
            continue
        items[item.key] = replace(
            item,
            amounts=charge(held.amounts, item.amounts),
            volume=item.volume or held.volume,
            snapshot=item.snapshot or held.snapshot,
            uuid=item.uuid or held.uuid,
        )
    return tuple(items[key] for key in sorted(items))


def increases(before: Iterable[Item], after: Iterable[Item]) -> tuple[Item, ...]:
    """The items of `after` with only the amounts that are larger than in `before`: what bounds are judged on.

    A transfer is all new where it goes: pass nothing as `before`.
    """
    held = {item.key: item.amounts for item in before}
    result = []
    for item in after:
        earlier = held.get(item.key, {})
        larger = {
            resource: amount
            for resource, amount in item.amounts.items()
            if _larger(earlier.get(resource, 0), amount) != earlier.get(resource, 0)
        }
        if larger:
            result.append(replace(item, amounts=larger))
    return tuple(result)


def totals(items: Iterable[Item]) -> dict[str, int]:
    """The sum per resource, in canonical order; raises `InvalidAmount` for an unknown one without a bound."""
    return {resource: known(amount) for resource, amount in _sums(items).items()}


def totals_by_host(items: Iterable[Item]) -> dict[str, dict[str, int]]:
    """`totals` for each host, by its UUID ascending, of the resources that hosts have a capacity of."""
    hosts = _by_host(items)
    return {
        host: {resource: known(amount) for resource, amount in sums.items()} for host, sums in hosts.items()
    }


def changes_for(
    chain: Sequence[str],
    before: Iterable[Item],
    after: Iterable[Item],
    held_in: Collection[str] | None = None,
) -> list[Change]:
    """The changes to decide about when a claim's items go from `before` to `after`.

    `chain` are the ids of the project's scopes, from the project itself upwards; each is charged for
    everything. Hosts, whose scope id is the item's `host`, follow and are charged for what runs there.
    For a transfer `chain` is the new project's and `held_in` the ids of the old one's: an ancestor of both
    holds the charge already, any other counts all of it as an increase. (What the old chain loses needs no
    decision.) Amounts not known yet stay unknown, for `decide` to count or deny.
    """
    before, after = tuple(before), tuple(after)
    old, new = _sums(before), _sums(after)
    result: list[Change] = []
    for scope_id in chain:
        result += changes_of(scope_id, old if held_in is None or scope_id in held_in else {}, new)
    old_hosts, new_hosts = _by_host(before), _by_host(after)
    for host in sorted({*old_hosts, *new_hosts}):
        result += changes_of(host, old_hosts.get(host, {}), new_hosts.get(host, {}))
    return result


def changes_of(scope_id: str, before: Mapping[str, Amount], after: Mapping[str, Amount]) -> list[Change]:
    """The changes of one scope between two totals, in canonical order, leaving out what is 0 in both."""
    return [
        Change(scope_id, resource, known(before.get(resource, 0)), after.get(resource, 0))
        for resource in sorted({*before, *after}, key=resource_rank)
        if before.get(resource, 0) != 0 or after.get(resource, 0) != 0
    ]


def _by_host(items: Iterable[Item]) -> dict[str, dict[str, Amount]]:
    hosts: dict[str, list[Item]] = {}
    for item in items:
        hosts.setdefault(item.host, []).append(item)
    return {
        host: {
            resource: amount for resource, amount in _sums(hosts[host]).items() if is_host_resource(resource)
        }
        for host in sorted(hosts)
    }


def _sums(items: Iterable[Item]) -> dict[str, Amount]:
    sums: dict[str, Amount] = {}
    for item in items:
        for resource, amount in item.amounts.items():
            sums[resource] = _plus(sums.get(resource, 0), amount)
    return {resource: sums[resource] for resource in sorted(sums, key=resource_rank)}


def _plus(one: Amount, other: Amount) -> Amount:
    """The sum, in which an unknown amount counts as its upper bound; unknown altogether without one."""
    try:
        return known(one) + known(other)
    except InvalidAmount:
        return Unknown()


def _larger(one: Amount, other: Amount) -> Amount:
    """The larger amount; an unknown one counts as its upper bound, and without one it is the largest."""
    for amount in (one, other):
        if isinstance(amount, Unknown) and amount.upper is None:
            return amount
    return other if known(other) > known(one) else one
