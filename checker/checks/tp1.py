"""TP-1: push to GHCR. Seven questions about the five steps of the chapter (§13)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from checker import history
from checker.checks.images import NONCE_LABEL, Bytes, label_causes, named
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
from checker.checks.telling import Ranked, distinct, newest, newest_first, ref, shown
from checker.facts import NO_JOURNAL, Blob, BlobState, Facts, ImageStore, Journal, Manifest, Source, Target, Task, known
from checker.history import AccessToken, describe
from checker.model import Cause, Check, Evidence, Finding, Status, Tense, Value
from pyregistry.spec.journal import Event

ALIASES = ("1", "latest")
"""Where §3's ladder leads from ``1.0``: the major version, and ``latest``."""
SOURCE_LABEL = "org.opencontainers.image.source"
READ, WRITE = "read:packages", "write:packages"


def target(parameters: Mapping[str, str]) -> Target:
    """The repository and the tags of the exercise."""
    return Target(target_repository(parameters["org"], parameters["repo"]), (TAG, *ALIASES))


# --- step 1: a PAT with write:packages, and no more


def judge_pat(facts: Facts) -> Finding:
    """A classic PAT with write:packages, alive or used to push; none alive may do more than read and write packages."""
    journal, user = known(facts.journal), facts.task.parameters["user"]
    tokens = history.access_tokens(journal, user)
    live = [token for token in tokens if not token.revoked]
    counted = [token for token in live if token.used] or live
    broad = [token for token in counted if _excess(token)]
    # Whoever revokes a token once it has done its work is careful, not wrong.
    served = [token for token in tokens if token.pushed or not token.revoked]
    fit = [token for token in served if token.kind == history.CLASSIC and WRITE in token.scopes and not _excess(token)]
    shown = (broad or fit or live or tokens)[-1:]
    return Finding(
        Status.PASS if fit and not broad else Status.FAIL,
        evidence=tuple(describe(token.last) for token in shown),
        observed={"pat": _pat_text(shown[0]) if shown else "-"},
        expected={"pat": f"{history.CLASSIC}: {WRITE} (+ {READ})"},
        causes=() if fit and not broad else _pat_causes(tokens, broad, journal, user),
    )


def _excess(token: AccessToken) -> list[str]:
    """Scopes beyond reading and writing packages, sorted."""
    return sorted(set(token.scopes) - {READ, WRITE}) if token.kind == history.CLASSIC else []


def _pat_text(token: AccessToken) -> str:
    """A token's id, kind and scopes, for a report."""
    return f"{token.id} ({token.kind}): {', '.join(token.scopes) or '-'}"


def _pat_causes(
    tokens: Sequence[AccessToken], broad: Sequence[AccessToken], journal: Journal, user: str
) -> tuple[Cause, ...]:
    """Why no token will do: those in use that may do too much, else the newest that was made explains best."""
    causes = []
    for token in reversed(broad or tokens):
        if token.kind == history.FINE_GRAINED:
            causes.append(Cause("pat.fine-grained", {"id": token.id}))
        elif token.revoked:
            causes.append(Cause("pat.revoked", {"id": token.id}))
        elif _excess(token):
            causes.append(Cause("pat.too-broad", {"id": token.id, "excess": ", ".join(_excess(token))}))
        elif WRITE not in token.scopes:
            causes.append(Cause("pat.missing-scope", {"id": token.id, "scopes": ", ".join(token.scopes) or "-"}))
    if not tokens and any(history.action(event) == "pat.created" for event in _of(user, journal.events)):
        causes.append(Cause("pat.before-start"))
    return distinct(causes) or (Cause("pat.none"),)


# --- step 2: docker login ghcr.io


