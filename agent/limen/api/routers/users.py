"""Users and who the caller is."""

from fastapi import APIRouter

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn
from limen.api.schemas import answers
from limen.api.schemas.access import MemberIn, NewUser, user_json
from limen.api.schemas.fields import Json

router = APIRouter(prefix="/api", tags=["users"])


@router.get("/whoami", **answering(answers.WhoAmI))
def whoami(caller: Caller) -> Json:
    """The token's user, scopes and the projects it reaches with their roles."""
    identity = caller.identity
    return {
        "user": identity.user,
        "administrator": identity.administrator,
        "scopes": list(identity.scopes),
        "projects": {project: role for project, role in identity.roles.items() if caller.sees(project)},
        "restricted_to": None if identity.projects is None else list(identity.projects),
    }


@router.post("/users", **answering(answers.User, 201))
def create_user(body: NewUser, caller: Caller, parts: PartsIn) -> Json:
    caller.require_administrator("admin")
    return user_json(parts.ledger.users.create(body.name, body.administrator, actor=caller.user))


@router.get("/users", **answering(list[answers.User]))
def list_users(caller: Caller, parts: PartsIn) -> list[Json]:
    caller.require_administrator("admin")
    return [user_json(user) for user in parts.ledger.users.list()]


@router.put("/projects/{project}/members/{user}", status_code=204)
def set_member(project: str, user: str, body: MemberIn, caller: Caller, parts: PartsIn) -> None:
    """Give a role in the project and everything below it."""
    caller.require_administrator("admin")
    parts.ledger.users.put_role(project, user, body.role, actor=caller.user)
