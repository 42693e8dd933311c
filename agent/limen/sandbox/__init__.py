"""Previews without access to the host: a state without secrets, and an empty host of the preview's own."""
