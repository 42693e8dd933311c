"""Finds passwords and private keys in what guests read at their first boot; tells where, never what."""

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_string
from typing import Any
from urllib.parse import unquote_to_bytes

import yaml

DEPTH = 4
_MOST_BYTES = 4 * 1024**2
_KEY = re.compile(r"(?i).*(password|passwd|passphrase|secret|token|api_?key|private_?key|_private|psk)$")
_HASH_KEY = re.compile(r"(?i)(passwd|hashed_passwd|password_?hash)$")
# crypt(3): $id$salt$hash.
_HASH = re.compile(r"\$[0-9a-z]+\$.+")
# Locked, or made up by cloud-init.
_NO_PASSWORD = frozenset(("", "*", "!", "!!", "R", "RANDOM"))
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_ASSIGNMENT = re.compile(
    r"(?im)^\s*(?:export\s+)?[\w.-]*(?:password|passwd|passphrase|secret|token|api_?key)\s*=\s*"
    r"[\"']?(?![\"'$*\s]|$)\S"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@\"']*:(?!\$)[^/\s@\"']+@")
_PIPED = re.compile(r"[\"']?[\w.-]+:(?!\$)[^\s\"'|]+[\"']?\s*\|\s*(?:sudo\s+)?chpasswd")
_PLAIN_NAME = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True)
class Found:
    """`what` was found, "a password" say; `path` leads to it in the document, "" for its text."""

    what: str
    path: str


def find(text: str, keys: Sequence[str] = (), hashes: bool = False) -> list[Found]:
    """What in `text` should be secret: each place once, in their order there.

    `keys` are more names of keys whose values are secret; with `hashes` the hash of a password is one too.
    """
    names = frozenset(key.lower() for key in keys)
    return list(dict.fromkeys(_Search(names, hashes).text(text, "", DEPTH)))


class _Search:
    def __init__(self, names: frozenset[str], hashes: bool) -> None:
        self._names, self._hashes = names, hashes

    def text(self, text: str, path: str, depth: int) -> Iterator[Found]:
        """A text of any format: a document whose keys say what is secret, or lines that look like it."""
        document = _parsed(text) if depth else None
        if isinstance(document, dict | list):
            yield from self.value(document, path, depth - 1, set())
        elif depth and text.lstrip()[:13].lower() in ("content-type:", "mime-version:"):
            for index, part in enumerate(
                each for each in message_from_string(text).walk() if not each.is_multipart()
            ):
                payload = part.get_payload(decode=True)
                if isinstance(payload, bytes):
                    yield from self.text(payload.decode(errors="replace"), f"{path}part[{index}]", depth - 1)
        else:
            yield from self._lines(text, path)

    def value(self, value: Any, path: str, depth: int, seen: set[int]) -> Iterator[Found]:
        """A value within a document; `seen` holds the containers that were walked, for YAML's aliases."""
        if isinstance(value, str):
            yield from self.text(value, path, depth) if "\n" in value else self._lines(value, path)
            return
        if not isinstance(value, dict | list) or id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, list):
            for index, each in enumerate(value):
                yield from self.value(each, f"{path}[{index}]", depth, seen)
            return
        for key, each in value.items():
            below = _below(path, key)
            if what := self._named(str(key), each, value):
                yield Found(what, below)
            elif path.endswith("chpasswd") and key == "list":
                yield from self._logins(each, below)
            elif isinstance(content := _decoded(key, each, value), str):
                yield from self.text(content, below, depth)
            else:
                yield from self.value(each, below, depth, seen)

    def _named(self, key: str, value: Any, around: dict[Any, Any]) -> str:
        """What a key of this name holds; "" if its value is no secret."""
        if not isinstance(value, str | int) or isinstance(value, bool) or str(value) in _NO_PASSWORD:
            return ""
        text = str(value)
        if key.lower() in self._names:
            return "a secret"
        if not _KEY.match(key) and not _HASH_KEY.match(key):
            return ""
        if "private" in key.lower():
            return "a private key"
        hashed = _HASH.fullmatch(text) or around.get("type") == "hash"
        if hashed:
            return "a password's hash" if self._hashes else ""
        return "a password"

    def _logins(self, value: Any, path: str) -> Iterator[Found]:
        """The `user:password` lines of chpasswd."""
        lines = value.splitlines() if isinstance(value, str) else value if isinstance(value, list) else []
        for index, line in enumerate(lines):
            _, colon, password = str(line).strip().partition(":")
            if what := colon and self._named("password", password, {}):
                yield Found(what, f"{path}[{index}]")

    def _lines(self, text: str, path: str) -> Iterator[Found]:
        if _PRIVATE_KEY.search(text):
            yield Found("a private key", path)
        if any(each.search(text) for each in (_ASSIGNMENT, _URL, _PIPED)):
            yield Found("a password", path)


def _parsed(text: str) -> Any:
    """The text as YAML (and so JSON), None if it is none or only a word."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _decoded(key: Any, value: Any, around: dict[Any, Any]) -> str | None:
    """The content of a file that is written encoded (`encoding: gz+b64`, `data:` URLs)."""
    if not isinstance(value, str):
        return None
    encoding = str(around.get("encoding") or around.get("compression") or "").lower()
    try:
        if value.startswith("data:"):
            head, _, body = value.partition(",")
            raw = unquote_to_bytes(body)
            raw = base64.b64decode(raw) if head.endswith(";base64") else raw
        elif key == "content" and ("b64" in encoding or "base64" in encoding):
            raw = base64.b64decode(value)
        else:
            return None
        if raw[:2] == b"\x1f\x8b":
            raw = zlib.decompressobj(wbits=31).decompress(raw, _MOST_BYTES)
    except (binascii.Error, zlib.error, ValueError, gzip.BadGzipFile):
        return None
    return raw.decode(errors="replace")


def _below(path: str, key: Any) -> str:
    """The path of `key`; a name that could be anything is not repeated."""
    name = str(key) if _PLAIN_NAME.fullmatch(str(key)) else "*"
    return f"{path}.{name}" if path else name