def judge_login(facts: Facts) -> Finding:
    """A bearer token was issued to the student for a classic PAT; config.json only says where the secret lies."""
    journal, client, user = known(facts.journal), known(facts.client), facts.task.parameters["user"]
    logins = [event for event in _of(user, journal.since_start) if history.is_login(event)]
    proofs = [event for event in logins if event.credential_kind == history.CLASSIC]
    named = [host for host in facts.task.hosts if host in client.hosts]
    expected: Mapping[str, Value] = {"login": f"{user}: {history.CLASSIC}"}
    if not proofs:
        causes = _login_causes(facts.task, journal, client.hosts)
        last = newest(event for event in journal.since_start if event.endpoint == history.TOKEN_ENDPOINT)
        return Finding(Status.FAIL, shown(last), {"login": ref(last)}, expected, causes)
    files = tuple(Evidence("file", f"config.json: {host}") for host in named)
    return Finding(
        Status.PASS,
        (describe(proofs[0]), *files),
        {"login": ref(proofs[0])},
        expected,
        advice=_login_advice(named, client.inline),
    )


def _login_advice(named: Sequence[str], inline: Sequence[str]) -> tuple[Cause, ...]:
    """Where the secret lies now."""
    if not named:
        return (Cause("login.not-in-config"),)
    return tuple(Cause("login.base64", {"host": host}) for host in named if host in inline)


def _login_causes(task: Task, journal: Journal, hosts: Sequence[str]) -> tuple[Cause, ...]:
    """Why nobody was let in, the newest try first."""
    user, tried = task.parameters["user"], [e for e in journal.events if e.endpoint == history.TOKEN_ENDPOINT]
    revoked = {e.credential_id for e in _of(user, journal.events) if history.action(e) == "pat.revoked"}
    ranked = [
        (event.seq, _login_cause(event, user, revoked) if event.seq > journal.horizon_seq else Cause("login.too-early"))
        for event in tried
        if event.seq > journal.horizon_seq or (event.actor == user and history.is_login(event))
    ]
    elsewhere = [Cause("login.other-host", {"host": host}) for host in hosts if host not in task.hosts]
    return newest_first(ranked) or (*elsewhere, Cause("login.never"))


def _login_cause(event: Event, user: str, revoked: set[str | None]) -> Cause:
    """What one answer of the token endpoint tells."""
    if event.credential_kind == history.FINE_GRAINED:
        return Cause("login.fine-grained")
    if history.is_login(event):
        other = event.actor not in {None, user}
        return Cause("login.other-account", {"account": event.actor or ""}) if other else Cause("login.anonymous")
    if event.credential_id is not None and event.credential_id in revoked:
        return Cause("login.revoked", {"id": event.credential_id})
    return Cause("login.refused", {"status": event.status or 0})


# --- step 4: docker push


def judge_push(facts: Facts) -> Finding:
    """Tag 1.0 was pushed by the student since the start, and stands now where the student put it."""
    tags, want = known(facts.tags), target(facts.task.parameters)
    now = tags.resolved.get(TAG)
    expected: Mapping[str, Value] = {"name": f"{want.repository}:{TAG}", "account": facts.task.parameters["user"]}
    if now is None and facts.journal == NO_JOURNAL:
        return Finding(Status.FAIL, (), {"digest": "-"}, expected, (Cause("push.absent"),))
    journal = known(facts.journal)
    mine = [e for e in pushes(journal, want.repository) if e.actor == facts.task.parameters["user"]]
    proof = newest(event for event in mine if event.digest == now)
    if proof is not None and now is not None:
        evidence = (describe(proof), Evidence("http", f"{want.repository}:{TAG} → {now}", now.partition(":")[2]))
        return Finding(Status.PASS, evidence, {"name": f"{want.repository}:{TAG}", "digest": now}, expected)
    last = newest(event for event in journal.since_start if history.write_target(event) is not None)
    observed = {"push": ref(last), "digest": now or "-", "tags": ", ".join(tags.listed) or "-"}
    return Finding(Status.FAIL, shown(last), observed, expected, _push_causes(facts, journal, now))


