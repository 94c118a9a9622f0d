#!/usr/bin/env python3
"""``registry`` inside the container, as registry:2 calls its program."""

import sys

from pyregistry.cli import main

sys.exit(main(program="registry"))
