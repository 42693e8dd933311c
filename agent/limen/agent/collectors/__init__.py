"""One collector a file; `registry` knows them all."""
