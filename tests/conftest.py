"""Before any test imports anything."""

import os

# gRPC's handlers of fork() disturb the ssh that libvirt starts for `qemu+ssh://`: see limen_provider.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
