"""TP-2: what the proxy's log tells beside the journal, and who pulled. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from checker import history
from checker.checks.agreement import Agreement, agree, needs_line
from checker.checks.pushes import TAG, pushes, target_repository
from checker.checks.telling import newest, newest_first, ref, shown
from checker.checks.witnesses import hear, hear_names
from checker.facts import PRINTED, AccessLog, Backend, Facts, Kind, LogLine, NotObserved, Task, Unavailable, known
from checker.history import describe
from checker.model import Cause, Evidence, Finding, Status, Value, Words
from pyregistry.spec.journal import Event

SIGNING_TOOL = "cosign/"
"""How cosign's User-Agent begins: it reads the manifest to sign and to verify it, and pulls nothing."""
DOCKERS = ("docker/", "containerd/")
"""How the User-Agents of Docker's engine begin. It asks for the tag's digest (HEAD), and fetches what it does not have:
with containerd's image store what is left of a build is enough to have all of it, image or no image."""
TOLD_MAX = 5
"""Lines of one fault that are told one by one."""
_SUCCESS = 200
_OFF = {Kind.CADDY: "log.caddy-off", Kind.TRAEFIK: "log.traefik-off"}
"""Why there is no log: nginx is told so, these two keep one only where they are told to."""


def judge_log(facts: Facts) -> Finding:
    """The proxy logs the requests that the registry sees, and no line is somebody's invention.

    Time, bytes and user agree for one request at least; what came before the proxy's present configuration explains,
    and is not judged. Without a proxy the journal is the log, and it must know who asked.
    """
    log = known(facts.access_log)
    if log.proxied and not log.kept:
        cause = Cause(_OFF.get(log.keeper, "log.off"))
        return Finding(Status.FAIL, (), {"log": Words("said.off")}, {"log": Words("said.on")}, (cause,))
    journal = known(facts.journal)
    if not log.proxied:
        return _judge_journal(facts.task, hear_names(facts, journal).since_start)
    if not log.logging.readable or (log.unreadable and not log.lines):
        raise NotObserved(Unavailable("log-format", {"path": log.path or "-"}))
    every = [event for event in journal.since_start if event.kind == "request"]
    requests = [event for event in every if log.since is None or event.at >= log.since]
    found = agree(log, requests, _known_since(journal.events))
    if found.missing and log.unreadable:
        raise NotObserved(Unavailable("log-format", {"path": log.path or "-"}))
    causes = tuple(_log_causes(log, requests, found, facts)) if every or found.forged else (Cause("log.nothing"),)
    if not causes and not found.pairs:
        raise NotObserved(Unavailable("log-young", {"path": log.path or "-"}))
    agreeing = len({event.seq for _, event in found.pairs})
    return Finding(
        Status.FAIL if causes else Status.PASS,
        tuple(_log_evidence(log, found)),
        {"lines": len(log.lines), "events": len(requests), "agreeing": agreeing, "not-judged": found.open},
        {"agreeing": max(agreeing + len(found.missing) + len(found.edited), 1)},
        causes,
    )


def _known_since(events: Sequence[Event]) -> datetime | None:
    """Since when the registry's memory is complete: what registry:2 printed Docker may throw away, the oldest first.

    It may also be told to print errors only, and then knows nothing of what it granted.
    """
    if not any(event.detail.get("source") == PRINTED for event in events):
        return None
    granted = (event.at for event in events if event.kind == "request" and not history.is_refusal(event))
    return min(granted, default=datetime.max.replace(tzinfo=UTC, hour=0))


def _judge_journal(task: Task, events: Iterable[Event]) -> Finding:
    """The registry asks for passwords itself, and wrote down who came."""
    user = task.parameters["user"]
    mine = [event for event in events if event.kind == "request" and history.account(event) == user]
    causes = () if mine else (Cause("log.nothing"),)
    return Finding(
        Status.PASS if mine else Status.FAIL,
        shown(newest(mine)),
        {"events": len(mine)},
        {"account": user},
        causes,
    )


def _log_evidence(log: AccessLog, found: Agreement) -> Iterable[Evidence]:
    """What differs, else the last request that both tell of."""
    for edit in found.edited:
        yield from (_line(log, edit.line), describe(edit.event))
    yield from (_line(log, line) for line in found.forged)
    for line, event in found.rewritten[:TOLD_MAX]:
        yield from (_line(log, line), describe(event))
    yield from (describe(event) for event in found.missing)
    if found.holds and found.pairs:
        line, event = max(found.pairs, key=lambda row: row[1].seq)
        yield from (_line(log, line), describe(event))


def _line(log: AccessLog, line: LogLine) -> Evidence:
    """A line that can be found again."""
    told = f"{line.log or log.path}:{line.number} {line.at:%H:%M:%S}Z {_told(line)}"
    return Evidence("log", Words("said.asked", {"request": told, "who": line.user or history.NOBODY}))


def _told(line: LogLine) -> str:
    """Request and answer of a line."""
    return f"{line.method} {line.path} {line.status}"


