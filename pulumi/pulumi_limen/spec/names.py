"""How things may be called."""

import re

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,46}[a-z0-9])?", re.ASCII)
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TARGET = re.compile(r"vd[b-z]", re.ASCII)
_TAG = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)

RULES = {
    "name": "1 to 48 lower-case letters, digits and . _ - , beginning and ending with a letter or digit",
    "host_name": "labels of at most 63 lower-case letters, digits and hyphens, joined by dots (RFC 1123)",
    "mac": "a unicast address such as 52:54:00:12:34:56",
    "sha256": "the 64 hexadecimal digits that `sha256sum` prints",
    "target": "vdb to vdz (vda is the root disk)",
    "tag": "1 to 63 lower-case letters, digits and underscores, beginning with a letter",
    "tag_value": "at most 255 printable characters, without a blank at either end",
    "device": "the name of a bridge on the host, at most 15 letters, digits and _ . -",
}
"""What each kind of name allows, in words."""


def is_name(text: str) -> bool:
    """Whether `text` may name a VM, disk, network, pool or image; also a part of an item key."""
    return _NAME.fullmatch(text) is not None


def is_host_name(text: str) -> bool:
    """RFC 1123, section 2.1; lower case only, since DHCP and DNS disagree about case."""
    return len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None


def is_mac(text: str) -> bool:
    """Unicast, not all zeros; the lowest bit of the first byte means multicast (IEEE 802)."""
    return _MAC.fullmatch(text) is not None and not int(text[:2], 16) & 1 and text != "00:00:00:00:00:00"


def is_sha256(text: str) -> bool:
    return _SHA256.fullmatch(text) is not None


def is_target(text: str) -> bool:
    return _TARGET.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """What Ansible takes as a part of a group's name and as a variable."""
    return _TAG.fullmatch(text) is not None


def is_tag_value(text: str) -> bool:
    return len(text) <= 255 and text.isprintable() and text == text.strip()


def is_device_name(text: str) -> bool:
    return _DEVICE_NAME.fullmatch(text) is not None
