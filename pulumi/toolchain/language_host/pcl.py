"""Reads the part of Pulumi's configuration language (PCL) that `pulumi import` writes.

That is blocks with attributes whose values are literals, lists, objects and references; whatever else the
language has is refused by PclError.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import HostError


class PclError(HostError):
    """The text is beyond what this reader knows."""


@dataclass(frozen=True)
class Reference:
    """A name of something else in the program, such as `pool` or `pool.name`."""

    path: tuple[str, ...]


Value = None | bool | int | float | str | Reference | list["Value"] | dict[str, "Value"]


@dataclass
class Block:
    """`kind label label { name = value ... kind { ... } }`."""

    kind: str
    labels: list[str]
    attributes: dict[str, Value] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)


TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d][\w-]*)
    | (?P<mark>[{}\[\]=,.:])
    )""",
    re.VERBOSE,
)
CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each token."""
    at = 0
    while text[at:].strip():
        matched = TOKEN.match(text, at)
        if matched is None or matched.lastgroup is None:
            raise PclError(f"unexpected {text[at:].strip()[:20]!r}")
        yield matched.lastgroup, matched.group(matched.lastgroup)
        at = matched.end()


def unquoted(token: str) -> str:
    """The value of a quoted string; one with an expression inside is refused."""
    try:
        text = str(json.loads(token))
    except ValueError as exc:
        raise PclError(f"the string {token} has an escape that is not known") from exc
    if re.search(r"(?<!\$)\$\{|(?<!%)%\{", text):
        raise PclError(f"the string {token} has an expression in it")
    return text.replace("$${", "${").replace("%%{", "%{")


class Reader:
    """A recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._at = 0

    def peek(self) -> tuple[str, str]:
        """The next token; ("end", "") after the last."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def take(self, text: str | None = None) -> tuple[str, str]:
        """Go past the next token, which has to be `text` where that is given."""
        token = self.peek()
        if token[0] == "end" or (text is not None and token[1] != text):
            raise PclError(f"expected {text or 'more'!r}, found {token[1] or 'the end'!r}")
        self._at += 1
        return token

    def skip(self, mark: str) -> None:
        """Go past the mark if it comes next."""
        if self.peek() == ("mark", mark):
            self.take()

    def program(self) -> list[Block]:
        """Every block of the text."""
        blocks = []
        while self.peek()[0] != "end":
            blocks.append(self.block(self.take()[1]))
        return blocks

    def block(self, kind: str) -> Block:
        """A block whose kind has been read."""
        found = Block(kind, [])
        while self.peek()[1] != "{":
            sort, text = self.take()
            found.labels.append(unquoted(text) if sort == "string" else text)
        self.take("{")
        while self.peek()[1] != "}":
            _, name = self.take()
            if self.peek()[1] == "=":
                self.take()
                found.attributes[name] = self.value()
            else:
                found.blocks.append(self.block(name))
        self.take("}")
        return found

    def value(self) -> Value:
        """The value that comes next."""
        sort, text = self.take()
        if sort == "string":
            return unquoted(text)
        if sort == "number":
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        if sort == "name":
            return CONSTANTS[text] if text in CONSTANTS else self.reference(text)
        if text == "[":
            return self.items()
        if text == "{":
            return self.members()
        raise PclError(f"unexpected {text!r}")

    def reference(self, first: str) -> Reference:
        """A dotted name whose first part has been read."""
        path = [first]
        while self.peek() == ("mark", "."):
            self.take()
            path.append(self.take()[1])
        return Reference(tuple(path))

    def items(self) -> list[Value]:
        """A list whose bracket has been read."""
        found = []
        while self.peek()[1] != "]":
            found.append(self.value())
            self.skip(",")
        self.take("]")
        return found

    def members(self) -> dict[str, Value]:
        """An object whose brace has been read."""
        found: dict[str, Value] = {}
        while self.peek()[1] != "}":
            sort, text = self.take()
            self.skip("=")
            self.skip(":")
            found[unquoted(text) if sort == "string" else text] = self.value()
            self.skip(",")
        self.take("}")
        return found
