"""TP-2: a private registry behind nginx, with TLS, basic auth and a signed image. Thirteen questions about four steps.

What is asked of the stack is judged in ``stacks``, ``certificates``, ``passwords``, ``doors`` and ``uploads``; of what
was pushed, here and in ``signing``; of what happened, in ``access``.
"""

from collections.abc import Mapping

from checker import history
from checker.checks.access import judge_log, judge_pull
from checker.checks.certificates import judge_certificate, judge_keys
from checker.checks.doors import judge_auth, judge_backend, judge_plain
from checker.checks.images import NONCE_LABEL, Bytes, label_causes
from checker.checks.passwords import judge_passwords
from checker.checks.pushes import (
    TAG,
    pushed_elsewhere,
    pushed_too_early,
    pushes,
    refused,
    tag_lost,
    target_repository,
    unfinished,
)
from checker.checks.signing import judge_secrets, judge_signature
from checker.checks.stacks import judge_up
from checker.checks.telling import Ranked, newest, newest_first, ref, shown
from checker.checks.uploads import TOO_LARGE, judge_upload
from checker.checks.witnesses import hear
from checker.facts import (
    NO_JOURNAL,
    AccessLog,
    Facts,
    Journal,
    LogLine,
    NotObserved,
    Source,
    Target,
    Unavailable,
    known,
)
from checker.model import Cause, Check, Evidence, Finding, Status, Tense, Value
from pyregistry.spec.journal import Event

LAYER_BYTES = 5_000_000
"""The exercise's own layer: above the 1 MiB that nginx takes unless it is told otherwise."""
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_PROXY_REFUSALS = frozenset({401, 403, TOO_LARGE, 502, 504})
"""Statuses by which a proxy says that it does not even ask the registry."""
_TROUBLES = frozenset({500, 503, 507})
"""Likewise where the registry knows of no such answer: the proxy could not keep what came, or was asked too often."""


def target(parameters: Mapping[str, str]) -> Target:
    """The repository and the tag of the exercise."""
    return Target(target_repository(parameters["org"], parameters["repo"]), (TAG,))


# --- step 3: docker push


def judge_push(facts: Facts) -> Finding:
    """Tag 1.0 was pushed by the student since the start and stands now: their image, its layer of 5 MB, every byte."""
    tags, want, user = known(facts.tags), target(facts.task.parameters).repository, facts.task.parameters["user"]
    now = tags.resolved.get(TAG)
    expected: dict[str, Value] = {"name": f"{want}:{TAG}", "account": user, "largest-layer": LAYER_BYTES}
    if facts.journal == NO_JOURNAL:
        return _judge_what_lies_there(facts, now, expected)
    journal = hear(facts, known(facts.journal), want, now)
    proof = newest(e for e in pushes(journal, want) if e.digest == now and history.account(e) in {user, None})
    if proof is None or now is None:
        last = newest(event for event in journal.since_start if history.write_target(event) is not None)
        observed: dict[str, Value] = {
            "push": ref(last),
            "digest": now or "-",
            "tags": ", ".join(tags.listed) or "-",
        }
        return Finding(Status.FAIL, shown(last), observed, expected, _push_causes(facts, journal, now))
    return _judge_image(facts, now, shown(proof), expected)


def _judge_what_lies_there(facts: Facts, now: str | None, expected: Mapping[str, Value]) -> Finding:
    """Nobody knows who pushed, and when: an image can be seen to be wrong, and cannot be seen to be right."""
    if now is None:
        return Finding(Status.FAIL, (), {"digest": "-"}, expected, (Cause("push.absent"),))
    finding = _judge_image(facts, now, (), expected)
    if finding.status is Status.PASS:
        raise NotObserved(NO_JOURNAL)
    return finding


