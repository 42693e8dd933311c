"""OpenAPI and what is really answered agree."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from limen.api.schemas import answers
from limen.client import ApiError, QuotaDenied

from .conftest import World

CALLS = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/api/whoami": {"get"},
    "/api/users": {"get", "post"},
    "/api/projects/{project}/members/{user}": {"put"},
    "/api/tokens": {"get", "post"},
    "/api/tokens/{token_id}": {"delete"},
    "/api/projects": {"get", "post"},
    "/api/projects/{project}": {"get", "patch", "delete"},
    "/api/projects/{project}/limits": {"put"},
    "/api/projects/{project}/bounds": {"put"},
    "/api/projects/{project}/quota": {"get"},
    "/api/quota/explain": {"post"},
    "/api/hosts": {"get", "post"},
    "/api/hosts/{host}": {"get", "delete"},
    "/api/hosts/{host}/scan": {"post"},
    "/api/hosts/{host}/agent": {"put"},
    "/api/hosts/{host}/clock": {"get"},
    "/api/hosts/{host}/observations": {"post"},
    "/api/hosts/{host}/projects": {"get"},
    "/api/hosts/{host}/admitted": {"get"},
    "/api/hosts/{host}/admitted/{domain}": {"get"},
    "/api/claims": {"get", "post"},
    "/api/claims/{claim}": {"get", "put", "delete"},
    "/api/claims/{claim}/transfer": {"post"},
    "/api/claims/{claim}/items/{item}/admit": {"post"},
    "/api/claims/{claim}/items/{item}/settle": {"post"},
    "/api/claims/{claim}/heartbeat": {"post"},
    "/api/audit": {"get"},
    "/api/audit/prune": {"post"},
    "/api/reconcile": {"get", "post"},
    "/api/adoptions": {"post"},
    "/agent/{host}/{path}": {"get"},
}


def test_every_call_of_the_architecture_is_described(world: World) -> None:
    with world.http("none") as http:
        document = http.get("/api/openapi.json").json()
    assert {path: set(methods) for path, methods in document["paths"].items()} == CALLS
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            described = operation["responses"].get("200") or operation["responses"].get("201")
            assert (
                path in ("/metrics", "/agent/{host}/{path}")
                or method == "delete"
                or "204" in operation["responses"]
                or described["content"]
            )
    claim = document["components"]["schemas"]["NewClaim"]
    assert claim["additionalProperties"] is False
    assert set(claim["required"]) == {"id", "project", "owner", "fingerprint", "host", "items"}


def parses(model: Any, document: Any) -> None:
    TypeAdapter(model).validate_python(document)


def test_answers_are_what_is_described(world: World) -> None:
    claim_id = str(uuid4())
    sizes = {"vms": 1, "vcpus": 1, "memory": "256MiB"}
    with world.operator() as client:
        parses(answers.WhoAmI, client.whoami())
        parses(answers.Decision, client.explain(world.demo, amounts={"vms": 1}))
        item = world.item("a")
        parses(answers.Decision, client.explain(world.demo, host=world.host_name, items=[item]))
        parses(answers.AdmittedClaim, client.create_claim(claim_id, **world.claim(item)))
        with pytest.raises(QuotaDenied) as denied:
            client.create_claim(str(uuid4()), **world.claim(world.item("b", vcpus=9, memory="9GiB")))
        parses(answers.Decision, denied.value.decision)
        parses(answers.Problem, denied.value.problem)
        parses(answers.AdmittedClaim, client.change_claim(claim_id, generation=1, **world.claim()))
        admitted = client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))
        parses(answers.AdmittedItem, admitted)
        parses(answers.Deadline, client.heartbeat(claim_id, [admitted["fence"]]))
        parses(answers.Claim, client.get_claim(claim_id))
        parses(list[answers.Claim], client.list_claims(world.demo))
        parses(answers.Quota, client.get_quota(world.demo))
        parses(answers.Project, client.get_project(world.demo))
        parses(list[answers.Host], client.list_hosts())
        parses(answers.Findings, client.get_findings())
        parses(answers.SettledItem, client.settle_item(claim_id, "vm:a", wait_seconds=0))
        parses(answers.Claim, client.release_claim(claim_id, client.get_claim(claim_id)["generation"]))
    with world.administrator() as client:
        user = f"ada-{world.name}"
        parses(answers.User, client.create_user(user))
        parses(list[answers.User], client.list_users())
        parses(answers.IssuedToken, client.create_token(user, ["quota:read"], 60))
        parses(list[answers.Token], client.list_tokens())
        parses(answers.Host, client.get_host(world.host_name))
        parses(list[answers.AuditEntry], client.list_audit(limit=20))
        parses(answers.Pruned, client.prune_audit(90 * 86400))
        parses(answers.Quota, client.set_bounds(world.demo, {"vcpus": {"minimum": "1", "maximum": "8"}}))
        parses(answers.Quota, client.set_bounds(world.demo, {"vcpus": None}))
        parses(answers.Project, client.move_project(world.demo, None))
        parses(answers.RepairResults, client.repair([{"finding": "x", "action": "release"}]))
        with pytest.raises(ApiError) as missing:
            client.get_host("nowhere")
        parses(answers.Problem, missing.value.problem)
