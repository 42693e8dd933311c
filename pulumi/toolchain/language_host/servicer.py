"""The gRPC service that the engine calls: a thin edge over the other modules."""
# ruff: noqa: N802  (the protocol names the methods)

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from .dependencies import steps
from .errors import HostError, InstallError
from .import_code import python_source
from .interpreter import Environment, base_python, find_python, inspect, virtualenv_dir
from .options import parse_options
from .plugin_command import plugin_argv
from .plugins import required_plugins
from .processes import Child, Children
from .runs import outcome, program_argv, program_environment, run_description

T = TypeVar("T")


def interpreter_of(info: Any) -> Path:
    """The interpreter of the program that a ProgramInfo message describes."""
    options = parse_options(MessageToDict(info.options))
    return find_python(options, Path(info.root_directory), os.environ)


def or_abort(context: grpc.ServicerContext, work: Callable[[], T]) -> T:
    """Do the work; a HostError becomes a gRPC status that carries its sentence."""
    try:
        return work()
    except HostError as exc:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(exc))
        raise AssertionError("abort returned") from exc


def environment_of(info: Any, context: grpc.ServicerContext) -> Environment:
    """What the program's interpreter has installed."""
    return or_abort(context, lambda: inspect(interpreter_of(info)))


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one CLI process.

    engine: the address of the engine, as the CLI gave it on the command line.
    version: what the host calls its version.
    """

    def __init__(self, engine: str, version: str, children: Children) -> None:
        self._engine = engine
        self._version = version
        self._children = children

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        found = environment_of(request.info, context)
        return language_pb2.AboutResponse(executable=found.executable, version=found.version)

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        plugins = required_plugins(environment_of(request.info, context))
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin.name, kind=plugin.kind, version=plugin.version, server=plugin.server
                )
                for plugin in plugins
            ]
        )

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        plugins = required_plugins(environment_of(request.info, context))
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(
                    name=plugin.name, kind=plugin.kind, version=plugin.version, server=plugin.server
                )
                for plugin in plugins
            ]
        )

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        found = environment_of(request.info, context)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version, needed in found.packages
                if request.transitiveDependencies or not needed
            ]
        )

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.TemplateResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._children.stop_all()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.attach_debugger:
            return language_pb2.RunResponse(error="this language host can't attach a debugger")
        try:
            child = self._children.start(
                program_argv(interpreter_of(request.info)),
                cwd=Path(request.pwd or request.info.program_directory),
                env=program_environment(os.environ),
                fed=True,
            )
        except HostError as exc:
            return language_pb2.RunResponse(error=str(exc))
        stop_with(context, child)
        child.feed(run_description(request, self._engine) + "\n")
        error, bail = outcome(self._children.wait(child))
        return language_pb2.RunResponse(error=error, bail=bail)

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        directory = Path(request.info.program_directory)
        child = or_abort(
            context,
            lambda: self._children.start(
                plugin_argv(request.kind, interpreter_of(request.info), directory, list(request.args)),
                cwd=Path(request.pwd or directory),
                env=dict(line.split("=", 1) for line in request.env if "=" in line) or os.environ,
                captured=True,
            ),
        )
        stop_with(context, child)
        for name, data in child.output():
            yield output(language_pb2.RunPluginResponse, name, data)
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(child))

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        directory = Path(request.info.program_directory or request.directory)
        root = Path(request.info.root_directory or directory)
        options = or_abort(context, lambda: parse_options(MessageToDict(request.info.options)))
        venv = virtualenv_dir(options, root)
        python = or_abort(context, lambda: base_python(os.environ))
        for step in or_abort(context, lambda: steps(options, python, venv, directory)):
            yield language_pb2.InstallDependenciesResponse(stdout=f"{step.title}\n".encode())
            start = partial(self._children.start, step.argv, directory, os.environ, captured=True)
            child = or_abort(context, start)
            stop_with(context, child)
            for name, data in child.output():
                yield output(language_pb2.InstallDependenciesResponse, name, data)
            code = self._children.wait(child)
            if code != 0:
                failed = InstallError(f"{step.title} failed with exit code {code}: {' '.join(step.argv)}")
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(failed))

    def GenerateProgram(self, request: Any, context: grpc.ServicerContext) -> Any:
        # What `pulumi import` asks for; `pulumi convert` asks for projects.
        source = "\n".join(request.source[name] for name in sorted(request.source))
        return language_pb2.GenerateProgramResponse(source={"__main__.py": python_source(source).encode()})

    def GenerateProject(self, request: Any, context: grpc.ServicerContext) -> Any:
        refuse(context, "convert projects to Python")

    def GeneratePackage(self, request: Any, context: grpc.ServicerContext) -> Any:
        refuse(context, "generate Python SDKs")

    def Pack(self, request: Any, context: grpc.ServicerContext) -> Any:
        refuse(context, "pack Python SDKs")

    def Link(self, request: Any, context: grpc.ServicerContext) -> Any:
        refuse(context, "link Python SDKs")


def output(message: Callable[..., T], name: str, data: bytes) -> T:
    """A message that carries what a child wrote to `stdout` or `stderr`."""
    return message(**{name: data})


def stop_with(context: grpc.ServicerContext, child: Child) -> None:
    """End the child when the call ends: it was cancelled, or the engine is gone."""
    if not context.add_callback(child.stop):
        child.stop()


def refuse(context: grpc.ServicerContext, what: str) -> None:
    """End the call: only the official CLI's own language host does this."""
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        f"Limen's language host for Python does not {what}: install the official Pulumi CLI for that",
    )
