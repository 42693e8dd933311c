"""Who may do what: tokens, scopes, roles."""

from typing import Any
from uuid import uuid4

import pytest

from limen.api.scopes import SCOPES
from limen.client import ApiError, Client

from .conftest import World

UNAUTHENTICATED = [
    {},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer limen_nonsense"},
    {"Authorization": "Basic cm9vdDpyb290"},
    {"Authorization": "Bearer " + "x" * 8000},
    {"Authorization": b"Bearer \xff\xfe"},
]


@pytest.mark.parametrize("headers", UNAUTHENTICATED)
def test_without_a_valid_token_everything_is_refused_alike(world: World, headers: dict[str, Any]) -> None:
    with world.http("unused") as http:
        http.headers.pop("Authorization")
        for method, path in (("GET", "/api/whoami"), ("POST", "/api/claims"), ("GET", "/api/claims/x")):
            answer = http.request(method, path, headers=headers, json={} if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    with world.administrator() as administrator, world.operator() as operator:
        user = operator.whoami()["user"]
        token_id = next(each["id"] for each in administrator.list_tokens() if each["user"] == user)
        administrator.revoke_token(token_id)
        with pytest.raises(ApiError) as raised:
            operator.whoami()
    assert raised.value.code == "unauthenticated"


def test_a_token_revokes_itself_but_no_other(world: World) -> None:
    with world.operator() as one, world.operator() as other:
        own = one.list_tokens()
        assert [each["user"] for each in own] == [one.whoami()["user"]]
        with pytest.raises(ApiError) as raised:
            other.revoke_token(own[0]["id"])
        assert raised.value.code == "not_found"
        one.revoke_token(own[0]["id"])
        with pytest.raises(ApiError):
            one.whoami()


def test_an_issued_token_is_shown_once_and_works(world: World) -> None:
    with world.administrator() as client:
        client.create_user(f"ada-{world.name}")
        client.set_member(world.demo, f"ada-{world.name}", "viewer")
        issued = client.create_token(f"ada-{world.name}", ["quota:read"], 60, [world.demo])
        assert issued["token"] not in str(client.list_tokens())
    with Client(world.api.url, issued["token"]) as ada:
        me = ada.whoami()
        assert (me["user"], me["projects"]) == (f"ada-{world.name}", {world.demo: "viewer"})
        assert ada.get_quota(world.demo)["project"] == world.demo


CALLS = {
    "quota:check": lambda client, world: client.explain(world.demo, amounts={"vms": 1}),
    "quota:read": lambda client, world: client.get_quota(world.demo),
    "claims:write": lambda client, world: client.create_claim(
        str(uuid4()), **world.claim(world.item(uuid4().hex[:6], memory="1MiB"))
    ),
    "limits:write": lambda client, world: client.set_limits(world.demo, {"snapshots": {"hard": "1"}}),
    "projects:write": lambda client, world: client.create_project(f"p-{uuid4().hex[:8]}", world.team),
    "audit:read": lambda client, world: client.list_audit(world.demo),
}
ENOUGH = {
    "quota:check": {"quota:check", "claims:write", "admin"},
    "quota:read": set(SCOPES) - {"audit:read"},
    "claims:write": {"claims:write", "admin"},
    "limits:write": {"limits:write", "admin"},
    "projects:write": {"projects:write", "admin"},
    "audit:read": {"audit:read", "admin"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_what_it_says_and_nothing_else(world: World, scope: str) -> None:
    with world.client(scope, role="owner", project=world.team) as client:
        for needed, call in CALLS.items():
            if scope in ENOUGH[needed]:
                call(client, world)
            else:
                with pytest.raises(ApiError) as raised:
                    call(client, world)
                assert raised.value.code == "forbidden"
                assert needed in str(raised.value)


def test_roles(world: World) -> None:
    every = [scope for scope in SCOPES if scope != "admin"]
    with world.client(*every, role="viewer") as viewer:
        viewer.get_quota(world.demo)
        with pytest.raises(ApiError, match="operator"):
            CALLS["claims:write"](viewer, world)
    with world.client(*every, role="operator") as operator:
        CALLS["claims:write"](operator, world)
        with pytest.raises(ApiError, match="owner"):
            CALLS["limits:write"](operator, world)
    with world.client(*every, role="owner") as owner:
        # A project's limits are set by an owner of its parent, never by its own.
        with pytest.raises(ApiError) as raised:
            CALLS["limits:write"](owner, world)
        assert raised.value.code == "forbidden"
    with world.client(*every, role="owner", project=world.team) as lead:
        CALLS["limits:write"](lead, world)
        with pytest.raises(ApiError) as raised:
            lead.set_limits(world.team, {"vms": {"hard": "1"}})
        assert raised.value.code == "forbidden"


def test_what_is_not_seen_is_not_there(world: World) -> None:
    with world.operator() as client:
        claim = client.create_claim(str(uuid4()), **world.claim(world.item("a")))
    with world.client("claims:write", "audit:read", user=None) as stranger:
        for call in (
            lambda: stranger.get_project(world.demo),
            lambda: stranger.get_quota(world.demo),
            lambda: stranger.explain(world.demo, amounts={"vms": 1}),
            lambda: stranger.list_claims(world.demo),
            lambda: stranger.get_claim(claim["id"]),
            lambda: stranger.release_claim(claim["id"], 1),
            lambda: stranger.list_audit(world.demo),
        ):
            with pytest.raises(ApiError) as raised:
                call()
            assert raised.value.code == "not_found"
        assert stranger.list_projects() == []
        assert stranger.list_claims() == []
        assert stranger.get_findings()["findings"] == []


def test_a_token_of_one_project_reaches_no_other(world: World) -> None:
    with world.administrator() as client:
        client.create_project(f"below-{world.name}", world.demo)
    token = world.token("admin", administrator=True, projects=[world.demo])
    with Client(world.api.url, token) as client:
        assert client.get_quota(world.demo)
        assert client.get_quota(f"below-{world.name}")
        with pytest.raises(ApiError):
            client.get_quota(world.team)
        with pytest.raises(ApiError):
            client.create_user("mallory")


@pytest.mark.parametrize(
    "call",
    [
        lambda client, _: client.create_user("mallory", True),
        lambda client, _: client.list_users(),
        lambda client, _: client.create_token("root", ["admin"], 60),
        lambda client, world: client.set_member(world.demo, "mallory", "owner"),
        lambda client, _: client.add_host("qemu:///system"),
        lambda client, world: client.forget_host(world.host_name),
        lambda client, _: client.create_project("top"),
        lambda client, world: client.move_project(world.demo, None),
        lambda client, _: client.list_audit(),
        lambda client, _: client.repair([{"finding": "x", "action": "release"}]),
    ],
)
def test_only_administrators(world: World, call: Any) -> None:
    with world.client(*SCOPES, role="owner", project=world.team) as client, pytest.raises(ApiError) as raised:
        call(client, world)
    assert raised.value.code == "forbidden"


def test_a_hosts_address_is_for_administrators(world: World) -> None:
    with world.operator() as operator, world.administrator() as administrator:
        assert "uri" not in operator.get_host(world.host_name)
        assert administrator.get_host(world.host_name)["uri"].startswith("qemu+unix:")
