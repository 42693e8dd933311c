"""VMs, networks and disks as the stack's configuration says; everything else is in `pulumi_limen`."""

from pulumi_limen import Stack

Stack.from_configuration().build()
