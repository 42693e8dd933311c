"""The Python that `pulumi import` offers for what it has imported."""

import keyword
import re

from .pcl import Block, PclError, Reader, Reference, Value

INDENT = "    "
NOT_WRITTEN = """\
# This language host can't write the Python for what was imported ({reason}).
# Here it is in Pulumi's own configuration language, to be declared by hand:
#
"""


def snake(name: str) -> str:
    """`networkInterfaces` as the Python SDKs spell it: `network_interfaces`."""
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return identifier(spelled)


def identifier(name: str) -> str:
    """A Python name like the given one."""
    cleaned = re.sub(r"\W", "_", name)
    if not cleaned or cleaned[0].isdigit() or keyword.iskeyword(cleaned):
        cleaned = f"_{cleaned}" if cleaned[:1].isdigit() or not cleaned else f"{cleaned}_"
    return cleaned


def literal(value: Value, indent: str) -> str:
    """A value as Python source; nested lines are indented by `indent`."""
    inner = indent + INDENT
    if isinstance(value, Reference):
        return ".".join([identifier(value.path[0]), *(snake(part) for part in value.path[1:])])
    if isinstance(value, list):
        return "[" + ", ".join(literal(item, indent) for item in value) + "]"
    if isinstance(value, dict):
        lines = [f"{inner}{snake(name)!r}: {literal(item, inner)},\n" for name, item in value.items()]
        return "{\n" + "".join(lines) + indent + "}" if lines else "{}"
    return repr(value)


def class_of(token: str) -> tuple[str, str]:
    """(package, path of the class in it) of a type token such as `libvirt:index/domain:Domain`."""
    parts = token.split(":")
    if len(parts) == 2:
        parts.insert(1, "index")
    if len(parts) != 3:
        raise PclError(f"{token!r} is no type token")
    module = parts[1].split("/")[0]
    return identifier(parts[0]), parts[2] if module in ("", "index") else f"{identifier(module)}.{parts[2]}"


def resource(block: Block) -> tuple[str, str]:
    """(package, source) of one resource."""
    if len(block.labels) != 2:
        raise PclError("a resource without name or type")
    name, token = block.labels
    package, path = class_of(token)
    arguments = dict(block.attributes)
    logical = arguments.pop("__logicalName", name)
    lines = [literal(logical, INDENT)]
    lines += [f"{snake(key)}={literal(value, INDENT)}" for key, value in arguments.items()]
    for options in block.blocks:
        if options.kind != "options":
            raise PclError(f"a block of kind {options.kind!r}")
        given = ", ".join(
            f"{snake(key)}={literal(value, INDENT)}" for key, value in options.attributes.items()
        )
        lines.append(f"opts=pulumi.ResourceOptions({given})")
    body = "".join(f"{INDENT}{line},\n" for line in lines)
    return package, f"{identifier(name)} = {package}.{path}(\n{body})\n"


def python_source(pcl: str) -> str:
    """A Python program that declares the resources of a PCL program.

    What the host can't translate comes back as comments, so that an import that was done is not reported as
    one that failed.
    """
    try:
        blocks = [block for block in Reader(pcl).program() if block.kind != "package"]
        strange = [block.kind for block in blocks if block.kind != "resource"]
        if strange:
            raise PclError(f"a block of kind {strange[0]!r}")
        written = [resource(block) for block in blocks]
    except PclError as exc:
        return NOT_WRITTEN.format(reason=exc) + "".join(f"# {line}\n" for line in pcl.splitlines())
    packages = sorted({package for package, _ in written})
    imports = "import pulumi\n" + "".join(f"import pulumi_{name} as {name}\n" for name in packages)
    return "\n".join([imports, *(source for _, source in written)])
