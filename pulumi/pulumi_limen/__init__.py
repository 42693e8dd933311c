"""Limen's Pulumi SDK: declare VMs, networks and disks on libvirt hosts, admitted by a quota check first."""

from pulumi_limen.builder import Built as Built
from pulumi_limen.components.disk import Disk as Disk
from pulumi_limen.components.network import Network as Network
from pulumi_limen.components.pool import Pool as Pool
from pulumi_limen.components.virtual_machine import VirtualMachine as VirtualMachine
from pulumi_limen.resources import Admission as Admission
from pulumi_limen.resources import Image as Image
from pulumi_limen.resources import QuotaClaim as QuotaClaim
from pulumi_limen.spec.problems import InvalidSpec as InvalidSpec
from pulumi_limen.stack import Stack as Stack
