"""One method for each call of limen-api.

Answers are the JSON documents of docs/architecture.md as dicts; amounts in them are strings. Every method
raises ApiError (QuotaDenied for a denial), ApiUnavailable or ClientMisconfigured.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from limen.client.errors import ApiUnavailable, ClientMisconfigured
from limen.client.transport import TokenSource, Transport, environment_token

Json = dict[str, Any]
Amounts = Mapping[str, str | int]
_PAGE = 200


class Client:
    """A limen-api at `url`; `timeout` in seconds bounds every call that does not wait on purpose."""

    def __init__(
        self, url: str, token: str | TokenSource, ca_file: str | None = None, timeout: float = 5.0
    ) -> None:
        source = token if isinstance(token, TokenSource) else TokenSource(value=token)
        self._transport = Transport(url, source, ca_file, timeout)

    @classmethod
    def from_environment(cls, timeout: float = 5.0) -> Self:
        """A client by LIMEN_API_URL, LIMEN_TOKEN or LIMEN_TOKEN_FILE, and LIMEN_CA_FILE.

        Raises ClientMisconfigured where one that is needed is missing.
        """
        url = os.environ.get("LIMEN_API_URL")
        if not url:
            raise ClientMisconfigured("LIMEN_API_URL is not set: load the env file, or export it.")
        return cls(url, environment_token(), os.environ.get("LIMEN_CA_FILE") or None, timeout)

    def __repr__(self) -> str:
        return f"Client({self._transport!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _get(self, *path: str, query: Mapping[str, str | int | None] | None = None) -> Any:
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        return self._transport.request("GET", _path(*path), query=given)

    def _write(
        self, method: str, *path: str, body: Mapping[str, Any] | None = None, wait_seconds: float = 0.0
    ) -> Any:
        return self._transport.request(method, _path(*path), body=body, wait_seconds=wait_seconds)

    # Users and tokens

    def get_health(self) -> Json:
        """`/readyz`: whether the API can decide (database reached, migrated)."""
        return _document(self._transport.request("GET", "/readyz"))

    def whoami(self) -> Json:
        return _document(self._get("whoami"))

    def create_user(self, name: str, administrator: bool = False) -> Json:
        return _document(self._write("POST", "users", body={"name": name, "administrator": administrator}))

    def list_users(self) -> list[Json]:
        return _documents(self._get("users"))

    def set_member(self, project: str, user: str, role: str | None) -> None:
        """Give a user the role viewer, operator or owner in a project; None takes it away."""
        self._write("PUT", "projects", project, "members", user, body={"role": role})

    def create_token(
        self,
        user: str,
        scopes: Sequence[str],
        ttl_seconds: int,
        projects: Sequence[str] | None = None,
        host: str | None = None,
    ) -> Json:
        """`{id, token}`; the token is in this answer only. `host`: for that host's agent."""
        body = {"user": user, "scopes": list(scopes), "ttl_seconds": ttl_seconds}
        given = _given(body, projects=_listed(projects), host=host)
        return _document(self._write("POST", "tokens", body=given))

    def list_tokens(self) -> list[Json]:
        return _documents(self._get("tokens"))

    def revoke_token(self, token_id: str) -> None:
        self._write("DELETE", "tokens", token_id)

    # Projects and their quota

    def create_project(self, name: str, parent: str | None = None) -> Json:
        return _document(self._write("POST", "projects", body=_given({"name": name}, parent=parent)))

    def list_projects(self) -> list[Json]:
        return _documents(self._get("projects"))

    def get_project(self, project: str) -> Json:
        return _document(self._get("projects", project))

    def move_project(self, project: str, parent: str | None) -> Json:
        """Put a project below another, or with None at the top."""
        return _document(self._write("PATCH", "projects", project, body={"parent": parent}))

    def delete_project(self, project: str) -> None:
        self._write("DELETE", "projects", project)

    def set_limits(self, project: str, limits: Mapping[str, Mapping[str, Any]]) -> Json:
        """Change the limits of the named resources, others stay; answers the project's quota."""
        body = {"limits": dict(limits)}
        return _document(self._write("PUT", "projects", project, "limits", body=body))

    def set_bounds(self, project: str, bounds: Mapping[str, Mapping[str, Any] | None]) -> Json:
        """Change the bounds of single VMs for the named resources; None takes them away."""
        body = {"bounds": dict(bounds)}
        return _document(self._write("PUT", "projects", project, "bounds", body=body))

    def get_quota(self, project: str) -> Json:
        return _document(self._get("projects", project, "quota"))

    def explain(
        self,
        project: str,
        *,
        claim: str | None = None,
        host: str | None = None,
        items: Iterable[Mapping[str, Any]] | None = None,
        amounts: Amounts | None = None,
    ) -> Json:
        """The decision on a claim of these items, or on these amounts; changes nothing.

        `host` (id or name) puts that host's capacity into the decision.
        """
        body = _given(
            {"project": project},
            claim=claim,
            host=host,
            items=_items(items),
            amounts=_strings(amounts),
        )
        return _document(self._write("POST", "quota", "explain", body=body))

    # Hosts

    def add_host(
        self,
        uri: str,
        name: str | None = None,
        reserve: Amounts | None = None,
        overcommit: Mapping[str, str] | None = None,
        wait_seconds: float = 30.0,
        devices: Amounts | None = None,
    ) -> Json:
        """Register a libvirt host; the API connects to it, reads its UUID and scans it.

        `devices` is the capacity of `device:NAME`, which libvirt does not tell.
        """
        body = _given(
            {"uri": uri},
            name=name,
            reserve=_strings(reserve),
            overcommit=dict(overcommit) if overcommit is not None else None,
            devices=_strings(devices),
        )
        return _document(self._write("POST", "hosts", body=body, wait_seconds=wait_seconds))

    def list_hosts(self) -> list[Json]:
        return _documents(self._get("hosts"))

    def get_host(self, host: str) -> Json:
        return _document(self._get("hosts", host))

    def scan_host(self, host: str, wait_seconds: float = 30.0) -> Json:
        """Ask for a scan of the host that begins after this call, and wait for it."""
        body = {"wait_seconds": wait_seconds}
        return _document(self._write("POST", "hosts", host, "scan", body=body, wait_seconds=wait_seconds))

    def set_agent(self, host: str, url: str | None) -> Json:
        """Say where limen-api reaches the host's agent; None: nowhere."""
        return _document(self._write("PUT", "hosts", host, "agent", body={"url": url}))

    def forget_host(self, host: str) -> None:
        """Drop a dead host and the charges of everything last seen on it."""
        self._write("DELETE", "hosts", host)

    # Claims

    def create_claim(
        self,
        claim_id: str,
        *,
        project: str,
        owner: Mapping[str, str],
        fingerprint: Mapping[str, str],
        host: str,
        items: Iterable[Mapping[str, Any]],
        takeover: bool = False,
    ) -> Json:
        """Reserve all items or none; answers the claim."""
        body = _claim_body(project, owner, fingerprint, host, items, takeover)
        return _document(self._write("POST", "claims", body={"id": claim_id, **body}))

    def change_claim(
        self,
        claim_id: str,
        *,
        generation: int,
        project: str,
        owner: Mapping[str, str],
        fingerprint: Mapping[str, str],
        host: str,
        items: Iterable[Mapping[str, Any]],
        takeover: bool = False,
    ) -> Json:
        """Grow a claim, and move it if the project is another; answers the claim."""
        body = _claim_body(project, owner, fingerprint, host, items, takeover)
        return _document(self._write("PUT", "claims", claim_id, body={"generation": generation, **body}))

    def transfer_claim(self, claim_id: str, generation: int, project: str) -> Json:
        body = {"generation": generation, "project": project}
        return _document(self._write("POST", "claims", claim_id, "transfer", body=body))

    def release_claim(self, claim_id: str, generation: int) -> Json | None:
        """Release every item; what the host still holds stays charged until a scan shows it gone."""
        answer = self._transport.request(
            "DELETE", _path("claims", claim_id), query={"generation": str(generation)}
        )
        return None if answer is None else _document(answer)

    def list_claims(self, project: str | None = None, host: str | None = None) -> list[Json]:
        """Every claim that is seen, newest first; read page by page, so that no answer is large."""
        claims: list[Json] = []
        query: dict[str, str | int | None] = {"project": project, "host": host, "limit": _PAGE}
        while True:
            page = _documents(self._get("claims", query=query))
            claims += page
            if len(page) < _PAGE:
                return claims
            query["after"] = page[-1]["id"]

    def get_claim(self, claim_id: str) -> Json:
        return _document(self._get("claims", claim_id))

    def admit_item(
        self, claim_id: str, key: str, *, amounts: Amounts, host: str, fence: str | None = None
    ) -> Json:
        """`{item, fence}` if the item is admitted at this size or more, else ApiError `not_admitted`."""
        body = _given({"amounts": _strings(amounts), "host": host}, fence=fence)
        return _document(self._write("POST", "claims", claim_id, "items", key, "admit", body=body))

    def settle_item(
        self, claim_id: str, key: str, wait_seconds: float = 30.0, fence: str | None = None
    ) -> Json:
        """Release one item and wait for a scan; its state is `released` once the host shows it gone.

        With the `fence` of an admission, an item that was admitted anew since is left alone: `kept`.
        """
        return _document(
            self._write(
                "POST",
                *("claims", claim_id, "items", key, "settle"),
                body=_given({"wait_seconds": wait_seconds}, fence=fence),
                wait_seconds=wait_seconds,
            )
        )

    def heartbeat(self, claim_id: str, fences: Sequence[str]) -> Json | None:
        """Move the deadline of the items that these fences build to two minutes from now."""
        answer = self._write("POST", "claims", claim_id, "heartbeat", body={"fences": list(fences)})
        return None if answer is None else _document(answer)

    # Audit and reconciliation

    def list_audit(
        self, project: str | None = None, limit: int | None = None, before: int | None = None
    ) -> list[Json]:
        """Newest first, at most 1000; `before` is the id of the last entry that was read, to go on."""
        query = {"project": project, "limit": limit, "before": before}
        return _documents(self._get("audit", query=query))

    def prune_audit(self, older_than_seconds: int) -> Json:
        """Delete denials older than that (30 days at least); answers how many were removed."""
        body = {"older_than_seconds": older_than_seconds}
        return _document(self._write("POST", "audit", "prune", body=body, wait_seconds=30.0))

    def get_findings(self) -> Json:
        """Orphans, ghosts, drift and duplicates, as the last scans show them."""
        return _document(self._get("reconcile"))

    def adopt_domain(self, domain: str, project: str, host: str | None = None, check: bool = False) -> Json:
        """Charge a domain (name or UUID) as it was last seen, with its disks; answers the claim and decision.

        With `check` nothing is done, and the answer says what would be.
        """
        body = _given({"domain": domain, "project": project}, host=host, check=check or None)
        return _document(self._write("POST", "adoptions", body=body, wait_seconds=30.0))

    def repair(self, actions: Iterable[Mapping[str, str]], check: bool = False) -> Json:
        """Carry out `{finding, action}` pairs (`adopt` with `project`); answers what was done.

        With `check` nothing is done, and the answer says what would be.
        """
        body = _given({"repair": [dict(action) for action in actions]}, check=check or None)
        return _document(self._write("POST", "reconcile", body=body, wait_seconds=30.0))


