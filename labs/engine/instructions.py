"""What each instruction does to a stage, as BuildKit does it (its frontend/dockerfile/dockerfile2llb)."""

import contextlib
import posixpath
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from labs.engine.copying import Copier, CopyInvalid, Destination, Draft, Owner, SourceUnknown, parse_mode, parse_owner
from labs.engine.dockerfile import Instruction
from labs.engine.expansion import ExpansionInvalid
from labs.engine.layers import ArchiveInvalid
from labs.engine.stage import BuildError, StageState
from labs.engine.tree import TooManyLinks, Tree, clean

DEFAULT_SHELL = ("/bin/sh", "-c")
FIRST_PORT, LAST_PORT = 0, 65535
LAST_SIGNAL = 64

_WITH_DOCKER = "build with Docker's own command (LAB_DOCKER=real)"
_REFUSED = MappingProxyType(
    {
        "RUN": "RUN needs a container engine, and labdocker has none: "
        f"prepare the files beforehand and COPY them, or {_WITH_DOCKER}",
        "ONBUILD": "ONBUILD is not done by labdocker: "
        f"write the instruction into the Dockerfile that builds on this image, or {_WITH_DOCKER}",
    }
)
_REFUSED_FLAGS = ("parents", "exclude", "checksum", "keep-git-dir", "unpack")
_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@")
# port ::= number ["-" number] ["/" protocol]
_PORT = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+))?(?:/(?P<protocol>tcp|udp|sctp))?", re.IGNORECASE)
# duration ::= (decimal unit)+, Go's time.ParseDuration
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>ns|us|µs|ms|s|m|h)")
_NANOSECONDS = MappingProxyType(
    {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
)
_HEALTHCHECK_FLAGS = MappingProxyType(
    {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod", "start-interval": "StartInterval"}
)


def refuse(instruction: Instruction) -> None:
    """Refuse by name what is not done here, before anything is built.

    Raises:
        BuildError: It says what to do instead.
    """
    if instruction.keyword in _REFUSED:
        raise BuildError(
            f"{_REFUSED[instruction.keyword]} (line {instruction.line}: {instruction.text})", instruction.line
        )
    flag = next((flag for flag in _REFUSED_FLAGS if flag in instruction.flags), None)
    if flag is not None:
        fault = f"{instruction.keyword} --{flag} is not done by labdocker: name the files one by one, or {_WITH_DOCKER}"
        raise BuildError(fault, instruction.line)


def run(stage: StageState, instruction: Instruction, source: Tree | None = None) -> bool:
    """Do one instruction. COPY and ADD read ``source``.

    Returns:
        Whether nothing new was written: the store had the layer already, or there is none.

    Raises:
        BuildError: It cannot be done.
    """
    try:
        if instruction.keyword in {"COPY", "ADD"}:
            return _copy(stage, instruction, source or Tree())
        if instruction.keyword == "WORKDIR":
            return _workdir(stage, instruction)
        _HANDLERS[instruction.keyword](stage, instruction)
    except SourceUnknown as exc:
        fault = f"failed to compute cache key: failed to calculate checksum of ref {_source_name(instruction)}: {exc}"
        raise BuildError(fault, instruction.line) from exc
    except OSError as exc:
        # Reading names a file; writing into the store (a full disk) names none.
        where = f"error from sender: open {exc.filename}" if exc.filename else f"failed to write {instruction.text}"
        raise BuildError(f"{where}: {(exc.strerror or str(exc)).lower()}", instruction.line) from exc
    except (ExpansionInvalid, CopyInvalid, ArchiveInvalid, TooManyLinks) as exc:
        raise BuildError(str(exc), instruction.line) from exc
    return True


# --- files ---


def _copy(stage: StageState, instruction: Instruction, source: Tree) -> bool:
    *patterns, target = [stage.expand(word) for word in instruction.words]
    _refuse_sources(instruction, patterns, target)
    draft = Draft(stage.tree)
    destination = Destination(
        posixpath.join(stage.working_folder, target),
        _owner(stage, instruction.flags.get("chown", "")),
        _mode(stage, instruction.flags.get("chmod", "")),
    )
    with contextlib.ExitStack() as archives:
        Copier(draft, destination, archives, unpack=instruction.keyword == "ADD").copy(source, patterns)
        shown = [f"--{name}={instruction.flags[name]}" for name in ("chown", "chmod") if name in instruction.flags]
        return stage.commit(draft, " ".join([instruction.keyword, *shown, *patterns, target]))


def _refuse_sources(instruction: Instruction, patterns: Sequence[str], target: str) -> None:
    for pattern in patterns:
        if _REMOTE.match(pattern):
            fault = f"{instruction.keyword} {pattern}: labdocker fetches nothing, put the file into the context"
            raise BuildError(fault, instruction.line)
        # BuildKit takes ../x for /x, and does not find it; the classic builder says what is wrong.
        if posixpath.normpath(pattern.lstrip("/")).split("/")[0] == "..":
            fault = f"{instruction.keyword} failed: forbidden path outside the build context: {pattern} ()"
            raise BuildError(fault, instruction.line)
    if len(patterns) > 1 and not target.endswith(("/", "/.")) and target != ".":
        fault = (
            f"When using {instruction.keyword} with more than one source file, "
            "the destination must be a directory and end with a /"
        )
        raise BuildError(fault, instruction.line)


def _source_name(instruction: Instruction) -> str:
    """Where BuildKit prints the snapshot's random name."""
    return instruction.flags.get("from", "context")


def _owner(stage: StageState, text: str) -> Owner | None:
    return parse_owner(stage.expand(text), stage.tree) if text else None


def _mode(stage: StageState, text: str) -> int | None:
    return parse_mode(stage.expand(text)) if text else None


def _workdir(stage: StageState, instruction: Instruction) -> bool:
    """BuildKit writes a layer even for a folder that is there; an empty one, which we leave out."""
    folder = posixpath.normpath(posixpath.join(stage.working_folder, stage.expand(instruction.words[0])))
    stage.image.config["WorkingDir"] = folder
    path = stage.tree.resolve(clean(folder))
    if stage.tree.is_folder(path):
        stage.record(f"WORKDIR {folder}")
        return True
    draft = Draft(stage.tree)
    draft.make_folders(path, _owner(stage, stage.image.config.get("User", "")) or Owner(0, 0))
    return stage.commit(draft, f"WORKDIR {folder}")


# --- config ---


def _env(stage: StageState, instruction: Instruction) -> None:
    pairs = _pairs(stage, instruction)
    for name, value in pairs:
        stage.environment[name] = value
        stage.image.set_environment(name, value)
    stage.record(" ".join(["ENV", *(f"{name}={value}" for name, value in pairs)]))


def _label(stage: StageState, instruction: Instruction) -> None:
    pairs = _pairs(stage, instruction)
    stage.image.extend("Labels", dict(pairs))
    stage.record(" ".join(["LABEL", *(f"{name}={value}" for name, value in pairs)]))


def _pairs(stage: StageState, instruction: Instruction) -> list[tuple[str, str]]:
    """Names and values, all expanded with the variables as they were before the instruction."""
    return [(stage.expand(name), stage.expand(value or "")) for name, value in instruction.pairs]


def _arg(stage: StageState, instruction: Instruction) -> None:
    """``--build-arg`` wins over the default, the default over an ARG before the first FROM."""
    told = []
    for name, default in instruction.pairs:
        value = stage.settings.build_args.get(name)
        if value is None:
            value = stage.settings.global_args.get(name) if default is None else stage.expand(default)
        if value is not None:
            stage.environment[name] = value
        told.append(name if value is None else f"{name}={value}")
    stage.record(" ".join(["ARG", *told]))


def _user(stage: StageState, instruction: Instruction) -> None:
    stage.image.config["User"] = stage.expand(instruction.words[0])
    stage.record(f"USER {stage.image.config['User']}")


def _expose(stage: StageState, instruction: Instruction) -> None:
    words = sorted(word for text in instruction.words for word in stage.expand(text).split())
    ports = [port for word in words for port in _parse_ports(word, instruction.line)]
    stage.image.extend("ExposedPorts", {port: {} for port in ports})
    stage.record(f"EXPOSE [{' '.join(ports)}]")


def _parse_ports(text: str, line: int) -> list[str]:
    """``8000-8001/udp`` is ``8000/udp`` and ``8001/udp``."""
    match = _PORT.fullmatch(text)
    first = int(match["first"]) if match else LAST_PORT + 1
    last = int(match["last"] or first) if match else FIRST_PORT
    if match is None or not FIRST_PORT <= first <= last <= LAST_PORT:
        raise BuildError(f"invalid containerPort: {text}", line)
    return [f"{port}/{(match['protocol'] or 'tcp').lower()}" for port in range(first, last + 1)]


def _volume(stage: StageState, instruction: Instruction) -> None:
    volumes = [stage.expand(word) for word in instruction.words]
    if not all(volumes):
        raise BuildError("VOLUME specified can not be an empty string", instruction.line)
    stage.image.extend("Volumes", {volume: {} for volume in volumes})
    stage.record(f"VOLUME [{' '.join(volumes)}]")


def _stop_signal(stage: StageState, instruction: Instruction) -> None:
    name = stage.expand(instruction.words[0])
    if not _is_signal(name):
        raise BuildError(f"invalid signal: {name}", instruction.line)
    stage.image.config["StopSignal"] = name
    stage.record(f"STOPSIGNAL {name}")


def _is_signal(text: str) -> bool:
    """A number, or a name with or without SIG; real-time signals by their distance, as in RTMIN+3."""
    if text.isdigit():
        return 0 < int(text) <= LAST_SIGNAL
    name = text.upper().removeprefix("SIG")
    return f"SIG{name}" in signal.Signals.__members__ or bool(re.fullmatch(r"RTMIN(\+\d+)?|RTMAX(-\d+)?", name))


def _cmd(stage: StageState, instruction: Instruction) -> None:
    stage.has_cmd = True
    stage.image.config["Cmd"] = _command(stage, instruction)
    stage.record(f"CMD {_quoted(stage.image.config['Cmd'])}")


def _entrypoint(stage: StageState, instruction: Instruction) -> None:
    """A new entrypoint does away with the base image's CMD, not with one of this stage."""
    stage.image.config["Entrypoint"] = _command(stage, instruction)
    if not stage.has_cmd:
        stage.image.config.pop("Cmd", None)
    stage.record(f"ENTRYPOINT {_quoted(stage.image.config['Entrypoint'])}")


def _command(stage: StageState, instruction: Instruction) -> list[str]:
    """The JSON form as it is, the shell form behind the image's shell."""
    if instruction.is_json:
        return list(instruction.words)
    shell = stage.image.config.get("Shell")
    if not shell:
        advice = (
            f"JSONArgsRecommended: JSON arguments recommended for {instruction.keyword} "
            "to prevent unintended behavior related to OS signals"
        )
        stage.settings.progress.warn(advice, instruction.line)
    return [*(shell or DEFAULT_SHELL), *instruction.words]


def _quoted(words: Sequence[str]) -> str:
    """As Go prints a list of strings with %q."""
    escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    return "[" + " ".join(f'"{word}"' for word in escaped) + "]"


def _shell(stage: StageState, instruction: Instruction) -> None:
    stage.image.config["Shell"] = list(instruction.words)
    stage.record(f"SHELL [{' '.join(instruction.words)}]")


def _healthcheck(stage: StageState, instruction: Instruction) -> None:
    kind, *command = instruction.words
    test = [kind if kind == "NONE" or instruction.is_json else "CMD-SHELL", *command]
    given = {key: instruction.flags[flag] for flag, key in _HEALTHCHECK_FLAGS.items() if flag in instruction.flags}
    settings = {key: _parse_duration(text, instruction.line) for key, text in given.items()}
    if "retries" in instruction.flags:
        settings["Retries"] = _parse_retries(instruction.flags["retries"], instruction.line)
    stage.image.config["Healthcheck"] = {"Test": test, **settings}
    stage.record(instruction.text)


def _parse_duration(text: str, line: int) -> int:
    """Nanoseconds, which is what the config holds."""
    if not _DURATION.fullmatch(text):
        raise BuildError(f'time: invalid duration "{text}"', line)
    parts = _DURATION_PART.finditer(text)
    return round(sum(float(part["count"]) * _NANOSECONDS[part["unit"]] for part in parts))


def _parse_retries(text: str, line: int) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise BuildError(f'strconv.ParseInt: parsing "{text}": invalid syntax', line)
    if int(text) < 0:
        raise BuildError(f"--retries cannot be negative ({text})", line)
    return int(text)


def _maintainer(stage: StageState, instruction: Instruction) -> None:
    stage.image.author = instruction.words[0]
    advice = "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"
    stage.settings.progress.warn(advice, instruction.line)
    stage.record(f"MAINTAINER {stage.image.author}")


_HANDLERS: Mapping[str, Callable[[StageState, Instruction], None]] = MappingProxyType(
    {
        "ARG": _arg,
        "CMD": _cmd,
        "ENTRYPOINT": _entrypoint,
        "ENV": _env,
        "EXPOSE": _expose,
        "HEALTHCHECK": _healthcheck,
        "LABEL": _label,
        "MAINTAINER": _maintainer,
        "SHELL": _shell,
        "STOPSIGNAL": _stop_signal,
        "USER": _user,
        "VOLUME": _volume,
    }
)
