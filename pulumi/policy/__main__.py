"""Limen's policy pack: `pulumi preview --policy-pack` runs it; everything else is in `limen_policy`."""

from limen_policy.pack import POLICIES
from limen_policy.server import serve

serve(POLICIES)
