"""``labstack up``."""

import argparse
from collections.abc import Mapping, Sequence

from labs.attempts import Attempt
from labs.catalog.model import Lab
from labs.commands.cert import tell_trust
from labs.commands.selection import add_engine, add_labs, chosen, local
from labs.console import Console
from labs.stack.acme import AcmeServer, demand_program
from labs.stack.environment import Internet, choose_docker, choose_internet
from labs.stack.interface import StackError
from labs.stack.process_runner import ProcessRunner


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[TP…] [--engine ENGINE] [--acme]``."""
    add_labs(parser, console)
    add_engine(parser, console)
    parser.add_argument("--acme", action="store_true", help=console.text("help.arg.acme"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Bring stacks up."""
    runner, labs = local(arguments.engine), chosen(arguments.labs)
    with_acme = _with_acme(runner, labs) if arguments.acme else []
    attempts = bring_up(runner, labs, console)
    for lab in with_acme:
        _tell_acme(runner.serve_acme(lab, console.note), runner.environ, console)
    console.say("up.next", lab=attempts[0].slug)
    return 0


def bring_up(runner: ProcessRunner, labs: Sequence[Lab], console: Console) -> list[Attempt]:
    """Bring stacks up, one after the other, and say where they are."""
    _say_whose(runner, labs, console)
    return [_bring_up(runner, lab, console) for lab in labs]


def _with_acme(runner: ProcessRunner, labs: Sequence[Lab]) -> list[Lab]:
    """The exercises that an ACME server is for. Raises StackError where there is none, or no server to run."""
    demand_program(runner.environ)
    found = [lab for lab in labs if lab.private]
    if not found:
        raise StackError("error.no-acme", lab=labs[0].id)
    return found


def _tell_acme(server: AcmeServer, environ: Mapping[str, str], console: Console) -> None:
    """Where it is, what to type, and whom to trust then."""
    name = server.name
    console.say("acme.up", directory=server.directory, name=name, port=server.http_port)
    if server.client(environ) is None:
        console.note("acme.no-client")
    else:
        console.say("acme.next")
        console.write(f"  certbot certonly --webroot -w www -d {name}")
        console.write(f"  cp letsencrypt/live/{name}/*.pem certs/")
    tell_trust(server.root, name, environ, console)


def _say_whose(runner: ProcessRunner, labs: Sequence[Lab], console: Console) -> None:
    """The first lines: whose registries and whose docker the commands will meet."""
    internet = choose_internet(runner.environ)
    names = ", ".join(sorted({service.name for lab in labs for service in lab.services}))
    built = {lab.private.name: runner.is_dockers(lab) for lab in labs if lab.private}
    contained = ", ".join(name for name, is_dockers in built.items() if is_dockers)
    private = ", ".join(name for name, is_dockers in built.items() if not is_dockers)
    docker = console.text("docker.real.stack") if contained and not private and not names else _docker(runner, console)
    console.say(f"up.internet.{internet if names else 'none'}", names=names, docker=docker)
    if private:
        console.say("up.internet.private", names=private)
    if contained:
        console.say("up.internet.contained", names=contained)
    if names and internet is Internet.REAL:
        console.say("up.internet.grade", names=names)


def _docker(runner: ProcessRunner, console: Console) -> str:
    """Whose docker it is, and why."""
    choice = choose_docker(runner.home, runner.environ)
    return console.text(f"docker.{choice.docker}.{'forced' if choice.is_forced else 'auto'}")


def _bring_up(runner: ProcessRunner, lab: Lab, console: Console) -> Attempt:
    """Bring one stack up."""
    attempt = runner.up(lab, console.note)
    services = [f"{service.name} → {service.url}" for service in runner.status(lab).services if service.pid]
    console.say("up.done" if services else "up.begun", lab=lab.id, services=", ".join(services))
    console.say("up.attempt", number=attempt.number, work=attempt.work, **attempt.parameters)
    return attempt
