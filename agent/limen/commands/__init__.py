"""The commands of `limen`, one noun a file."""
