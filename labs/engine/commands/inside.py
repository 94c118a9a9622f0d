"""Commands that would run in a container: those that the course uses, done without one."""

import subprocess

from labs.compose import images
from labs.compose.containers import Container
from labs.compose.model import ComposeError
from labs.compose.projects import Projects
from labs.compose.registry import CONFIG, garbage_collect_command
from labs.compose.words import say
from labs.engine.commands.machine import Machine

_KNOWN = {images.NGINX: "nginx -t, nginx -s reload", images.REGISTRY: "registry garbage-collect …"}


def run_inside(machine: Machine, projects: Projects, container: Container, typed: tuple[str, ...]) -> int:
    """Do what a command would do in a container; its exit code. Raises ComposeError for one that we cannot do."""
    kind = images.kind(container.service.image) or ""
    if kind == images.NGINX and typed == ("nginx", "-t"):
        return _test(machine, projects, container)
    if kind == images.NGINX and typed == ("nginx", "-s", "reload"):
        return _reload(projects, container)
    if kind == images.REGISTRY and typed[:2] == ("registry", "garbage-collect"):
        return _collect(container, typed[1:])
    words, name = " ".join(typed), container.service.name
    raise ComposeError(say(machine.environ, "exec", command=words, service=name, known=_KNOWN[kind]))


def _test(machine: Machine, projects: Projects, container: Container) -> int:
    """``nginx -t``: planning has nginx test the files; what it says of good ones is said here."""
    projects.reread(container)
    machine.console.warn("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok")
    machine.console.warn("nginx: configuration file /etc/nginx/nginx.conf test is successful")
    return 0


def _reload(projects: Projects, container: Container) -> int:
    """``nginx -s reload``: the files are mapped again first."""
    plan = projects.reread(container).plan
    if plan.reload is None:
        raise ComposeError(f"{container.name}: expected a command that reloads, its plan has none")
    return subprocess.run(plan.reload, env=plan.environ, check=False).returncode


def _collect(container: Container, words: tuple[str, ...]) -> int:
    """``registry garbage-collect``, on the configuration that the registry runs with."""
    config = container.folder.state(container.service.name) / CONFIG
    command = garbage_collect_command(config, words)
    return subprocess.run(command, env=container.plan.environ, check=False).returncode
