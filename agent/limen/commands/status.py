"""`limen health` and `limen whoami`."""

from limen.client import Client
from limen.commands.output import JsonFlag, print_fields, print_json


def health(as_json: JsonFlag = False) -> None:
    """Say whether limen-api can decide; exit code 1 if not."""
    with Client.from_environment() as client:
        answer = client.get_health()
        hosts = client.list_hosts()
    away = [host["name"] for host in hosts if host["reachable"] is False]
    if as_json:
        print_json({**answer, "hosts": len(hosts), "unreachable": away})
    else:
        print_fields(
            {"limen-api": answer["status"], "hosts": len(hosts), "not answering": ", ".join(away) or "none"}
        )


def whoami(as_json: JsonFlag = False) -> None:
    """Show whom the token speaks for and what it may do."""
    with Client.from_environment() as client:
        answer = client.whoami()
    if as_json:
        print_json(answer)
    else:
        roles = " ".join(f"{project}:{role}" for project, role in answer["projects"].items())
        print_fields(
            {
                "user": answer["user"],
                "administrator": "yes" if answer["administrator"] else "no",
                "scopes": " ".join(answer["scopes"]),
                "roles": roles,
            }
        )
