"""Before any test imports anything."""

import os
import sys

# gRPC's handlers of fork() disturb the ssh that libvirt starts for `qemu+ssh://`: see limen_provider.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# Where images of Python set this, every process that a test starts would compile its libraries anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
