"""Starting containers' processes, and ending what is left of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from labs import messages, ports
from labs.compose.containers import Container, forget_foreign, strays
from labs.compose.model import ComposeError, Published
from labs.compose.words import say
from labs.faults import LabError

READY_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 5.0

Tell = Callable[[str, str], None]
"""Is told of progress: ``Container tp2-nginx-1``, ``Started``."""


def silence(_what: str, _status: str) -> None:
    """Tell nobody."""


def launch(started: Sequence[Container], environ: Mapping[str, str]) -> None:
    """Start processes, then wait until each listens.

    Args:
        started: In the order in which they are started.
        environ: Decides the language.

    Raises:
        ComposeError: One ended, or does not listen; its last words are told, and all of these are ended.
    """
    try:
        for container in started:
            container.save()
            forget_foreign(container.process, container.folder)
            container.process.start(container.plan.environ)
        for container in started:
            container.process.await_ready(container.is_listening, READY_TIMEOUT_SECONDS)
    except (LabError, OSError) as exc:
        for container in started:
            container.end()
        raise ComposeError(_words(exc, environ)) from exc


def demand_ports(container: Container, environ: Mapping[str, str]) -> None:
    """Raise ComposeError unless the ports that a container publishes are free."""
    for published in container.service.ports:
        if not ports.is_free(container.ports[published.container]):
            raise port_taken(container, published, environ)


def port_taken(container: Container, published: Published, environ: Mapping[str, str]) -> ComposeError:
    """A published port has another holder: in Docker's words, and who it is."""
    here = container.ports[published.container]
    who = ports.holder(here)
    known = "port-nobody" if who.pid is None else "port-holder"
    held = say(environ, known, here=here, program=who.name, pid=who.pid)
    asked = f"{published.address or ports.HOST}:{published.host}"
    return ComposeError(
        "Error response from daemon: failed to set up container networking: driver failed programming external "
        f"connectivity on endpoint {container.name}: Bind for {asked} failed: port is already allocated\n{held}"
    )


def end_strays(folder: Path) -> None:
    """End what runs for a project, or for a service, its records lost. See ``strays``."""
    left = list(strays(folder))
    for process in left:
        _end(process.terminate)
    _, alive = psutil.wait_procs(left, STOP_TIMEOUT_SECONDS)
    for process in alive:
        _end(process.kill)
    psutil.wait_procs(alive, STOP_TIMEOUT_SECONDS)


def _end(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return


def _words(fault: LabError | OSError, environ: Mapping[str, str]) -> str:
    if isinstance(fault, LabError):
        return messages.text(messages.language(environ), fault.message, **fault.parameters)
    return f"{fault.filename}: {(fault.strerror or str(fault)).lower()}"
