"""``python -m labs`` is ``labstack``."""

import sys

from labs.entry import labstack

sys.exit(labstack())