def _judge_image(facts: Facts, now: str, pushed: tuple[Evidence, ...], expected: Mapping[str, Value]) -> Finding:
    """What was pushed is the student's image, whole."""
    root = known(facts.content).root
    if root is None:
        return Finding(Status.FAIL, pushed, {"digest": "-"}, expected, (Cause("push.tag-deleted"),))
    if root.digest != now:
        raise NotObserved(Unavailable("digest-differs", {"what": str(expected["name"])}))
    images, found = root.images(), Bytes.of(root)
    labels = label_causes(images, {NONCE_LABEL: facts.task.parameters["nonce"]}, {NONCE_LABEL: "nonce"})
    largest = max((blob.size for blob in found.hashed if blob.role == "layer"), default=0)
    small = (Cause("push.small-layer", {"size": largest, "wanted": LAYER_BYTES}),) if largest < LAYER_BYTES else ()
    causes = (Cause("build.no-platform"),) if not images else (*labels, *found.causes(facts.journal), *small)
    resolved = Evidence("http", f"{expected['name']} → {root.digest}", root.digest.partition(":")[2])
    observed: dict[str, Value] = {
        "name": expected["name"],
        "digest": root.digest,
        "verified": len(found.evidence),
        "faulty": len(found.lost) + len(found.bad),
        "largest-layer": largest,
    }
    status = Status.FAIL if causes else Status.PASS
    return Finding(status, (*pushed, resolved, *found.evidence), observed, expected, causes)


def _push_causes(facts: Facts, journal: Journal, now: str | None) -> tuple[Cause, ...]:
    """Why the tag is not the student's: what the proxy refused last, then what the registry tells, the newest first."""
    want, user = target(facts.task.parameters).repository, facts.task.parameters["user"]
    ranked: Ranked = [
        *tag_lost(journal, user, want, now),
        *pushed_elsewhere(journal, user, want),
        *refused(journal, _refusal_cause),
        *unfinished(journal, want),
        *pushed_too_early(journal, user, want),
    ]
    told = (*_refused_by_proxy(facts.access_log, journal), *newest_first(ranked))
    causes = tuple({cause.id: cause for cause in reversed(told)}.values())[::-1]
    return causes or (Cause("push.unseen" if now else "push.never-tried"),)


def _refused_by_proxy(log: object, journal: Journal) -> tuple[Cause, ...]:
    """The proxy's answer to the last write, where it was the proxy that refused it: the registry never saw it."""
    writes = [line for line in log.lines if line.method in _WRITES] if isinstance(log, AccessLog) else []
    if not writes:
        return ()
    last = writes[-1]
    is_known = any((event.path, event.status) == (last.path, last.status) for event in journal.since_start)
    is_trouble = last.status in _TROUBLES and not is_known
    return (_line_cause(last),) if is_trouble or last.status in _PROXY_REFUSALS else ()


def _line_cause(line: LogLine) -> Cause:
    """What one refusal in the proxy's log tells."""
    if line.status == TOO_LARGE:
        return Cause("push.too-large")
    if line.user is None:
        return Cause("push.anonymous")
    return Cause("push.denied", {"status": line.status, "account": line.user})


def _refusal_cause(event: Event, name: str) -> Cause:
    """What one refusal in the journal tells."""
    if name != name.lower():
        return Cause("push.upper-case", {"name": name})
    if event.status == TOO_LARGE:
        return Cause("push.too-large")
    if history.account(event) is None:
        return Cause("push.anonymous")
    return Cause("push.refused", {"status": event.status or 0, "code": event.error_code or "-"})


