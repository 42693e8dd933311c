"""Libvirt's event loop: one daemon thread a process, started by the first connection.

Keepalives need it as much as events do: without a running loop a connection to a dead host is never closed.
It has to be registered before the first connection is opened.
"""

import threading

import libvirt

_lock = threading.Lock()
_started = False


def ensure_running() -> None:
    """Start the loop once; later calls do nothing."""
    global _started
    with _lock:
        if _started:
            return
        # Libvirt prints every error to stderr unless a handler is registered. Ours raise, so that is noise.
        libvirt.registerErrorHandler(_discard, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, name="libvirt-events", daemon=True).start()
        _started = True


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            # A failed callback of one connection must not end the keepalives of all the others.
            continue


def _discard(_context: object, _error: object) -> None:
    return None
