"""The pages: what ansible-doc and argument_specs.yml say, drawn with the templates beside this file."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

NAME = "limen.platform"
# Kinds of plugins that have pages, the folder each is in.
KINDS = {"module": "modules", "inventory": "inventory"}

_MARKUP = re.compile(r"\b(RV|[BCEILMOPRUV])\(((?:[^()\\]|\\.|\([^()]*\))*)\)")
_EMPHASIS = {"B": "**{}**", "I": "*{}*", "U": "<{}>"}


def render(root: Path) -> Iterator[tuple[str, str, str]]:
    """(folder below docs, name, text) of every page."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # Markdown of this repository's own texts, no page that a browser runs
    )
    templates.filters |= {"prose": prose, "cell": cell, "rows": rows, "default_value": default_value}
    for kind, folder in KINDS.items():
        names = sorted(
            path.stem
            for path in (root / "collections/ansible_collections/limen/platform/plugins" / folder).glob(
                "*.py"
            )
        )
        for name, shown in _ansible_doc(root, kind, [f"{NAME}.{name}" for name in names]).items():
            page = templates.get_template("plugin.md.j2").render(name=name, kind=kind, **shown)
            yield "modules", name.rpartition(".")[2], page
    for path in sorted((root / "roles").glob("*/meta/argument_specs.yml")):
        name = path.parents[1].name
        specs = yaml.safe_load(path.read_text())["argument_specs"]
        meta = yaml.safe_load((path.parent / "main.yml").read_text()) or {}
        page = templates.get_template("role.md.j2").render(name=name, specs=specs, meta=meta)
        yield "roles", name, page


def prose(text: object) -> str:
    """Ansible's markup as Markdown; a list is one paragraph an entry."""
    if isinstance(text, list):
        return "\n\n".join(prose(each) for each in text)
    return _MARKUP.sub(_marked, " ".join(str(text or "").split()))


def cell(text: object) -> str:
    """Prose for one cell of a table."""
    return prose(text).replace("\n\n", " ").replace("|", "\\|")


def rows(options: Mapping[str, Any] | None, path: str = "") -> Iterator[dict[str, Any]]:
    """Options (or return values) and what is in them, flat: `limits`, then `limits[].hard`."""
    for name, option in (options or {}).items():
        elements = option.get("elements")
        kind = (
            f"list of {elements}" if option.get("type") == "list" and elements else option.get("type", "str")
        )
        yield {"name": path + name, "kind": kind, "option": option, "meaning": _meaning(option)}
        within = option.get("options") or option.get("suboptions") or option.get("contains")
        inner = f"{path}{name}[]." if option.get("type") == "list" else f"{path}{name}."
        yield from rows(within, inner)


def default_value(value: object) -> str:
    """A default as one writes it in a playbook, for one cell of a table."""
    written = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return written.replace("|", "\\|")


def _meaning(option: Mapping[str, Any]) -> str:
    parts = [cell(option.get("description"))]
    if option.get("choices"):
        parts.append("One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + ".")
    variables = [each["name"] for each in option.get("env") or ()]
    if variables:
        parts.append("Environment: " + ", ".join(f"`{name}`" for name in variables) + ".")
    return " ".join(part for part in parts if part)


def _marked(found: re.Match[str]) -> str:
    kind, text = found[1], found[2].replace("\\)", ")").replace("\\\\", "\\")
    if kind == "M" and text.startswith(f"{NAME}."):
        return f"[{text}](../modules/{text.rpartition('.')[2]}.md)"
    if kind == "L":
        label, _comma, url = text.rpartition(",")
        return f"[{label.strip()}]({url.strip()})"
    return _EMPHASIS.get(kind, "`{}`").format(text)


def _ansible_doc(root: Path, kind: str, names: list[str]) -> dict[str, dict[str, Any]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", "--type", kind, *names]
    done = subprocess.run(
        command,
        cwd=root,
        env={**own, "ANSIBLE_COLLECTIONS_PATH": str(root / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    shown: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return {
        name: {"doc": each["doc"], "examples": each["examples"], "returned": each.get("return") or {}}
        for name, each in shown.items()
    }