def _push_causes(facts: Facts, journal: Journal, now: str | None) -> tuple[Cause, ...]:
    """Why the tag is not the student's, the newest try first; without any try, what the student's image store tells."""
    want, user = target(facts.task.parameters).repository, facts.task.parameters["user"]
    ranked = [
        *tag_lost(journal, user, want, now),
        *pushed_elsewhere(journal, user, want),
        *refused(journal, partial(_refusal_cause, facts.task)),
        *unfinished(journal, want),
        *pushed_too_early(journal, user, want),
    ]
    store = facts.store if isinstance(facts.store, ImageStore) else ImageStore(seen=False)
    return newest_first(ranked) or _never_pushed(facts.task, want, store)


def _refusal_cause(task: Task, event: Event, name: str) -> Cause:
    """What one refusal tells: the name first, then who asked, then what the registry said."""
    if name != name.lower():
        return Cause("push.upper-case", {"name": name})
    if event.credential_kind == history.FINE_GRAINED:
        return Cause("push.fine-grained")
    if event.actor is None:
        return Cause("push.anonymous")
    namespace = name.partition("/")[0]
    if namespace not in {task.parameters["org"], task.parameters["user"].lower()}:
        return Cause("push.foreign-namespace", {"namespace": namespace, "org": task.parameters["org"]})
    if WRITE not in event.credential_scopes:
        return Cause("push.missing-scope", {"scopes": ", ".join(event.credential_scopes) or "-"})
    return Cause("push.refused", {"status": event.status or 0, "code": event.error_code or "-"})


def _never_pushed(task: Task, want: str, store: ImageStore) -> tuple[Cause, ...]:
    """Nothing was asked of the registry; clients refuse a name with capitals before any request."""
    names = {f"{host}/{want}:{TAG}" for host in task.hosts}
    neighbours = [name for name in store.references if _other_registry(name, task.hosts)]
    if neighbours:
        return (Cause("push.neighbour-registry", {"name": neighbours[-1]}), Cause("push.never-tried"))
    if not store.seen:
        return (Cause("push.never-tried"), Cause("push.name-refused"))
    if names.isdisjoint(store.references):
        return (Cause("push.not-built"), Cause("push.name-refused"), Cause("push.never-tried"))
    return (Cause("push.never-tried"),)


def _other_registry(reference: str, hosts: Sequence[str]) -> bool:
    """Whether a full image name begins with a registry on this machine that is not the exercise's."""
    host, slash, _ = reference.partition("/")
    return bool(slash) and host not in hosts and host.partition(":")[0] in {"localhost", "127.0.0.1", "[", "[::1]"}


# --- step 4: every byte of it


def judge_blobs(facts: Facts) -> Finding:
    """Every manifest, config and layer below tag 1.0 is there and has the digest and size that names it."""
    root = known(facts.content).root
    if root is None:
        return Finding(Status.FAIL, causes=(Cause("blobs.no-image"),))
    found = Bytes.of(root)
    observed = {"verified": len(found.evidence), "faulty": len(found.lost) + len(found.bad)}
    causes = found.causes(facts.journal)
    return Finding(Status.FAIL if causes else Status.PASS, found.evidence, observed, {"faulty": 0}, causes)


# --- step 3: docker build


def judge_build(facts: Facts) -> Finding:
    """Every platform of the image carries the student's nonce and the address of its source, in its config."""
    root, parameters = known(facts.content).root, facts.task.parameters
    expected = {NONCE_LABEL: parameters["nonce"], SOURCE_LABEL: _source(parameters)}
    if root is None:
        return Finding(Status.FAIL, expected=expected, causes=(Cause("build.no-image"),))
    images = root.images()
    causes = label_causes(images, expected, {NONCE_LABEL: "nonce", SOURCE_LABEL: "source"})
    evidence = tuple(
        Evidence("http", named(blob.role, blob.digest), blob.digest.partition(":")[2])
        for image in images
        for blob in image.blobs
        if blob.role == "config"
    )
    labels = (images[0].labels or {}) if images else {}
    observed = {name: labels.get(name, "-") for name in expected}
    if not images:
        causes = (Cause("build.no-platform"),)
    return Finding(Status.FAIL if causes else Status.PASS, evidence, observed, expected, causes)


def _source(parameters: Mapping[str, str]) -> str:
    """Where the image's source would live."""
    return f"https://github.com/{parameters['org']}/{parameters['repo']}"


# --- step 4: the tags of §3


def judge_tags(facts: Facts) -> Finding:
    """1.0, 1 and latest point to one digest."""
    tags, want = known(facts.tags), target(facts.task.parameters)
    resolved = {tag: tags.resolved.get(tag) for tag in want.tags}
    reference = resolved[TAG]
    observed = {tag: digest or "-" for tag, digest in resolved.items()}
    expected = dict.fromkeys(ALIASES, reference or "-")
    evidence = tuple(
        Evidence("http", f"{want.repository}:{tag} → {digest}", digest.partition(":")[2])
        for tag, digest in resolved.items()
        if digest
    )
    if reference is None:
        return Finding(Status.FAIL, evidence, observed, expected, (Cause("tags.no-image"),))
    absent = [tag for tag in ALIASES if resolved[tag] is None]
    astray = [tag for tag in ALIASES if resolved[tag] not in {None, reference}]
    causes = [Cause("tags.absent", {"tags": ", ".join(absent)})] if absent else []
    journal = facts.journal if isinstance(facts.journal, Journal) else None
    causes += [_astray_cause(tag, resolved[tag], journal, want.repository) for tag in astray]
    return Finding(Status.FAIL if causes else Status.PASS, evidence, observed, expected, tuple(causes))


def _astray_cause(tag: str, digest: str | None, journal: Journal | None, repository: str) -> Cause:
    """A tag that stayed behind when 1.0 moved on is not one that was pushed from another image."""
    before = {event.digest for event in pushes(journal, repository)} if journal else set()
    return Cause("tags.stale" if digest in before else "tags.astray", {"tag": tag, "digest": digest or "-"})


# --- step 5: docker pull from another machine


@dataclass(frozen=True, slots=True)
class _Pulls:
    """What the journal tells of pulls, gathered in one pass: an attempt may have thousands of events.

    Attributes:
        repository: What was to be pulled.
        events: Since the start.
        pushers: Credentials that wrote manifests to the repository.
        readers: Credentials of the student that could only read, and wrote nothing.
        pushed: Digests with the number of their first push: pushing again later undoes no pull.
        tagged: Digests that tag 1.0 was pushed with.
        moved_at: Number of that tag's last push.
        manifests: Digests that the readers got.
        sizes: By digest, bytes of blobs that the readers got, together: a layer of an earlier pull stays.
    """

    user: str
    repository: str
    events: tuple[Event, ...]
    pushers: frozenset[str | None]
    readers: frozenset[str | None]
    pushed: Mapping[str | None, int]
    tagged: frozenset[str | None]
    moved_at: int
    manifests: frozenset[str | None]
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, journal: Journal, user: str, repository: str) -> "_Pulls":
        """Gather."""
        events = journal.since_start
        here = [event for event in events if event.repository == repository]
        stored = [event for event in here if history.is_manifest_push(event)]
        tagged = pushes(journal, repository)
        pushers = frozenset(event.credential_id for event in stored)
        reading = {e.credential_id for e in here if e.actor == user and e.credential_scopes == (READ,)}
        readers = frozenset(reading - pushers - {None})
        fetched = [event for event in here if event.credential_id in readers]
        return cls(
            user=user,
            repository=repository,
            events=events,
            pushers=pushers,
            readers=readers,
            pushed={event.digest: event.seq for event in reversed(stored)},
            tagged=frozenset(event.digest for event in tagged),
            moved_at=max((event.seq for event in tagged), default=0),
            manifests=frozenset(event.digest for event in fetched if history.is_manifest_pull(event)),
            sizes=history.blob_bytes(fetched),
        )

    def lacking(self, image: Manifest) -> list[Blob]:
        """Blobs of the platform of which the readers lack bytes."""
        ours = (blob for blob in image.blobs if blob.state is not BlobState.FOREIGN)
        return [blob for blob in ours if self.sizes.get(blob.digest, 0) < blob.size]

    def has_whole(self, image: Manifest) -> bool:
        """Whether the readers got the platform's manifest, its config and every layer to the last byte."""
        return image.digest in self.manifests and not self.lacking(image)