def _log_causes(log: AccessLog, requests: Sequence[Event], found: Agreement, facts: Facts) -> Iterable[Cause]:
    """What does not fit, lines first: the proxy did not write them so."""
    unlogged = [event for event in requests if _came_through(event, log)] if not log.lines else []
    if unlogged:
        is_kept_back = log.logging.buffers
        yield (
            Cause("log.buffered", {"count": len(unlogged)})
            if is_kept_back
            else Cause("log.missing", {"path": log.path})
        )
        return
    for line in found.forged[:TOLD_MAX]:
        yield Cause("log.forged-line", {"line": line.number, "told": _told(line)})
    for edit in found.edited[:TOLD_MAX]:
        params: Mapping[str, Value] = {"line": edit.line.number, "seen": edit.seen, "wanted": edit.wanted}
        yield Cause(f"log.{edit.what}-differs", params)
    for line, event in found.rewritten[-1:]:
        yield Cause("log.rewritten", {"line": line.number, "seen": line.path, "asked": event.path or "-"})
    yield from _missing_causes(log, found, facts)


def _came_through(event: Event, log: AccessLog) -> bool:
    """The request came since the proxy logs as it does now; an empty log itself says nothing of its beginning."""
    return needs_line(event, replace(log, begins_at=None))


def _missing_causes(log: AccessLog, found: Agreement, facts: Facts) -> Iterable[Cause]:
    """Events without a line. Where only the newest lack theirs, the proxy may keep them in its buffer still."""
    if not found.missing:
        return
    first, paired = found.missing[0], [event.seq for _, event in found.pairs]
    by_passed = Cause("log.bypassed", {"count": len(found.missing), "event": ref(first)})
    is_open = isinstance(facts.backend, Backend) and any(
        door.status == _SUCCESS for door in facts.backend.doors.values()
    )
    if is_open or not log.logging.buffers or first.seq < max(paired, default=0):
        yield by_passed
    else:
        yield from (Cause("log.buffered", {"count": len(found.missing)}), by_passed)


# --- docker pull


def judge_pull(facts: Facts) -> Finding:
    """After the push the student, by name, fetched the manifest that tag 1.0 points to now. HEAD is no pull."""
    tags, parameters = known(facts.tags), facts.task.parameters
    repository, now = target_repository(parameters["org"], parameters["repo"]), tags.resolved.get(TAG)
    journal = hear(facts, known(facts.journal), repository, now)
    expected: dict[str, Value] = {
        "pull": f"{repository}:{TAG}",
        "account": parameters["user"],
        "digest": now or "-",
    }
    stored = [event.seq for event in journal.since_start if _stores(event, repository) and event.digest == now]
    if now is None or not stored:
        return Finding(Status.FAIL, (), {"digest": now or "-"}, expected, (Cause("pull.no-image"),))
    asked = [event for event in journal.since_start if _asks(event, repository)]
    mine = [e for e in asked if history.is_manifest_pull(e) and history.account(e) == parameters["user"]]
    proof = next((event for event in mine if event.digest == now and event.seq > stored[0]), None)
    if proof is not None:
        return Finding(Status.PASS, shown(proof), {"pull": ref(proof), "digest": now}, expected)
    if any(history.is_manifest_pull(event) and history.account(event) is None for event in asked):
        known(facts.access_log)  # the registry does not know who that was; the proxy may
    if any(history.is_manifest_pull(event) and _is_nameless(event, facts.access_log) for event in asked):
        raise NotObserved(Unavailable("puller-unknown"))
    last = newest(asked)
    ranked = [(event.seq, cause) for event in asked if (cause := _pull_cause(event, now, stored[0], facts.task))]
    moved_at = max((event.seq for event in pushes(journal, repository)), default=0)
    ranked = [(moved_at if cause.id == "pull.moved-after" else seq, cause) for seq, cause in ranked]
    causes = newest_first(ranked) or (Cause("pull.never"),)
    return Finding(Status.FAIL, shown(last), {"pull": ref(last)}, expected, causes)


def _stores(event: Event, repository: str) -> bool:
    """A manifest was stored in the repository."""
    return history.is_manifest_push(event) and event.repository == repository


def _asks(event: Event, repository: str) -> bool:
    """A client asked for a manifest of the repository to pull, or to look at, it."""
    ours = event.repository == repository and history.is_manifest_read_attempt(event)
    return ours and not (event.user_agent or "").startswith(SIGNING_TOOL)


def _is_dockers(event: Event) -> bool:
    """Docker asked."""
    return (event.user_agent or "").startswith(DOCKERS)


def _is_nameless(event: Event, log: object) -> bool:
    """Who asked is known to nobody: registry:2 does not say, and the proxy's log had not begun."""
    witnessed = isinstance(log, AccessLog) and log.kept and (log.since is None or event.at >= log.since)
    return event.detail.get("source") == PRINTED and history.account(event) is None and not witnessed


def _pull_cause(event: Event, now: str, stored_at: int, task: Task) -> Cause | None:
    """What one request tells about a pull that does not count; None where it tells nothing."""
    account, after = history.account(event), event.seq > stored_at
    if history.is_refusal(event):
        told = Cause("pull.refused", {"status": event.status or 0, "code": event.error_code or "-"})
        return told if account is not None and after else None
    if not history.is_manifest_pull(event):
        kept = account == task.parameters["user"] and event.digest == now and _is_dockers(event)
        return Cause("pull.still-here" if kept else "pull.head-only") if after else None
    if account != task.parameters["user"]:
        return Cause("pull.another-account", {"account": account}) if account else Cause("pull.anonymous")
    if event.digest == now:
        return Cause("pull.before-push")
    other = Cause("pull.other-image", {"reference": event.reference or "-"})
    return other if after else Cause("pull.moved-after", {"digest": event.digest or "-"})
