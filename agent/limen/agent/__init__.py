"""The host agent: metrics of the host and its VMs, and the host's observer."""
