"""Limen: share libvirt hosts safely."""
