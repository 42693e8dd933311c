"""Pulumi's language host for Python: the program `pulumi-language-python` that the CLI starts.

The official host is a Go module that is not published; this one serves the same gRPC interface,
`pulumirpc.LanguageRuntime`. It runs in the interpreter the toolchain was installed with and starts
every program, policy pack and plugin as a process of its own in that program's interpreter.
"""

from .messages import load

load()
