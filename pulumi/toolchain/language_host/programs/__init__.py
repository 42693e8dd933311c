"""Files that run in the program's interpreter, each on its own: they import nothing of the host."""
