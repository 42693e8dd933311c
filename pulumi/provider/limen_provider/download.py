"""Files from the web, kept by their checksum on this machine."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import httpx

from limen_provider.errors import ProviderError

TIMEOUT = httpx.Timeout(30.0)


def fetched(url: str, sha256: str) -> Path:
    """The file whose SHA-256 is `sha256`, fetched from `url` unless it is in the cache already.

    Raises `ProviderError` when it cannot be fetched or has another checksum.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limen" / "downloads"
    target = folder / sha256
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="partial-")
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes(2**20):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise ProviderError(f"{url} has the SHA-256 {digest.hexdigest()}, not {sha256}: correct either.")
        Path(name).replace(target)
    except httpx.HTTPError as error:
        raise ProviderError(f"{url} cannot be fetched: {error or type(error).__name__}.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
    return target
