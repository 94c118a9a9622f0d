"""Reads what machine the grader runs on, for the result document."""

import platform


def read_os() -> str:
    """The operating system, its release and the processor, as the result document names them."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"
