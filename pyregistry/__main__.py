"""``python -m pyregistry`` is the ``pyregistry`` command."""

import sys

from pyregistry.cli import main

sys.exit(main())
