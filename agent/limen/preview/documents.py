"""Bytes into JSON, with bounds: what comes from a pipeline may be anything."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from limen.preview.errors import NotAPreview

MEBIBYTE = 1024 * 1024
MOST_BYTES = 32 * MEBIBYTE
"""A preview has about 6 KiB a resource, so that five thousand fit; more is another file."""

_HOW = "give the output of `pulumi preview --json`"


def read_json(stream: BinaryIO, name: str, how: str = _HOW, most: int = MOST_BYTES) -> Any:
    """The one JSON document in `stream`; raises NotAPreview, and never reads much more than `most` bytes."""
    text = _decode(_bounded(stream, name, how, most), name, how).strip()
    if not text:
        raise NotAPreview(f"{name} is empty: {how}, whose own message is on standard error if it failed.")
    if text[0] not in "{[":
        raise NotAPreview(f"{name} is not JSON: {how}.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) - 1 or text[-1] not in "}]":
            raise _cut_off(name) from error
        raise NotAPreview(f"{name} is not JSON from line {error.lineno} on: {how}, nothing else.") from error
    except (RecursionError, ValueError) as error:
        raise NotAPreview(f"{name} is JSON that no engine writes: {how}.") from error


def read_lines(stream: BinaryIO, name: str, how: str) -> Iterator[str]:
    """The lines of an event log, one at a time; raises NotAPreview."""
    total = 0
    while raw := stream.readline(MOST_BYTES + 1):
        total += len(raw)
        if total > MOST_BYTES * 4 or len(raw) > MOST_BYTES:
            raise NotAPreview(f"{name} is larger than {MOST_BYTES * 4 // MEBIBYTE} MiB: {how}.")
        yield _decode(raw, name, how)


def _bounded(stream: BinaryIO, name: str, how: str, most: int) -> bytes:
    raw = stream.read(most + 1)
    if len(raw) > most:
        raise NotAPreview(f"{name} is larger than {most // MEBIBYTE} MiB, as no such file is: {how}.")
    return raw


def _decode(raw: bytes, name: str, how: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Half of a character is all that is wrong with text that was cut off there.
        if error.end == len(raw) and raw.lstrip()[:1] in (b"{", b"["):
            raise _cut_off(name) from error
        raise NotAPreview(f"{name} is not text: {how}.") from error


def _cut_off(name: str) -> NotAPreview:
    return NotAPreview(f"{name} is cut off before its end: make it again, whole.")
