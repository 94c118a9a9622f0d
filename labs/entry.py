"""The programs' first moments: while their modules load, an interrupt or an odd standard stream shows no traceback.

Nothing is imported here that takes time.
"""

import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TextIO

EXIT_INTERRUPTED = 130
"""128 + SIGINT, as a shell counts it."""


def labstack() -> int:
    """Run ``labstack``; its exit code."""
    return start("labs.cli")


def labdocker() -> int:
    """Run ``labdocker``; its exit code."""
    return start("labs.engine.cli")


def labcosign() -> int:
    """Run ``labcosign``; its exit code."""
    return start("labs.signing.cli")


def start(module: str) -> int:
    """Load a program's module and run its ``main``; its exit code. What ``main`` makes of interrupts is its own."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not where whoever started us wants interrupts ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout = _usable(sys.stdout)
    sys.stderr = _usable(sys.stderr)
    main = import_module(module).main
    try:
        signal.signal(signal.SIGINT, before)
        return int(main())
    except KeyboardInterrupt:  # between two moments of its own care
        return EXIT_INTERRUPTED


def _usable(stream: TextIO | None) -> TextIO:
    """A stream that takes any text: a closed one (``>&-``) drops it, one without UTF-8 shows ``?`` in its place."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream
