"""A limen-api in memory that speaks real HTTP: claims with their states, one project limit in memory.

The contract test in tests/integration/provider runs the same scenarios against the real one.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from limen.quota.model import item_uuid
from limen.quota.units import parse_amount

HOST_UUID = "6f7b2a30-8f44-4f0e-9d6c-52f25a0e11aa"
HOST_NAME = "lab"
NEEDED = {"vm": {"vms", "vcpus", "memory"}, "disk": {"disk"}, "network": {"networks"}}
Json = dict[str, Any]


class Problem(Exception):
    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.document = {
            "type": f"urn:limen:problem:{code}",
            "title": code,
            "status": status,
            "detail": detail,
            "code": code,
            **more,
        }


class FakeApi:
    """Its state is open to tests: `token`, `limits[project][resource]`, `claims`, `calls`, `lose_answers`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self) -> None:
        self.token = "token-1"
        self.host_uri = f"fake:///{HOST_UUID}"
        self.limits: dict[str, dict[str, int]] = {}
        self.claims: dict[str, Json] = {}
        self.calls: list[str] = []
        self.heartbeats: list[tuple[str, list[str]]] = []
        self.lose_answers = 0
        self.settle_seconds = 0.0
        self.observed: dict[str, dict[str, int]] = {}
        self.fences = 0
        self.heard = threading.Condition()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # What a test may do behind the provider's back

    def create_project(self, name: str, limits: dict[str, int]) -> None:
        self.limits[name] = limits

    def lapse(self, claim_id: str, key: str) -> None:
        self.claims[claim_id]["items"][key]["state"] = "lapsing"

    def forget(self, claim_id: str) -> None:
        del self.claims[claim_id]

    # The calls

    def handle(self, method: str, path: str, query: Json, body: Json, token: str) -> tuple[int, Any]:
        with self.lock:
            self.calls.append(f"{method} {path}")
            if token != self.token:
                raise Problem(401, "unauthenticated", "The token is not valid: get another one.")
            parts = path.removeprefix("/api/").split("/")
            match method, parts:
                case "POST", ["quota", "explain"]:
                    return 200, self._explain(body)
                case "GET", ["hosts", host] if host in (HOST_NAME, HOST_UUID):
                    return 200, {"id": HOST_UUID, "uuid": HOST_UUID, "name": HOST_NAME, "uri": self.host_uri}
                case "POST", ["claims"]:
                    return 201, self._create(body)
                case "GET", ["claims"]:
                    return 200, [self._shown(claim) for claim in self.claims.values()]
                case "POST", ["claims", claim, "transfer"]:
                    return 200, self._transfer(self._claim(claim), body)
                case "GET", ["claims", claim]:
                    return 200, self._shown(self._claim(claim))
                case "PUT", ["claims", claim]:
                    return 200, self._change(self._claim(claim), body)
                case "DELETE", ["claims", claim]:
                    return 200, self._release(self._claim(claim), int(query["generation"][0]))
                case "POST", ["claims", claim, "heartbeat"]:
                    return 200, self._heartbeat(self._claim(claim), body)
                case "POST", ["claims", claim, "items", key, "admit"]:
                    return 200, self._admit(self._claim(claim), key, body)
                case "POST", ["claims", claim, "items", key, "settle"]:
                    return 200, self._settle(self._claim(claim), key, body)
        raise Problem(404, "not_found", f"There is no {path}.")

    def _claim(self, claim_id: str) -> Json:
        if claim_id not in self.claims:
            raise Problem(404, "not_found", f"There is no claim {claim_id}.")
        return self.claims[claim_id]

    def _create(self, body: Json) -> Json:
        self._host(body["host"])
        existing = self.claims.get(body["id"])
        if existing is not None and existing["state"] == "held":
            raise Problem(409, "conflict", f"The claim {body['id']} exists: change it with PUT.")
        return self._hold(existing or {"id": body["id"], "generation": 0, "items": {}}, body)

    def _change(self, claim: Json, body: Json) -> Json:
        if body["generation"] != claim["generation"]:
            raise Problem(409, "stale_generation", "The claim has changed since: read it again.")
        if body["fingerprint"] != claim["fingerprint"] and not body.get("takeover"):
            raise Problem(409, "fingerprint_mismatch", "The claim is another stack's: ask for a takeover.")
        return self._hold(claim, body)

    def _hold(self, claim: Json, body: Json) -> Json:
        decision = self._decide(claim["id"], body["project"], body["items"])
        if not decision["allowed"]:
            raise Problem(403, "quota_denied", "Denied.", decision=decision)
        for item in body["items"]:
            self._grow(claim, item, self._host(body.get("host", HOST_NAME)))
        kept = ("project", "owner", "fingerprint")
        claim |= {name: body[name] for name in kept} | {
            "state": "held",
            "generation": claim["generation"] + 1,
        }
        self.claims[claim["id"]] = claim
        return {**self._shown(claim), "decision": decision}

    def _transfer(self, claim: Json, body: Json) -> Json:
        if body["generation"] != claim["generation"]:
            raise Problem(409, "stale_generation", "The claim has changed since: read it again.")
        claim |= {"project": body["project"], "generation": claim["generation"] + 1}
        return self._shown(claim)

    def _grow(self, claim: Json, item: Json, host: str) -> None:
        old = claim["items"].get(item["key"], {"claimed": {}, "state": "lapsing"})
        wanted = _numbers(item["amounts"])
        claimed = {name: max(wanted.get(name, 0), old["claimed"].get(name, 0)) for name in wanted}
        claim["items"][item["key"]] = {
            "key": item["key"],
            "kind": item["kind"],
            "name": item["name"],
            "volume": item.get("volume"),
            "host": host,
            "uuid": str(item_uuid(claim["id"], item["key"])),
            "claimed": claimed,
            "state": old["state"] if old["state"] in ("building", "committed") else "reserved",
            "released": False,
            "fence": old.get("fence"),
        }

    def _release(self, claim: Json, generation: int) -> Json:
        if generation != claim["generation"]:
            raise Problem(409, "stale_generation", "The claim has changed since: read it again.")
        claim |= {"state": "released", "generation": generation + 1}
        for key in list(claim["items"]):
            self._give_up(claim, key)
        return self._shown(claim)

    def _admit(self, claim: Json, key: str, body: Json) -> Json:
        item, wanted = claim["items"].get(key), _numbers(body["amounts"])
        host = self._host(body["host"])
        if item is None or item["state"] == "lapsing" or item["released"] or item["host"] != host:
            raise Problem(409, "not_admitted", f"{key} is not admitted.")
        if any(item["claimed"].get(name, 0) < amount for name, amount in wanted.items()):
            raise Problem(409, "not_admitted", f"{key} is not admitted at this size.")
        self.fences += 1
        item |= {"claimed": wanted, "state": "building", "fence": str(self.fences)}
        return {"item": self._shown_item(item), "fence": str(self.fences)}

    def _settle(self, claim: Json, key: str, body: Json) -> Json:
        item = claim["items"].get(key)
        if item is None:
            return {"key": key, "state": "released", "charge": {}}
        if body.get("fence") not in (None, item["fence"]):
            return {**self._shown_item(item), "state": "kept", "detail": "Another builder has it."}
        self._give_up(claim, key)
        if key in claim["items"]:
            return {**self._shown_item(claim["items"][key]), "state": "lapsing", "detail": "Still there."}
        return {**self._shown_item(item), "state": "released", "charge": {}}

    def _give_up(self, claim: Json, key: str) -> None:
        claim["items"][key] |= {"claimed": {}, "released": True, "state": "lapsing"}
        if not self.observed.get(key):
            del claim["items"][key]

    def _heartbeat(self, claim: Json, body: Json) -> Json:
        self.heartbeats.append((claim["id"], body["fences"]))
        with self.heard:
            self.heard.notify_all()
        return {"deadline": None}

    def _explain(self, body: Json) -> Json:
        self._host(body.get("host", HOST_NAME))
        return self._decide(body.get("claim"), body["project"], body["items"])

    def _decide(self, claim_id: str | None, project: str, items: list[Json]) -> Json:
        """One scope only; the arithmetic of the real rules is tested elsewhere."""
        if project not in self.limits:
            raise Problem(404, "not_found", f"There is no project {project}.")
        for item in items:
            if missing := NEEDED[item["kind"]] - set(item["amounts"]):
                raise Problem(422, "invalid", f"{item['key']} does not say how much {missing} it needs.")
        own = self.claims.get(claim_id or "", {"project": None, "items": {}})
        after = {key: dict(item["claimed"]) for key, item in own["items"].items()}
        for item in items:
            old = after.get(item["key"], {})
            new = _numbers(item["amounts"])
            after[item["key"]] = {name: max(new[name], old.get(name, 0)) for name in new}
        before = self._sum(own["items"].values()) if own["project"] == project else {}
        total = self._sum({"claimed": amounts} for amounts in after.values())
        used = self._sum(
            item for claim in self.claims.values() if claim["project"] == project
            for item in claim["items"].values()
        )  # fmt: skip
        sentences = []
        for resource, amount in total.items():
            limit, now = self.limits[project].get(resource, 0), used.get(resource, 0)
            asked = amount - before.get(resource, 0)
            if asked > 0 and now + asked > limit:
                sentences.append(
                    f"Denied: project {project} may not use {asked} more {resource}: "
                    f"limit {limit}, used {now}, requested {asked}, would fit {max(0, limit - now)}."
                )
        return {"allowed": not sentences, "warnings": [], "text": "\n".join(sentences) or "Admitted."}

    def _sum(self, items: Any) -> dict[str, int]:
        total: dict[str, int] = {}
        for item in items:
            for resource, amount in item["claimed"].items():
                total[resource] = total.get(resource, 0) + amount
        return total

    def _host(self, name: str) -> str:
        if name not in (HOST_NAME, HOST_UUID):
            raise Problem(404, "not_found", f"There is no host {name}: see `limen host list`.")
        return HOST_UUID

    def _shown(self, claim: Json) -> Json:
        return {
            **claim,
            "host": HOST_UUID,
            "items": [self._shown_item(item) for _, item in sorted(claim["items"].items())],
            "charge": _strings(self._sum(claim["items"].values())),
        }

    def _shown_item(self, item: Json) -> Json:
        observed = _strings(self.observed.get(item["key"], {}))
        return {**item, "claimed": _strings(item["claimed"]), "observed": observed}


def _numbers(amounts: dict[str, str]) -> dict[str, int]:
    return {name: parse_amount(amount, name) for name, amount in amounts.items()}


def _strings(amounts: dict[str, int]) -> dict[str, str]:
    return {name: str(amount) for name, amount in amounts.items()}


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(size)) if size else {}
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            path, query = unquote(parts.path), parse_qs(parts.query)
            if path.endswith("/settle") and api.settle_seconds:
                threading.Event().wait(api.settle_seconds)
            try:
                status, answer = api.handle(self.command, path, query, body, token)
            except Problem as problem:
                status, answer = problem.status, problem.document
            if self.command != "GET" and api.lose_answers:
                api.lose_answers -= 1
                self.close_connection = True
                return
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  http.server names them

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler
