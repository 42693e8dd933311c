"""The rules: pure functions over values, no I/O, no clock. See docs/architecture.md."""