CHECKS: tuple[Check, ...] = (
    Check(
        "TP2-HTPASSWD",
        step=1,
        tense=Tense.NOW,
        points=2,
        section="§8.2",
        judge=judge_passwords,
        uses=(Source.PASSWORDS, Source.STACK),
        causes=(
            "passwords.none",
            "passwords.not-there",
            "passwords.folder",
            "passwords.empty",
            "passwords.other-user",
            "passwords.md5",
            "passwords.sha1",
            "passwords.crypt",
            "passwords.plain",
            "passwords.other-scheme",
        ),
    ),
    Check(
        "TP2-CERT",
        step=1,
        tense=Tense.NOW,
        points=3,
        section="§8.2, §12",
        judge=judge_certificate,
        uses=(Source.HANDSHAKE,),
        causes=(
            "cert.none",
            "cert.expired",
            "cert.not-yet",
            "cert.no-names",
            "cert.cn-only",
            "cert.other-name",
            "cert.folder-refused",
            "cert.blank-authority",
            "cert.self-signed",
            "cert.no-authority",
            "cert.other-authority",
            "cert.incomplete-chain",
            "cert.old-tls",
        ),
        needs=("TP2-UP",),
    ),
    Check(
        "TP2-KEY",
        step=1,
        tense=Tense.NOW,
        points=1,
        section="§8.2",
        judge=judge_keys,
        uses=(Source.KEYS, Source.STACK),
        causes=("key.none", "key.no-certificate", "key.no-key", "key.readable"),
    ),
    Check(
        "TP2-UP",
        step=2,
        tense=Tense.NOW,
        points=2,
        section="§8.2",
        judge=judge_up,
        uses=(Source.STACK, Source.HANDSHAKE, Source.DOORS, Source.KEYS, Source.PLAIN),
        causes=(
            "up.nothing",
            "up.refused",
            "up.down",
            "up.key-mismatch",
            "up.no-certificate",
            "up.no-upstream",
            "up.port-taken",
            "up.bad-directive",
            "up.ended",
            "up.other-port",
            "up.plain-http",
            "up.old-tls",
            "up.no-tls",
            "up.bad-gateway",
            "up.no-registry",
            "up.path-changed",
            "up.not-passed-on",
        ),
        needs=("TP2-KEY",),
        explained={"TP2-KEY": ("up.no-certificate",)},
    ),
    Check(
        "TP2-AUTH",
        step=2,
        tense=Tense.NOW,
        points=3,
        section="§8.2",
        judge=judge_auth,
        uses=(Source.DOORS, Source.PASSWORDS, Source.CLIENT),
        causes=(
            "auth.none",
            "auth.anonymous-read",
            "auth.anonymous-push",
            "auth.base-open",
            "auth.any-password",
            "auth.no-challenge",
            "auth.not-asked",
            "auth.side-door",
            "auth.other-name",
            "auth.not-logged-in",
            "auth.other-user",
            "auth.not-bcrypt",
            "auth.unknown-user",
            "auth.nobody",
            "auth.no-password-file",
            "auth.password-file-unreadable",
            "auth.refused",
        ),
        needs=("TP2-UP", "TP2-HTPASSWD", "TP2-CERT"),
        explained={
            "TP2-HTPASSWD": (
                "auth.not-logged-in",
                "auth.not-bcrypt",
                "auth.unknown-user",
                "auth.nobody",
                "auth.no-password-file",
                "auth.password-file-unreadable",
            ),
            "TP2-CERT": ("auth.not-logged-in",),
        },
    ),
    Check(
        "TP2-HTTP",
        step=2,
        tense=Tense.NOW,
        points=1,
        section="§8.2",
        judge=judge_plain,
        uses=(Source.PLAIN,),
        causes=("http.open", "http.asks-password", "http.redirects-elsewhere", "http.on-tls-port"),
        needs=("TP2-UP",),
    ),
    Check(
        "TP2-BACKEND",
        step=2,
        tense=Tense.NOW,
        points=2,
        section="§8.1, §8.2",
        judge=judge_backend,
        uses=(Source.BACKEND, Source.STACK),
        causes=("backend.open",),
        needs=("TP2-UP",),
    ),
    Check(
        "TP2-UPLOAD",
        step=2,
        tense=Tense.NOW,
        points=2,
        section="§8.2",
        judge=judge_upload,
        uses=(Source.UPLOAD,),
        causes=(
            "upload.scheme-lost",
            "upload.host-changed",
            "upload.port-lost",
            "upload.too-large",
            "upload.over-limit",
            "upload.no-location",
            "upload.not-passed-on",
            "upload.refused",
        ),
        needs=("TP2-UP", "TP2-AUTH"),
        explained={"TP2-AUTH": ("upload.refused",)},
    ),
    Check(
        "TP2-PUSH",
        step=3,
        tense=Tense.SINCE_START,
        points=3,
        section="§3.2, §8.2",
        judge=judge_push,
        uses=(Source.JOURNAL, Source.TAGS, Source.CONTENT, Source.ACCESS_LOG, Source.PASSWORDS),
        causes=(
            "push.never-tried",
            "push.unseen",
            "push.too-large",
            "push.denied",
            "push.anonymous",
            "push.upper-case",
            "push.refused",
            "push.unfinished",
            "push.other-tag",
            "push.only-latest",
            "push.other-repository",
            "push.another-account",
            "push.moved-by-another",
            "push.tag-deleted",
            "push.too-early",
            "push.absent",
            "push.small-layer",
            "build.nonce-absent",
            "build.nonce-differs",
            "build.no-config",
            "build.no-platform",
            "blobs.missing",
            "blobs.deleted",
            "blobs.child-missing",
            "blobs.wrong-size",
        ),
        needs=("TP2-UP", "TP2-CERT", "TP2-AUTH", "TP2-UPLOAD"),
        explained={
            "TP2-CERT": ("push.never-tried", "push.absent"),
            "TP2-AUTH": (
                "push.never-tried",
                "push.absent",
                "push.denied",
                "push.anonymous",
                "push.refused",
                "push.unfinished",
                "push.another-account",
                "push.moved-by-another",
            ),
            "TP2-UPLOAD": (
                "push.never-tried",
                "push.absent",
                "push.too-large",
                "push.denied",
                "push.refused",
                "push.unfinished",
            ),
        },
    ),
    Check(
        "TP2-SECRETS",
        step=3,
        tense=Tense.NOW,
        points=1,
        section="§10",
        judge=judge_secrets,
        uses=(Source.LAYERS,),
        causes=("secrets.private-key",),
        needs=("TP2-PUSH",),
        explained={"TP2-PUSH": ()},
    ),
    Check(
        "TP2-SIGN",
        step=3,
        tense=Tense.NOW,
        points=3,
        section="§7.1",
        judge=judge_signature,
        uses=(Source.SIGNATURES,),
        causes=(
            "sign.none",
            "sign.no-key",
            "sign.other-key",
            "sign.older-digest",
            "sign.copied",
            "sign.broken",
            "sign.no-image",
        ),
        needs=("TP2-PUSH",),
    ),
    Check(
        "TP2-LOG",
        step=4,
        tense=Tense.SINCE_START,
        points=2,
        section="§8.2, §13",
        judge=judge_log,
        uses=(Source.ACCESS_LOG, Source.JOURNAL, Source.BACKEND, Source.PASSWORDS),
        causes=(
            "log.off",
            "log.caddy-off",
            "log.traefik-off",
            "log.missing",
            "log.nothing",
            "log.forged-line",
            "log.status-differs",
            "log.size-differs",
            "log.user-differs",
            "log.agent-differs",
            "log.time-differs",
            "log.rewritten",
            "log.bypassed",
            "log.buffered",
        ),
        needs=("TP2-UP", "TP2-AUTH", "TP2-BACKEND"),
        explained={"TP2-AUTH": ("log.nothing",), "TP2-BACKEND": ("log.bypassed",)},
    ),
    Check(
        "TP2-PULL",
        step=4,
        tense=Tense.SEQUENCE,
        points=2,
        section="§3.2, §8.2",
        judge=judge_pull,
        uses=(Source.JOURNAL, Source.TAGS, Source.ACCESS_LOG, Source.PASSWORDS),
        causes=(
            "pull.never",
            "pull.before-push",
            "pull.anonymous",
            "pull.another-account",
            "pull.still-here",
            "pull.head-only",
            "pull.moved-after",
            "pull.other-image",
            "pull.refused",
            "pull.no-image",
        ),
        needs=("TP2-PUSH", "TP2-CERT", "TP2-AUTH", "TP2-BACKEND", "TP2-LOG"),
        explained={
            "TP2-CERT": ("pull.never",),
            "TP2-AUTH": ("pull.never", "pull.anonymous", "pull.another-account", "pull.refused"),
            "TP2-BACKEND": ("pull.anonymous",),
            "TP2-LOG": (),
        },
    ),
)
"""In the order of the steps, which is the order in which they are shown."""
