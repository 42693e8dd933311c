"""What a killed pulumi leaves in a backend of files: a blob's attributes, created and never written.

Pulumi's file backend (gocloud.dev's fileblob) replaces a blob as a whole, but writes `BLOB.attrs` beside it
in place. Killed between the two steps, it leaves that file empty, and no command can read the stack's state
any more ("failed to load checkpoint: EOF"), though the state is whole. Without the file it is read as it is.
"""

from pathlib import Path
from urllib.parse import urlsplit

_SCHEME = "file://"


def folder_of(url: str, program: Path) -> Path | None:
    """The folder of a backend of files, whose URL may be relative to the program; None for any other one."""
    if not url.startswith(_SCHEME):
        return None
    path = urlsplit(f"file:{url.removeprefix(_SCHEME)}").path
    return (program / Path(path).expanduser()).resolve()


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return False  # a pulumi at work on another stack has just deleted it


def drop_unwritten(folder: Path) -> list[Path]:
    """Delete the empty attributes of stacks and locks; returns what was deleted.

    A pulumi at work on another stack may be about to fill one: it fills the deleted file, and the blob has
    none, which is as good.
    """
    unwritten = [
        path
        for part in ("stacks", "locks")
        for path in sorted((folder / ".pulumi" / part).rglob("*.attrs"))
        if _is_empty(path)
    ]
    for path in unwritten:
        path.unlink(missing_ok=True)
    return unwritten
