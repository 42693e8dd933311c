"""`python -m limen_provider [--help | --version] [ENGINE]`: the plugin pulumi-resource-limen."""

import argparse
from importlib.metadata import version

from limen_provider.server import serve


def main() -> None:
    """Read the command line that the engine uses and serve it."""
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-limen",
        description="Pulumi's resource provider for Limen; the pulumi command starts it. "
        "It reads LIMEN_API_URL, LIMEN_TOKEN or LIMEN_TOKEN_FILE, and LIMEN_CA_FILE.",
    )
    installed = version("limen")
    parser.add_argument("--version", action="version", version=f"%(prog)s {installed}")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address, host:port")
    # Engines pass options of their own (--logtostderr, -v=9, --tracing=...) before the address.
    known, _ = parser.parse_known_args()
    serve(known.engine, installed)


if __name__ == "__main__":
    main()
