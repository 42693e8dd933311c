"""One policy a file; each has a pure `decide` and the `POLICY` made of it."""
