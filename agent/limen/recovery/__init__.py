"""What to do about a Pulumi stack whose run was killed: read its state, plan, carry out on the host."""
