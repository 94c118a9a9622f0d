"""``pyregistry serve``."""

import argparse
import sys

from pyregistry.commands.arguments import add_optional_config
from pyregistry.config import load


def configure(parser: argparse.ArgumentParser) -> None:
    """Where the configuration is."""
    add_optional_config(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = load(options.config, files_too=True)
    for warning in settings.warnings:
        print(f"configuration warning: {warning}", file=sys.stderr)
    from pyregistry.server import serve

    return serve(settings)