def _path(*segments: str) -> str:
    return "/api/" + "/".join(quote(segment, safe=":") for segment in segments)


def _given(body: Mapping[str, Any], **optional: Any) -> Json:
    return {**body, **{name: value for name, value in optional.items() if value is not None}}


def _strings(amounts: Amounts | None) -> dict[str, str] | None:
    return None if amounts is None else {name: str(amount) for name, amount in amounts.items()}


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _items(items: Iterable[Mapping[str, Any]] | None) -> list[Json] | None:
    return None if items is None else [{**item, "amounts": _strings(item["amounts"])} for item in items]


def _claim_body(
    project: str,
    owner: Mapping[str, str],
    fingerprint: Mapping[str, str],
    host: str,
    items: Iterable[Mapping[str, Any]],
    takeover: bool,
) -> Json:
    body: Json = {
        "project": project,
        "owner": dict(owner),
        "fingerprint": dict(fingerprint),
        "host": host,
        "items": _items(items),
    }
    return {**body, "takeover": True} if takeover else body


def _document(answer: Any) -> Json:
    if not isinstance(answer, dict):
        raise ApiUnavailable("limen-api answered with another kind of document: update client and API.")
    return answer


def _documents(answer: Any) -> list[Json]:
    if not isinstance(answer, list):
        raise ApiUnavailable("limen-api answered with another kind of document: update client and API.")
    return [_document(document) for document in answer]
