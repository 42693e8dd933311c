"""Who may do what: scopes of the token and roles in the project. Pure; `context` applies it."""

from uuid import UUID

from limen.api.problems import Forbidden
from limen.ledger.errors import NotFound
from limen.ledger.values import Identity, Role

# A scope that is of no use without reading brings the reading along.
_IMPLIED = {
    "quota:read": {"quota:check", "claims:write", "limits:write", "projects:write", "hosts:write"},
    "quota:check": {"claims:write"},
}
_RANK: dict[Role, int] = {"viewer": 1, "operator": 2, "owner": 3}


class Access:
    """What one request may do."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    @property
    def user(self) -> str:
        return self.identity.user

    def refuse_hosts(self) -> None:
        """Raises Forbidden for a token that is a host's."""
        if self.identity.host is not None:
            raise Forbidden("This token is a host's: its agent reports with it, and it does nothing else.")

    def require_host(self, host: UUID) -> None:
        """Raises Forbidden unless the token is this host's."""
        if self.identity.host != host:
            raise Forbidden(
                "This token is another host's: issue one with `limen token create --host` for this one."
            )

    def require_scope(self, scope: str) -> None:
        """Raises Forbidden unless the token has `scope`, `admin`, or one that implies it."""
        enough = {scope, "admin", *_IMPLIED.get(scope, ())}
        if not enough.intersection(self.identity.scopes):
            raise Forbidden(f"This token lacks the scope {scope}: use one that was issued with it.")

    def require_administrator(self, scope: str) -> None:
        """Raises Forbidden unless the caller is an administrator whose token has `scope` and all projects."""
        self.require_scope(scope)
        if not self.sees_everything:
            raise Forbidden("Only an administrator may do this: ask one.")

    @property
    def sees_everything(self) -> bool:
        return self.identity.administrator and self.identity.projects is None

    @property
    def visible(self) -> list[str] | None:
        """The projects that the caller sees; None: every one."""
        if self.identity.administrator:
            return None if self.identity.projects is None else list(self.identity.projects)
        return [project for project in self.identity.roles if self.sees(project)]

    def sees(self, project: str) -> bool:
        """Whether the caller has any role in the project, within what the token covers."""
        return self._has_role(project, "viewer")

    def require_role(self, project: str, role: Role) -> None:
        """Raises NotFound for a project that the caller does not see, Forbidden for too weak a role."""
        if not self.sees(project):
            raise unseen_project(project)
        if not self._has_role(project, role):
            raise Forbidden(
                f"This needs the role {role} in project {project}: ask an owner of it for that role."
            )

    def require_parent_owner(self, project: str, parent: str | None) -> None:
        """Raises unless the caller owns the parent of `project`, or is an administrator."""
        if parent is None:
            self.require_role(project, "viewer")
            if not self.identity.administrator:
                raise Forbidden(f"Only an administrator may do this with {project}, which has no parent.")
        elif not self._has_role(parent, "owner"):
            self.require_role(project, "viewer")
            raise Forbidden(f"This needs the role owner in project {parent}, the parent of {project}.")

    def _has_role(self, project: str, role: Role) -> bool:
        reach = self.identity.projects
        if reach is not None and project not in reach:
            return False
        held = self.identity.roles.get(project)
        return self.identity.administrator or (held is not None and _RANK[held] >= _RANK[role])


def unseen_project(project: str) -> NotFound:
    """One sentence for what is not there and for what may not be seen, so that neither shows."""
    return NotFound(
        f"There is no project {project}, or you have no role in it: check the name, or ask an owner."
    )
