"""The JupyterLab server that ``labstack start`` opens: ours, on the loopback, behind a token.

It shows the students' files and nothing of the project: each exercise's notebook lies among them, theirs to save.
"""

import contextlib
import http.client
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.home import LabHome
from labs.ports import HOST, is_free
from labs.processes import DetachedProcess, module_command
from labs.stack import workspace
from labs.stack.files import write_private
from labs.stack.interface import StackError

DEFAULT_PORT = 8888
"""Jupyter's own; any free port where it is taken."""

READY_TIMEOUT_SECONDS = 60.0
PROBE_TIMEOUT_SECONDS = 2.0
RESTART_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class NotebookServer:
    """The lab's JupyterLab, running or not."""

    home: LabHome

    @property
    def config(self) -> Path:
        """Its settings, the token among them (mode 0600): arguments would show it to every user of the machine."""
        return self.home.notebooks / "jupyter_server_config.json"

    @property
    def process(self) -> DetachedProcess:
        """Its process."""
        command = module_command("jupyterlab", f"--config={self.config}")
        return DetachedProcess("jupyterlab", self.home.notebooks, command)

    def start(self, environ: Mapping[str, str], slugs: Sequence[str], language: str) -> list[str]:
        """Start it unless it runs; the address of each exercise's notebook, of which the first is the first page.

        Raises:
            StackError: There are no notebooks here, or it does not come up.
        """
        pages = [self._page(slug, language) for slug in slugs]
        if self.process.pid() is None:
            self.process.stop()
            self._configure(pages[0])
            self.process.start(dict(environ) | self._folders())
            self.process.await_ready(self._answers, READY_TIMEOUT_SECONDS)
        port, token, _ = self._settings()
        return [_address(port, token, page) for page in pages]

    def stop(self) -> None:
        """End it. Idempotent. Raises StackError."""
        self.process.stop()

    def restart_kernels(self, slug: str) -> None:
        """Have the kernels that run begin again, in the lab's environment as it is now. No server, no kernels.

        A reset changes the parameters, and a notebook that is opened anew is given its old kernel. The kernel of a
        notebook in another exercise's folder than ``slug``'s goes on.
        """
        if self.process.pid() is None:
            return
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            sessions = json.loads(self._ask("GET", "/api/sessions"))
            foreign = {row["kernel"]["id"] for row in sessions if not row["path"].startswith(f"{slug}/")}
            for kernel in json.loads(self._ask("GET", "/api/kernels")):
                if kernel["id"] not in foreign:
                    self._ask("POST", f"/api/kernels/{kernel['id']}/restart")

    def url(self) -> str | None:
        """Its address with the token, None while it does not run."""
        return _address(*self._settings()) if self.process.pid() else None

    def _page(self, slug: str, language: str) -> str:
        """Where an exercise's notebook lies. Raises StackError."""
        notebook = self.home.files(slug) / workspace.notebook_name(slug, language)
        if not notebook.exists():
            raise StackError("error.no-notebooks", path=notebook)
        return f"/lab/tree/{notebook.relative_to(self.home.work)}"

    def _configure(self, page: str) -> None:
        """Write its settings and the kernel that the notebooks run in."""
        self.home.notebooks.mkdir(parents=True, exist_ok=True)
        values = {
            "ServerApp": {
                "ip": HOST,
                "port": _choose_port(),
                "port_retries": 0,
                "open_browser": False,
                "root_dir": str(self.home.work),
                # Containers run as root; the server is on the loopback, behind a token.
                "allow_root": os.geteuid() == 0,
            },
            "IdentityProvider": {"token": secrets.token_urlsafe(24)},
            "LabApp": {
                "default_url": page,
                # Nothing of the lab asks the network for anything.
                "news_url": None,
                "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            },
        }
        write_private(self.config, json.dumps(values, indent=2) + "\n")
        self._write_kernel()
        self._write_settings()

    def _write_kernel(self) -> None:
        """A ``python3`` that begins in the lab's environment as it is then: a reset changes the parameters."""
        folder = self.home.notebooks / "share" / "kernels" / "python3"
        folder.mkdir(parents=True, exist_ok=True)
        shell = [sys.executable, "-m", "labs", "shell", "--"]
        kernel = {
            "argv": [*shell, sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "Python 3 (lab)",
            "language": "python",
        }
        (folder / "kernel.json").write_text(json.dumps(kernel, indent=2) + "\n", encoding="utf-8")

    def _write_settings(self) -> None:
        """The first page asks no question about news from the network."""
        folder = self.home.notebooks / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        answers = {"fetchNews": "false", "checkForUpdates": False}
        (folder / "notification.jupyterlab-settings").write_text(json.dumps(answers) + "\n", encoding="utf-8")

    def _folders(self) -> dict[str, str]:
        """Jupyter's own folders: the reader's settings elsewhere neither change this server nor are changed."""
        folders = {"JUPYTER_PATH": "share", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
        return {name: str(self.home.notebooks / folder) for name, folder in folders.items()}

    def _settings(self) -> tuple[int, str, str]:
        """Port, token and first page. Raises StackError where the file is damaged."""
        try:
            values = json.loads(self.config.read_text(encoding="utf-8"))
            return values["ServerApp"]["port"], values["IdentityProvider"]["token"], values["LabApp"]["default_url"]
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise StackError("error.damaged", reason=f"{self.config}: {exc}") from exc

    def _ask(self, method: str, path: str) -> bytes:
        """What the server answers its bearer."""
        port, token, _ = self._settings()
        connection = http.client.HTTPConnection(HOST, port, timeout=RESTART_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, headers={"Authorization": f"token {token}"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def _answers(self) -> bool:
        """Whether it serves."""
        connection = http.client.HTTPConnection(HOST, self._settings()[0], timeout=PROBE_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/api")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _address(port: int, token: str, page: str) -> str:
    """Where the browser goes."""
    return f"http://{HOST}:{port}{page}?token={token}"


def _choose_port() -> int:
    """Jupyter's own port where it is free, else one that is."""
    if is_free(DEFAULT_PORT):
        return DEFAULT_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
