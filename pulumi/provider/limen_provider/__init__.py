"""The provider plugin pulumi-resource-limen."""

import os

from limen_provider.messages import load

# Libvirt forks to start ssh, for hosts of `qemu+ssh://`. gRPC would start its threads again in that child,
# whose files libvirt has closed: now and then the child would die of it before it becomes ssh. gRPC reads
# this as it is imported, which only modules of this package do.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
load()
