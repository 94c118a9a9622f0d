"""Where the stacks listen, and who is there already."""

import os
import socket

import pytest

from labs import ports
from labs.faults import LabError


def test_base() -> None:
    """LAB_PORT_BASE moves all ports."""
    assert ports.base({"LAB_PORT_BASE": "5100"}) == 5100
    assert ports.base({}) in {ports.DEFAULT_BASE, ports.AIRPLAY_BASE}


@pytest.mark.parametrize("value", ["http", "-1", "0", "65535", "5000.5"])
def test_base_that_is_no_port(value: str) -> None:
    """A value that is no port is named."""
    with pytest.raises(LabError) as caught:
        ports.base({"LAB_PORT_BASE": value})
    assert caught.value.parameters == {"value": value}


def test_a_busy_port_names_its_holder() -> None:
    """Who wants a port that is held learns by whom."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LabError) as caught:
            ports.demand_free(port)
        assert caught.value.message == "error.port-busy"
        assert caught.value.parameters["pid"] == os.getpid()
        # How this very program was called, not the bare name of its interpreter.
        assert str(caught.value.parameters["program"]).count(" ") > 0
    ports.demand_free(port)


def test_a_port_without_listener_has_no_holder() -> None:
    """Nobody is blamed for a port that nobody holds."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert ports.holder(silent.getsockname()[1]).pid is None
