"""The notebooks' magics say what a terminal would say."""

import pytest
from IPython.core.error import UsageError

from labs.notebook import sh


def test_both_streams_come_in_the_order_they_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Docker writes progress to standard error: it is no failure, and stands where it belongs."""
    sh("", "echo one; echo two >&2; echo three")
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


def test_a_cell_stops_at_its_first_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows a failed command would only mislead."""
    with pytest.raises(UsageError, match="exit code 3"):
        sh("", "echo before; (exit 3); echo after")
    assert capsys.readouterr().out == "before\n"
