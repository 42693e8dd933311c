"""Text of a preview as a report may hold it: bounded, and without characters that show nothing or lie."""

import re
import unicodedata

NAME, MESSAGE = 200, 4_000
"""Characters of a name, and of a message of several lines, that a report takes over."""

# Colours of terminals, and the engine's own marks of colours.
_COLOURS = re.compile("\x1b\\[[0-9;]*[A-Za-z]|<\\{%[a-z0-9 ]*%\\}>")
# Control, format (these turn text around, or are not seen), surrogate, private, unassigned.
_NEVER = ("Cc", "Cf", "Cs", "Co", "Cn")


def line(value: object, most: int = NAME) -> str:
    """One line of text; what is no text is none."""
    return _cut(" ".join(_seen(value).split()), most)


def lines(value: object, most: int = MESSAGE) -> str:
    """Several lines, without blank ones around them."""
    return _cut("\n".join(each.rstrip() for each in _seen(value).strip().split("\n")), most)


def _seen(value: object) -> str:
    # Bounded before anything is looked at: nobody reads a message of megabytes.
    text = value[: 4 * MESSAGE] if isinstance(value, str) else ""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_one, _COLOURS.sub("", text).replace("\r\n", "\n")))


def _one(character: str) -> str:
    if character in "\n\t" or (character.isascii() and character.isprintable()):
        return character
    if character == "\r" or unicodedata.category(character) in ("Zl", "Zp"):
        return "\n"
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _NEVER else character


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
