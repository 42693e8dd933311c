"""Pulumi components: each registers one thing of the specification with everything that belongs to it."""
