"""Limen's policies: what a stack on shared libvirt hosts must keep to, judged in previews and updates.

The engine's Analyzer protocol is served by a thin servicer of our own over the SDK's generated stubs. The
library `pulumi-policy` takes the marks off secrets before a policy sees a value, so that a password in clear
and a secret one look alike; with it the first unknown value ends a policy for the whole stack; and it is
bound to protobuf 5, where everything else here has 6.
"""
