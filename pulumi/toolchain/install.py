#!/usr/bin/env python3
"""Install what `pulumi` needs on this machine: see README.md beside this file, or --help."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (run by any python3, before a virtual environment exists)
    sys.exit("install.py: needs Python 3.11 or newer, this is " + sys.version.split()[0])

from installer.cli import main

if __name__ == "__main__":
    sys.exit(main())
