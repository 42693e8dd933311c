"""`make up` and `make down`: the lab, the authority, the Pulumi program, and a look at what runs afterwards.

With LIMEN_LIBVIRT_URI set (qemu+ssh://...) that host is used instead of a lab of our own.
"""

import argparse
import os
import shutil
import sys
import time

from tests.lab.demo import guest_image, hypervisor, program, report
from tests.lab.demo.authority import Authority, new_secret
from tests.lab.demo.layout import Layout, of_clone
from tests.lab.demo.shell import StepFailed
from tests.lab.errors import LabError
from tests.lab.instance import instance
from tests.lab.lab import Lab, real_host

STARTED = time.monotonic()
# With a host of one's own these are one's own as well.
PASSED_ON = ("LIMEN_DOMAIN_TYPE", "LIMEN_GUEST_APT_PROXY")


def say(line: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:4.0f} s] {line}", flush=True)


def variables(layout: Layout, lab: Lab, limen: Authority) -> dict[str, str]:
    """Everything that `.limen/env` exports; no secret, only the files that hold them."""
    uri = real_host()
    if uri:
        own = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    else:
        own = {"LIMEN_DOMAIN_TYPE": "qemu", "LIMEN_GUEST_APT_PROXY": str(lab.status()["apt_proxy"])}
    used = uri or lab.instance.libvirt_uri
    return {
        **program.pulumi_variables(layout),
        **limen.client_env(layout.operator_token),
        **guest_image.variables(os.environ, uri is not None),
        **own,
        "LIMEN_LIBVIRT_URI": used,
        "LIBVIRT_DEFAULT_URI": used,  # the libvirt plugin and virsh read this one
        "LIMEN_SSH_CONFIG": str(layout.ssh_config),
        "LIMEN_SSH_PUBLIC_KEY_FILE": f"{layout.ssh_key}.pub",
    }


def environment(layout: Layout, exported: dict[str, str]) -> dict[str, str]:
    """The variables with PATH, for commands that we run ourselves."""
    return {**exported, "PATH": f"{program.path_value(layout)}:{os.environ['PATH']}"}


def up(layout: Layout) -> None:
    """Bring everything up; what is up already stays as it is."""
    lab = Lab(instance(layout.name))
    uri = real_host()
    hypervisor.check_unchanged(program.read_env_file(layout), uri or lab.instance.libvirt_uri)
    if uri:
        guest_image.variables(os.environ, real_host=True)
        hypervisor.check(uri)
    started = lab.up(hypervisor=uri is None)
    say(f"lab {layout.name}: {'started ' + ', '.join(started) if started else 'runs already'}")
    limen = Authority(layout, lab.cluster.url_file)
    new_secret(layout.passphrase)
    program.ensure_ssh_key(layout.ssh_key)
    done = limen.up()
    exported = variables(layout, lab, limen)
    layout.ssh_config.write_text(
        hypervisor.ssh_config(uri, layout.ssh_key, exported.get("LIMEN_IMAGE_USER", "debian"))
        if uri
        else lab.instance.ssh_config.read_text() + hypervisor.own_key(layout.ssh_key)
    )
    done += limen.ensure_host(exported["LIMEN_LIBVIRT_URI"])
    done += limen.ensure_project()
    done += limen.ensure_operator()
    for line in done:
        say(line)
    program.write_env_file(layout, exported)
    env = environment(layout, exported)
    if not program.ensure_config():
        say(f"Pulumi.{program.STACK}.yaml is your own: it is not as Pulumi.{program.STACK}.yaml.example")
    program.ensure_stack(layout, env)
    say("pulumi up (the quota check decides before anything is made)")
    program.up(env)
    machines = report.machines(env, program.STACK, program.PROGRAM)
    for name in machines:
        report.wait_for_ssh(machines[name], env)
        say(f"{name} answers on SSH")
    print(report.summary(machines, layout, limen, env))
    say("ready")


def down(layout: Layout) -> None:
    """Destroy the VMs, stop the authority and the lab, and remove their data."""
    lab = Lab(instance(layout.name))
    limen = Authority(layout, lab.cluster.url_file)
    exported = program.read_env_file(layout)
    elsewhere = exported.get("LIMEN_LIBVIRT_URI", lab.instance.libvirt_uri) != lab.instance.libvirt_uri
    if exported and layout.backend.exists() and (elsewhere or limen.service.process()):
        if elsewhere:
            # The VMs of a lab go with it; those on a host of one's own go by Pulumi alone.
            lab.up(hypervisor=False)
            limen.up()
            limen.ensure_operator()
        env = environment(layout, exported)
        if program.exists(env):
            program.destroy(env)
    limen.down()
    lab.down(purge=True)
    for path in (layout.backend, layout.dot / "api", layout.ssh_key.parent):
        shutil.rmtree(path, ignore_errors=True)
    for path in (layout.env_file, layout.operator_token, layout.administrator_token, layout.passphrase):
        path.unlink(missing_ok=True)
    program.forget_config()
    (layout.dot / "api-port").unlink(missing_ok=True)
    say("what `make up` made is gone; the Python environment and the toolchain stay in .limen")


def main() -> int:
    """Exit code 0, or 1 with one message that says what failed."""
    parser = argparse.ArgumentParser(prog="tests.lab.demo", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    command = parser.parse_args().command
    layout = of_clone()
    layout.dot.mkdir(exist_ok=True)
    try:
        (up if command == "up" else down)(layout)
    except (LabError, StepFailed, OSError) as error:
        print(f"make {command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
