"""What each change does to a VM, a disk or a network: data loss, delete, replace, restart or live."""

from collections.abc import Iterator, Sequence

from limen.preview import plain
from limen.preview.model import WAYS, Change, Diagnostic, Effect, Preview, Way

DOMAIN, VOLUME = "libvirt:index/domain:Domain", "libvirt:index/volume:Volume"
NETWORK, POOL = "libvirt:index/network:Network", "libvirt:index/pool:Pool"
DOMAIN_SIZE, VOLUME_SIZE = "limen:index:DomainSize", "limen:index:VolumeSize"
METADATA, FORWARD = "limen:index:DomainMetadata", "limen:index:PortForward"
DISK, CARD = "limen:index:DiskAttachment", "limen:index:NetworkAttachment"

RESTART_WORDS = "with a restart of the guest"
"""The provider's words where a change in place is not live; a test compares them with the provider's own."""

_THINGS = {DOMAIN: "VM", VOLUME: "disk", NETWORK: "network", POOL: "pool"}
_PLUGGED = {DISK: "disk", CARD: "network card"}
_GONE = ("delete", "replace")


def effects(preview: Preview) -> tuple[Effect, ...]:
    """The gravest first, then by name. What is created harms nothing and is no effect."""
    found = {effect for change in preview.changes for effect in _of(change, preview)}
    return tuple(sorted(found, key=lambda each: (WAYS.index(each.way), each.subject, each.sentence)))


def _of(change: Change, preview: Preview) -> Iterator[Effect]:
    if change.type in _THINGS:
        yield from _thing(change)
    elif change.op == "update" or change.type in _PLUGGED:
        yield from _in_place(change, preview)


def _thing(change: Change) -> Iterator[Effect]:
    subject = f"{_THINGS[change.type]} {change.name}"
    why = f" ({', '.join(change.reasons)})" if change.reasons else ""
    if change.op == "update":
        what = f": {', '.join(change.properties)}" if change.properties else ""
        yield Effect("live", subject, f"is changed where it is{what}")
    elif change.op == "delete" and change.retained:
        yield Effect("delete", subject, "leaves the stack and stays on its host")
    elif change.op in _GONE and change.type == VOLUME:
        word = "deleted" if change.op == "delete" else f"replaced by an empty or newly imaged one{why}"
        yield Effect("data loss", subject, f"is {word}: everything on it is lost")
    elif change.op == "delete":
        yield Effect("delete", subject, "is shut down and deleted" if change.type == DOMAIN else "is deleted")
    elif change.op == "replace":
        sentences = {
            DOMAIN: "is shut down, deleted and made anew; disks that are not named here stay",
            NETWORK: "is deleted and made anew: guests on it are cut off meanwhile",
            POOL: "is deleted and made anew",
        }
        yield Effect("replace", subject, f"{sentences[change.type]}{why}")


def _in_place(change: Change, preview: Preview) -> Iterator[Effect]:
    """What our provider changes. It is no news where the VM or disk itself is made, replaced or deleted."""
    thing = VOLUME if change.type == VOLUME_SIZE else DOMAIN
    around = [each.op for each in preview.changes if each.type == thing and each.parent == change.parent]
    if change.parent and around and any(op != "update" for op in around):
        return
    told = _told(preview.diagnostics, change.urn)
    if change.type == VOLUME_SIZE:
        yield Effect("live", f"disk {change.name}", told or "grows")
    elif change.type == DOMAIN_SIZE and change.op == "update":
        way: Way = "restart" if RESTART_WORDS in told else "live"
        yield Effect(way, f"VM {change.name}", told or "has another size")
    elif change.type == METADATA:
        yield Effect(
            "live", f"VM {change.name}", told or "has other metadata, which its guest does not notice"
        )
    elif change.type in _PLUGGED:
        kind = _PLUGGED[change.type]
        words = {
            "create": f"gets a {kind}, plugged in live",
            "delete": f"loses a {kind}, unplugged live",
            "replace": f"gets another {kind}, live",
            "update": f"has its {kind} changed, live",
        }
        yield Effect("live", f"{kind} {change.name}", told or words.get(change.op, f"{kind}: {change.op}"))
    elif change.type == FORWARD:
        yield Effect("live", f"port forward {change.name}", "is changed")


def _told(diagnostics: Sequence[Diagnostic], urn: str) -> str:
    """What the provider said of this resource, in one line."""
    said = [each.message for each in diagnostics if each.urn == urn and each.severity == "info"]
    return plain.line(" ".join(said), 2 * plain.NAME)
