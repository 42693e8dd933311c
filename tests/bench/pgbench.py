"""pgbench running the statements of the ledger's own admission, in the same two round trips."""

import json
import os
import re
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from limen.ledger.pool import BEGIN, ENTER_SHARED, Settings
from limen.ledger.statements import LOCK, READ, write
from tests.bench.setting import RESOURCES, host_id
from tests.lab.postgres import BIN

PROGRAM = str(BIN / "pgbench")
GIB = 2**30

_CLAIM = "00000000-0000-4000-8000-CLAIM"
_ITEM = "00000000-0000-4000-9000-CLAIM"
_NOW = "2026-01-01"  # pgbench takes a colon before a letter or digit for a variable, in quotes too
_PARTS = frozenset({"claims_new", "items", "charges", "limits", "capacities", "audit"})


def script(trees: int, hosts: int) -> str:
    """The script: what `clients.request` asks for, decided by nobody."""
    host_ids = ",".join(str(host_id(number)) for number in range(hosts))
    host = f"(string_to_array('{host_ids}', ','))[:host::int + 1]"
    settings = Settings()
    parameters = {
        "role": "'limen_admit'",
        "lock": f"'{int(settings.lock_timeout * 1000)}'",
        "statement": f"'{int(settings.statement_timeout * 1000)}'",
        "idle": f"'{int(settings.idle_timeout * 1000)}'",
        "projects": "ARRAY['t' || :tree::text || '-l2']",
        "resources": "'{" + ",".join(RESOURCES) + "}'",
        "hosts": f"ARRAY[{host}]",
        "new": "'{}'",
    }
    chain = [f"(:tree::bigint * 3 + {level + 1})" for level in range(3)]
    document = json.dumps(_document(chain)).replace("'", "''")
    document = re.sub(r'"(\(:tree::bigint \* 3 \+ \d\))"', r"'||\1||'", document)
    number = "lpad(to_hex(:number::bigint), 12, '0')"
    text = f"replace(replace('{document}', 'CLAIM', {number}), 'HOST', {host})"
    lines = [
        f"\\set tree random(0, {trees - 1})",
        f"\\set host random(0, {hosts - 1})",
        "\\set number random(0, 281474976710655)",
        "\\startpipeline",
        BEGIN,
        _fill(ENTER_SHARED, parameters),
        _fill(LOCK[False], parameters),
        _fill(READ[False, False], parameters),
        "\\endpipeline",
        "\\startpipeline",
        write(_PARTS).replace("%s::jsonb", f"({text})::jsonb"),
        "COMMIT",
        "\\endpipeline",
    ]
    return "".join(line + ("\n" if line.startswith("\\") else ";\n") for line in lines)


def run(url: str, folder: Path, clients: int, trees: int, hosts: int, seconds: float) -> float:
    """Transactions a second. Raises RuntimeError with pgbench's words."""
    path = folder / f"admit-{clients}-{trees}-{hosts}.sql"
    path.write_text(script(trees, hosts))
    parts = conninfo_to_dict(url)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    environment = {variable: str(parts[name]) for name, variable in names.items() if parts.get(name)}
    done = subprocess.run(
        [
            *(
                PROGRAM,
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--jobs={min(clients, 2)}",
            ),
            *(f"--time={round(seconds)}", f"--file={path}"),
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or found is None or "failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench: {done.stderr[-2000:]}{done.stdout[-500:]}")
    return float(found[1])


def _fill(statement: str, parameters: dict[str, str]) -> str:
    # pgbench reads a statement up to its semicolon, over lines; psycopg's placeholders become SQL.
    return re.sub(r"%\((\w+)\)s", lambda match: parameters[match[1]], statement)


def _document(chain: list[str]) -> dict[str, object]:
    charges = (
        ("vm.web-1", "vms", 1),
        ("vm.web-1", "vcpus", 1),
        ("vm.web-1", "memory", GIB),
        ("disk.web-1", "disk", 10 * GIB),
    )
    item: dict[str, object] = {
        "claim_id": _CLAIM,
        "host_id": "HOST",
        "uuid": _ITEM,
        "state": "reserved",
        "deadline": _NOW,
    }
    item |= {"fence": 0, "seen": False, "released": False, "name": "web-1"}
    return {
        "now": _NOW,
        "claims_new": [
            {
                "id": _CLAIM,
                "project_id": chain[2],
                "owner_kind": "stack",
                "owner_name": "bench",
                "backend": "file:///var/lib/bench",
                "stack_project": "vm_stack",
                "stack": "bench",
                "host_id": "HOST",
                "generation": 1,
                "state": "held",
                "fences": 0,
                "created": _NOW,
                "updated": _NOW,
            }
        ],
        "items": [
            {**item, "key": "vm.web-1", "kind": "vm", "volume": None},
            {**item, "key": "disk.web-1", "kind": "disk", "volume": "default/CLAIM"},
        ],
        "charges": [
            {"claim_id": _CLAIM, "key": key, "resource": resource, "claimed": amount, "observed": 0}
            for key, resource, amount in charges
        ],
        "limits": [
            {"project_id": project, "resource": resource, "used": 0, "reserved": amount}
            for project in chain
            for _, resource, amount in charges
        ],
        "capacities": [
            {"host_id": "HOST", "resource": resource, "used": 0, "reserved": amount}
            for _, resource, amount in charges[1:]
        ],
        "audit": [
            {
                "actor": "bench",
                "action": "claim.create",
                "project": "t-l2",
                "claim_id": _CLAIM,
                "allowed": True,
                "detail": {"generation": 1, "charge": {r: str(a) for _, r, a in charges}},
            }
        ],
    }