def judge_pull(facts: Facts) -> Finding:
    """After the push, another credential of the student, one that can only read, fetched the whole image."""
    journal, root = known(facts.journal), known(facts.content).root
    want, user = target(facts.task.parameters).repository, facts.task.parameters["user"]
    expected = {"pull": f"{user}: {READ}", "digest": root.digest if root else "-"}
    pulls = _Pulls.of(journal, user, want)
    if root is None or root.digest not in pulls.pushed:
        return Finding(Status.FAIL, expected=expected, causes=(Cause("pull.no-image"),))
    proof = next((event for event in pulls.events if _is_pull_of(event, root, pulls)), None)
    whole = next((image for image in root.images() if pulls.has_whole(image)), None)
    if proof is not None and whole is not None:
        evidence = (describe(proof), *(describe(event) for event in _layers(whole, pulls)))
        return Finding(Status.PASS, evidence, {"pull": ref(proof), "digest": root.digest}, expected)
    last = newest(e for e in pulls.events if e.repository == want and history.is_manifest_read_attempt(e))
    observed = {"pull": ref(last), "digest": (last.digest if last else None) or "-"}
    return Finding(Status.FAIL, shown(last), observed, expected, _pull_causes(pulls, root))


def _is_pull_of(event: Event, root: Manifest, pulls: _Pulls) -> bool:
    """A reader got the manifest after it was pushed."""
    after = event.seq > pulls.pushed[root.digest]
    read = event.credential_id in pulls.readers and event.repository == pulls.repository
    return after and read and history.is_manifest_pull(event) and event.digest == root.digest


def _layers(image: Manifest, pulls: _Pulls) -> Iterator[Event]:
    """How the readers got the platform's blobs."""
    digests = {blob.digest for blob in image.blobs}
    for event in pulls.events:
        if event.credential_id in pulls.readers and event.digest in digests and history.is_blob_pull(event):
            yield event


def _pull_causes(pulls: _Pulls, root: Manifest) -> tuple[Cause, ...]:
    """Why no pull counts, the newest try first."""
    ranked: Ranked = []
    for event in pulls.events:
        cause = _pull_cause(event, pulls, root)
        if cause is not None:
            ranked.append((pulls.moved_at if cause.id == "pull.moved-after" else event.seq, cause))
    return newest_first(ranked) or (Cause("pull.never"),)


def _pull_cause(event: Event, pulls: _Pulls, root: Manifest) -> Cause | None:
    """What one request tells about a pull that does not count; None where it tells nothing."""
    pushing = event.credential_id in pulls.pushers
    if history.read_target(event) == pulls.repository and event.actor and history.is_refusal(event) and not pushing:
        return Cause("pull.refused", {"status": event.status or 0, "code": event.error_code or "-"})
    if event.repository != pulls.repository or not history.is_manifest_read_attempt(event) or history.is_refusal(event):
        return None
    if pushing:
        return Cause("pull.pushing-client") if history.is_manifest_pull(event) else None
    if event.actor != pulls.user:
        return Cause("pull.another-account", {"account": event.actor or history.NOBODY})
    if event.credential_scopes != (READ,):
        return Cause("pull.too-broad", {"scopes": ", ".join(event.credential_scopes) or "-"})
    return _reader_cause(event, pulls, root)


def _reader_cause(event: Event, pulls: _Pulls, root: Manifest) -> Cause | None:
    """Likewise for a request of the right credential."""
    if not history.is_manifest_pull(event):
        return None if pulls.manifests else Cause("pull.head-only")
    if event.digest == root.digest and event.seq < pulls.pushed[root.digest]:
        return Cause("pull.before-push")
    if event.digest in {manifest.digest for manifest in root.tree()}:
        return Cause("pull.incomplete", {"missing": min((len(pulls.lacking(i)) for i in root.images()), default=0)})
    if event.digest in pulls.tagged:
        return Cause("pull.moved-after", {"digest": event.digest or "-"})
    return Cause("pull.other-image", {"reference": event.reference or "-"})


