"""The engine's names: `urn:pulumi:STACK::PROGRAM::TYPE$TYPE::NAME`."""

from typing import NamedTuple


class Urn(NamedTuple):
    stack: str
    program: str
    type: str
    name: str


def parse(text: str) -> Urn:
    """The parts of a URN, empty ones for what is none. A name may hold `::` itself."""
    head, *rest = text.split("::", 3)
    if not head.startswith("urn:pulumi:") or len(rest) < 3:
        return Urn("", "", "", text)
    program, types, name = rest
    return Urn(head.removeprefix("urn:pulumi:"), program, types.rpartition("$")[2], name)


def short_type(token: str) -> str:
    """`libvirt:index/domain:Domain` as `libvirt:Domain`."""
    package, colon, rest = token.partition(":")
    return f"{package}:{rest.rpartition(':')[2]}" if colon else token
