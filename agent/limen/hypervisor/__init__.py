"""Libvirt: what runs on a host, seen and changed.

    with connect("qemu:///system") as connection:
        seen = scan(connection)

Every public function takes a `Connection` first, does its blocking work in a worker thread with a deadline
and raises only errors of `limen.hypervisor.errors`. All memory and disk sizes are integers in bytes.
"""
