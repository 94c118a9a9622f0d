"""``pyregistry check-config``."""

import argparse
from pathlib import Path

from pyregistry.commands.arguments import add_config
from pyregistry.commands.outcomes import DONE, FAILED
from pyregistry.config import ConfigurationError, Issue, load


def configure(parser: argparse.ArgumentParser) -> None:
    """Which configuration."""
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Say everything that is wrong with a configuration, and what is odd about it."""
    try:
        settings = load(options.config, files_too=True)
    except ConfigurationError as exc:
        for issue in exc.issues or [Issue(exc.summary)]:
            print(_locate(options.config, issue))
        return FAILED
    for warning in settings.warnings:
        print(f"{_locate(options.config, warning)} (warning)")
    print(f"{options.config} is valid")
    return DONE


def _locate(config: Path, issue: Issue) -> str:
    """An issue as compilers print them, so that editors can jump to it."""
    if issue.variable is not None:
        return f"{issue.variable}: {issue.message}"
    return f"{config}:{issue.line}: {issue.message}" if issue.line else f"{config}: {issue.message}"