# --- shared by the steps


def _of(user: str, events: Iterable[Event]) -> list[Event]:
    """What one account did."""
    return [event for event in events if event.actor == user]


CHECKS: tuple[Check, ...] = (
    Check(
        "TP1-PAT",
        step=1,
        tense=Tense.SINCE_START,
        points=2,
        section="§5.2",
        judge=judge_pat,
        uses=(Source.JOURNAL,),
        causes=(
            "pat.none",
            "pat.missing-scope",
            "pat.too-broad",
            "pat.fine-grained",
            "pat.revoked",
            "pat.before-start",
        ),
    ),
    Check(
        "TP1-LOGIN",
        step=2,
        tense=Tense.SINCE_START,
        points=2,
        section="§2.1, §5.2",
        judge=judge_login,
        uses=(Source.JOURNAL, Source.CLIENT),
        causes=(
            "login.never",
            "login.refused",
            "login.fine-grained",
            "login.revoked",
            "login.other-account",
            "login.anonymous",
            "login.other-host",
            "login.too-early",
        ),
        needs=("TP1-PAT",),
    ),
    Check(
        "TP1-BUILD",
        step=3,
        tense=Tense.NOW,
        points=3,
        section="§3.1",
        judge=judge_build,
        uses=(Source.CONTENT,),
        causes=(
            "build.nonce-absent",
            "build.nonce-differs",
            "build.source-absent",
            "build.source-differs",
            "build.no-config",
            "build.no-platform",
            "build.no-image",
        ),
        needs=("TP1-PUSH",),
    ),
    Check(
        "TP1-PUSH",
        step=4,
        tense=Tense.SINCE_START,
        points=4,
        section="§3.2, §4, §5.2",
        judge=judge_push,
        uses=(Source.JOURNAL, Source.TAGS, Source.STORE),
        causes=(
            "push.never-tried",
            "push.not-built",
            "push.name-refused",
            "push.upper-case",
            "push.other-tag",
            "push.only-latest",
            "push.other-repository",
            "push.foreign-namespace",
            "push.missing-scope",
            "push.fine-grained",
            "push.anonymous",
            "push.refused",
            "push.unfinished",
            "push.neighbour-registry",
            "push.another-account",
            "push.moved-by-another",
            "push.tag-deleted",
            "push.too-early",
            "push.absent",
        ),
        needs=("TP1-PAT", "TP1-LOGIN"),
    ),
    Check(
        "TP1-BLOBS",
        step=4,
        tense=Tense.NOW,
        points=3,
        section="§1",
        judge=judge_blobs,
        uses=(Source.CONTENT, Source.JOURNAL),
        causes=("blobs.missing", "blobs.deleted", "blobs.child-missing", "blobs.wrong-size", "blobs.no-image"),
        needs=("TP1-PUSH",),
    ),
    Check(
        "TP1-TAGS",
        step=4,
        tense=Tense.NOW,
        points=3,
        section="§3.1, §3.3",
        judge=judge_tags,
        uses=(Source.TAGS, Source.JOURNAL),
        causes=("tags.absent", "tags.stale", "tags.astray", "tags.no-image"),
        needs=("TP1-PUSH",),
    ),
    Check(
        "TP1-PULL",
        step=5,
        tense=Tense.SEQUENCE,
        points=3,
        section="§3.2, §4",
        judge=judge_pull,
        uses=(Source.JOURNAL, Source.CONTENT),
        causes=(
            "pull.never",
            "pull.pushing-client",
            "pull.moved-after",
            "pull.incomplete",
            "pull.head-only",
            "pull.too-broad",
            "pull.another-account",
            "pull.refused",
            "pull.other-image",
            "pull.before-push",
            "pull.no-image",
        ),
        needs=("TP1-PUSH", "TP1-BLOBS"),
    ),
)
"""In the order of the steps, which is the order in which they are shown."""
