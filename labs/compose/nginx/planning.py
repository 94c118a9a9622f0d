"""How the service runs: which program, with which files, and what of them a grader may look at."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from labs.compose.model import ComposeError, Issue
from labs.compose.nginx.mapping import Mapped, write_configuration
from labs.compose.nginx.programs import Program, programs
from labs.compose.nginx.tree import PREFIX
from labs.compose.nginx.trial import run_trial
from labs.compose.nginx.words import cure, say
from labs.compose.place import Place, Plan

IMAGE = Path(__file__).with_name("image")
"""What the official image has, below /: configuration, types, pages."""

MAIN = PREFIX / "nginx.conf"
FOREGROUND = "daemon off;"
NAMES = frozenset({"nginx", "nginx-debug", "/usr/sbin/nginx", "/usr/sbin/nginx-debug"})
ENTRYPOINT = (PurePosixPath("/docker-entrypoint.d"), PREFIX / "templates")
"""What the image's entrypoint scripts read before nginx starts."""


def plan(place: Place, candidates: tuple[Program, ...] | None = None) -> Plan:
    """Map the student's configuration, have nginx test it, and say how to run it.

    To make a running nginx read changed files again: plan again, then run ``reload``.

    Args:
        place: The service's surroundings.
        candidates: The nginx programs to choose from, those of this machine by default.

    Raises:
        ComposeError: There is no nginx here, the configuration asks for what cannot be had, or nginx refuses it.
            ``file`` of an issue is the student's own file, an absolute path. Its text is nginx's own with container
            paths, on the next line what to do about it; or ours for what the image would do and we cannot.
    """
    main = _main_file(place)
    _demand_possible(place)
    _unpack(place)
    return _first_that_takes_it(place, main, programs() if candidates is None else candidates)


def _first_that_takes_it(place: Place, main: PurePosixPath, candidates: tuple[Program, ...]) -> Plan:
    """The image's nginx may know words that the system's is too old for; the lab's own is newer."""
    issues: tuple[Issue, ...] = ()
    for program in candidates:
        mapped = write_configuration(place, program, main)
        _make_folders(place, mapped)
        command = _command(place, program, mapped)
        trial = run_trial(place, mapped, command)
        issues = (*mapped.issues, *trial.issues)
        if not issues:
            return _plan(place, mapped, command)
        if not trial.may_be_too_old:
            break
    raise ComposeError(*(_with_cure(issue) for issue in issues))


def _with_cure(issue: Issue) -> Issue:
    advice = cure(issue.text)
    return issue if advice is None else replace(issue, text=f"{issue.text}\n  {advice}")


def _main_file(place: Place) -> PurePosixPath:
    """The configuration that the service's ``command`` names, the image's own place by default."""
    words = list(place.service.command) or ["nginx", "-g", FOREGROUND]
    options = dict(zip(words[1::2], words[2::2], strict=False))
    understood = words[0] in NAMES and len(words) % 2 and options.keys() <= {"-g", "-c"}
    if not understood or options.get("-g", "").strip().rstrip(";") != FOREGROUND.rstrip(";"):
        raise ComposeError(say("command", service=place.service.name, command=" ".join(words)))
    return PREFIX / options.get("-c", MAIN)


def _demand_possible(place: Place) -> None:
    """Name what the image would do and we do not."""
    name = place.service.name
    issues = [
        say("entrypoint", service=name, target=mount.target)
        for mount in place.service.mounts
        if any(mount.target.is_relative_to(folder) for folder in ENTRYPOINT)
    ]
    folders = (place.root, place.state, place.logs, *(mount.source for mount in place.service.mounts))
    issues += [say("dollar", path=folder) for folder in folders if "$" in str(folder)]
    if issues:
        raise ComposeError(*issues)


def _unpack(place: Place) -> None:
    """Put the image's files into the container's own file system, where it does not have them yet."""
    for file in sorted(path for path in IMAGE.rglob("*") if path.is_file()):
        target = place.root / file.relative_to(IMAGE)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def _make_folders(place: Place, mapped: Mapped) -> None:
    for folder in (place.logs, place.path("/var/run"), *mapped.files.folders):
        if folder.is_relative_to(place.root) or folder.is_relative_to(place.logs):
            folder.mkdir(parents=True, exist_ok=True)


def _command(place: Place, program: Program, mapped: Mapped) -> tuple[str, ...]:
    prefix = place.root / PREFIX.relative_to("/")
    options = ("-e", "stderr", "-p", f"{prefix}/", "-c", str(mapped.main), "-g", FOREGROUND)
    return (str(program.path), *options)


def _plan(place: Place, mapped: Mapped, command: tuple[str, ...]) -> Plan:
    return Plan(
        command=command,
        environ=_environ(place.service.environment),
        listens=tuple(mapped.doors.outer),
        access_logs=tuple(mapped.files.access_logs),
        password_files=tuple(mapped.files.password_files),
        certificates=tuple(mapped.files.certificates),
        keys=tuple(mapped.files.keys),
        reload=(*command[:-2], "-s", "reload"),
        configuration=_dump(mapped),
    )


def _dump(mapped: Mapped) -> str:
    """What ``nginx -T`` would print of the student's own files; what is no text is no word of nginx's either."""
    text = "".join(f"# configuration file {each.inside}:\n{each.text}\n" for each in mapped.sources)
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _environ(own: Mapping[str, str]) -> dict[str, str]:
    """A container's environment; its clock says UTC, which the times in the access log show."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", **own}
