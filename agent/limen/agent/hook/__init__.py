"""Libvirt's qemu start hook: a domain that nobody was admitted for does not start."""
