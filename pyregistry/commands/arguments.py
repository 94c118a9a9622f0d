"""Arguments that several commands take."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from pyregistry.accounts.scopes import parse_scopes

Value = TypeVar("Value")

CONFIG_HELP = "the config.yml, registry:2's with a pyregistry: section"


class Parser(argparse.ArgumentParser):
    """argparse, with the usage of the subcommand that was called wrongly; its exit code is 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, below the usage."""
        self.exit(2, f"{self.format_usage()}{self.prog}: {message}\n")


def add_config(parser: argparse.ArgumentParser) -> None:
    """CONFIG, which must be there."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help=CONFIG_HELP)


def add_optional_config(parser: argparse.ArgumentParser) -> None:
    """CONFIG, or the environment's."""
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG", help=f"{CONFIG_HELP}; else $REGISTRY_CONFIGURATION_PATH"
    )


def argument(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """``parse`` for argparse, which drops the message of a plain ``ValueError``."""

    def parse_argument(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc

    return parse_argument


def parse_scope_list(text: str) -> tuple[str, ...]:
    """Names of scopes, separated by commas."""
    return parse_scopes(text.split(","))
