"""One resource of the HTTP API a file."""
