"""Asking a host's agent, on behalf of whoever limen-api has let in."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from limen.ledger.errors import Unavailable

# What agents answer: their media types are not taken from them.
PATHS = {
    "healthz": "application/json",
    "metrics": "text/plain; version=0.0.4; charset=utf-8",
    "v1/domains": "application/json",
    "v1/system": "application/json",
}
SECONDS = 10.0
CONNECT_SECONDS = 2.0
_MAX_ANSWER = 32 * 2**20


@dataclass(frozen=True)
class AgentAnswer:
    content: bytes
    media_type: str


class Agents:
    """Asks agents with limen-api's own token for them; nothing of the caller's request reaches an agent.

    `token_file` is read at each call. Raises OSError where the CA file can't be used.
    """

    def __init__(self, token_file: Path | None = None, ca_file: Path | None = None) -> None:
        self._token_file = token_file
        self._http = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=ca_file),
            # Neither proxies nor netrc of the environment: the token goes to the agent and nowhere else.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, url: str, path: str) -> AgentAnswer:
        """What the agent at `url` answers to one of PATHS. Raises Unavailable, in time."""
        try:
            async with asyncio.timeout(SECONDS):
                return AgentAnswer(await self._read(f"{url}/{path}"), PATHS[path])
        except TimeoutError:
            raise Unavailable(f"the agent at {url} does not answer in time: see its log") from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(
                f"the agent at {url} can't be reached ({reason}): see whether it runs"
            ) from None

    async def _read(self, url: str) -> bytes:
        async with self._http.stream("GET", url, headers=self._headers()) as answer:
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise Unavailable(
                    "the agent does not take limen-api's token: correct LIMEN_API_AGENT_TOKEN_FILE"
                )
            if answer.status_code != httpx.codes.OK:
                raise Unavailable(f"the agent answers {answer.status_code}: see its log")
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > _MAX_ANSWER:
                    raise Unavailable("the agent's answer is too large to be one")
            return bytes(content)

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise Unavailable(
                f"limen-api can't read its token for agents, {self._token_file}: correct "
                "LIMEN_API_AGENT_TOKEN_FILE"
            ) from None
        return {"Authorization": f"Bearer {token}"}
