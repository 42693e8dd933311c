"""`Stack`: collects a whole specification, then builds it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from limen.quota.model import check_project_name
from pulumi_limen import configuration, environment, outputs, resources
from pulumi_limen.builder import Built, build
from pulumi_limen.components.context import Context
from pulumi_limen.items import claim_items
from pulumi_limen.spec import names
from pulumi_limen.spec.document import SECTIONS, parse
from pulumi_limen.spec.problems import InvalidSpec, Problems, child
from pulumi_limen.spec.values import StackSpec

Amount = str | int
"""`8`, `512MiB` or `10GiB`, or a whole number of pieces or bytes."""


class Stack:
    """One Pulumi stack on one host, charged to one project.

    Nothing is checked or registered before `build`, which reports every error of the specification at once.
    Sizes are plain values, never outputs: the quota check has to know them before anything is built.

        stack = Stack(project="demo")
        stack.image("debian", source="debian.qcow2", sha256="...")
        stack.network("lan", cidr="10.20.0.0/24")
        stack.vm("web-1", vcpus=1, memory="512MiB", image="debian", disk="4GiB", networks=["lan"])
        stack.build()
    """

    def __init__(self, *, project: str, host: str | None = None, name: str | None = None) -> None:
        """`host`: name or UUID of a registered host; default: the one that libvirt's URI leads to.
        `name` prefixes what libvirt shows (`NAME-web-1`); default: the Pulumi stack's name. Where two
        stacks of one name share a host, give one of them another, before its first `pulumi up`."""
        self._project, self._host = project, host
        self._name = pulumi.get_stack().lower() if name is None else name
        self._document: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        self._options: dict[tuple[str, str], pulumi.ResourceOptions | None] = {}
        self._problems = Problems()

    def network(
        self,
        name: str,
        *,
        mode: str | None = None,
        cidr: str | None = None,
        bridge: str | None = None,
        vlan: int | None = None,
        libvirt_name: str | None = None,
        dhcp: bool | None = None,
        domain: str | None = None,
        dns: bool | None = None,
        hosts: Mapping[str, str] | None = None,
        port_forwards: Sequence[Mapping[str, Any]] | None = None,
        autostart: bool | None = None,
        key: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Add a network: `nat` (default), `routed`, `isolated`, on a `bridge` of the host, or `existing`.

        `port_forwards`: ports of the host that lead to guests, `{protocol, host_port, address, port}`.
        """
        self._add("networks", name, opts, locals())

    def pool(
        self,
        name: str,
        *,
        type: str | None = None,
        path: str | None = None,
        volume_group: str | None = None,
        server: str | None = None,
        export: str | None = None,
        libvirt_name: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Add a storage pool: `dir` (default), `lvm`, `nfs` or `existing`. `default` needs no entry."""
        self._add("pools", name, opts, locals())

    def image(
        self,
        name: str,
        *,
        source: str,
        sha256: str,
        pool: str | None = None,
        user: str | None = None,
        kernel: str | None = None,
        initrd: str | None = None,
        cmdline: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Add a base image: a qcow2 file by path or URL with its SHA-256, imported once per host."""
        self._add("images", name, opts, locals())

    def disk(
        self,
        name: str,
        *,
        size: Amount,
        pool: str | None = None,
        image: str | None = None,
        format: str | None = None,
        keep: bool | None = None,
        rebuild: int | None = None,
        key: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Add a data disk; `keep` (default) protects it from deletion, `pulumi destroy` included."""
        self._add("disks", name, opts, locals())

    def vm(
        self,
        name: str,
        *,
        vcpus: Amount,
        memory: Amount,
        image: str,
        disk: Amount,
        max_vcpus: Amount | None = None,
        max_memory: Amount | None = None,
        pool: str | None = None,
        keep: bool | None = None,
        rebuild: int | None = None,
        disks: Sequence[str | Mapping[str, Any]] | None = None,
        networks: Sequence[str | Mapping[str, Any]] | None = None,
        hostname: str | None = None,
        user: str | None = None,
        ssh_keys: Sequence[str] | None = None,
        cloud_init: bool | None = None,
        user_data: str | Mapping[str, Any] | None = None,
        autostart: bool | None = None,
        firmware: str | None = None,
        tpm: bool | None = None,
        kernel: str | None = None,
        initrd: str | None = None,
        cmdline: str | None = None,
        domain_type: str | None = None,
        cpu_mode: str | None = None,
        machine: str | None = None,
        serial: bool | None = None,
        vnc: bool | None = None,
        guest_agent: bool | None = None,
        wait_for_address: bool | None = None,
        shutdown_seconds: int | None = None,
        tags: Mapping[str, str] | None = None,
        key: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Add a VM. `disk` is the capacity of its root disk, an overlay on `image`.

        `key` is what it is known by in the ledger and in Pulumi: give the old name as `key` to rename a VM.
        `tags` stand in the domain's metadata, where inventories read them; a change of them is in place.
        """
        self._add("vms", name, opts, locals())

    @classmethod
    def from_configuration(cls) -> "Stack":
        """The stack that Pulumi's configuration describes: `limen:project`, `limen:host`, `limen:name`, and
        the sections of the JSON schema under the Pulumi project's name (`vm_stack:vms`)."""
        config = pulumi.Config("limen")
        stack = cls(project=config.get("project") or "", host=config.get("host"), name=config.get("name"))
        if not config.get("project"):
            stack._problems.add("limen:project", "is not set: `pulumi config set limen:project NAME`")
        stack.add(configuration.load(configuration.all_values(), pulumi.get_project(), stack._problems))
        return stack

    def add(self, document: Mapping[str, Any]) -> None:
        """Add a whole document; its keys are those of the JSON schema."""
        for section, entries in document.items():
            if section in SECTIONS and isinstance(entries, Mapping):
                for name, entry in entries.items():
                    self._put(section, name, entry)
            elif entries is not None:
                self._document[section] = entries

    def build(self) -> Built:
        """Check everything, then register it, and export `vms`, `ssh`, `inventory` and `quota`.

        Raises `pulumi.RunError`, which Pulumi prints without a traceback, with every error there is.
        """
        uri, domain_type = environment.libvirt_uri(self._problems), environment.domain_type(self._problems)
        try:
            spec = self._specification()
        except InvalidSpec as error:
            raise pulumi.RunError(str(error)) from error
        host_uuid, capabilities = environment.ask_host(uri, domain_type)
        claim = resources.QuotaClaim(
            "quota",
            {
                "project": self._project,
                "host": self._host or host_uuid,
                "libvirtUri": uri,
                "items": claim_items(spec, self._name),
            },
        )
        context = Context(
            program=pulumi.get_project(),
            stack=pulumi.get_stack(),
            prefix=self._name,
            project=self._project,
            libvirt_uri=uri,
            capabilities=capabilities,
            claim=claim,
        )
        built = build(spec, context, self._options)
        self._export(built, outputs.way_in(os.environ.get("LIMEN_SSH_CONFIG"), uri))
        return built

    def _specification(self) -> StackSpec:
        if self._project:
            self._problems.attempt("project", lambda: check_project_name(self._project))
        if not names.is_name(self._name):
            self._problems.add("name", f"{self._name!a:.60} will not do: use {names.RULES['name']}")
        return parse(self._document, self._problems)

    def _export(self, built: Built, way_in: list[str]) -> None:
        group = outputs.group_name(self._name)
        pulumi.export("vms", built.vms)
        pulumi.export(
            "ssh",
            built.vms.apply(lambda vms: {name: outputs.ssh_command(vm, way_in) for name, vm in vms.items()}),
        )
        pulumi.export("inventory", built.vms.apply(lambda vms: outputs.inventory(vms, group, way_in)))
        pulumi.export("quota", built.quota)

    def _add(
        self, section: str, name: str, opts: pulumi.ResourceOptions | None, given: Mapping[str, Any]
    ) -> None:
        own = ("self", "name", "opts")
        self._put(
            section,
            name,
            {key: value for key, value in given.items() if key not in own and value is not None},
        )
        self._options[section, name] = opts

    def _put(self, section: str, name: str, entry: Any) -> None:
        if name in self._document[section]:
            self._problems.add(child(section, name), "is declared twice")
            return
        # Lists may be any sequence for Python; the schema knows lists.
        fields = dict(entry) if isinstance(entry, Mapping) else entry
        if isinstance(fields, dict):
            fields = {
                key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()
            }
        self._document[section][name] = fields
