"""Programs that libvirt runs itself, copied to the host: each one file, with the standard library only."""
