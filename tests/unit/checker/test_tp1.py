"""TP-1's checks: every wrong end state fails the declared checks for the true cause, every unusual right one passes."""

import time
from dataclasses import replace

import pytest

from checker.checks.tp1 import CHECKS, target
from checker.facts import NO_JOURNAL, Blob, BlobState, ClientConfig, Content, Facts, ImageStore, Manifest
from checker.messages import LANGUAGES, Messages
from checker.model import Status, Verdict
from checker.report import console
from checker.runner import judged
from tests.unit.checker.exercise import (
    HERE,
    LABELS,
    ORG,
    PARAMETERS,
    PUSHER,
    READ,
    READER,
    WRITE,
    Diary,
    Pat,
    digest,
    failed,
    make_image,
    make_index,
    prepared,
    solved,
    tags,
    verdicts,
    world,
)

IMAGE = make_image()
BOTH = Pat("p1", ("read:packages", "write:packages"))
ALL = Pat("p1", ("admin:org", "delete:packages", "repo", "write:packages"))
FINE = Pat("f1", WRITE, "pat-fine-grained")
OTHER = Pat("x1", account="eve")


def lost(role: str, state: BlobState = BlobState.MISSING) -> Manifest:
    """The image with one blob that is not as it should be."""
    blobs = tuple(replace(blob, state=state) if blob.role == role else blob for blob in IMAGE.blobs)
    return replace(IMAGE, blobs=blobs, labels=None if role == "config" else LABELS)


def platform(letter: str, name: str, **more: object) -> Manifest:
    """One platform of an index."""
    return make_image(letter, platform=name, **more)


WRONG: dict[str, tuple[Facts, dict[str, str]]] = {
    "starter": (world(Diary().note(kind="server").start_attempt()), {"TP1-PAT": "pat.none"}),
    "not pushed": (world(prepared()), {"TP1-PUSH": "push.never-tried"}),
    "not built": (world(prepared(), store=ImageStore(("alpine:3",))), {"TP1-PUSH": "push.not-built"}),
    "perhaps not built, with Docker's own engine": (
        world(prepared(), store=ImageStore(seen=False)),
        {"TP1-PUSH": "push.never-tried"},
    ),
    "other tag": (
        world(prepared().push(tags=("v1.0",)), tags=tags()),
        {"TP1-PUSH": "push.other-tag"},
    ),
    "latest only": (world(prepared().push(tags=("latest",)), tags=tags(latest="a")), {"TP1-PUSH": "push.only-latest"}),
    "upper case, as a raw request": (
        world(prepared().upload(None, f"{ORG}/engine/App", status=400, is_name=False)),
        {"TP1-PUSH": "push.upper-case"},
    ),
    "upper case, as a scope": (
        world(prepared().login(PUSHER, status=403, scope=f"repository:{ORG.title()}/engine/app:pull,push")),
        {"TP1-PUSH": "push.upper-case"},
    ),
    "another owner's namespace, by a reduced token": (
        world(prepared().dance(PUSHER, "grande-maison/engine/app", granted="pull")),
        {"TP1-PUSH": "push.foreign-namespace"},
    ),
    "another owner's namespace, by a refused upload": (
        world(prepared().upload(PUSHER, "grande-maison/engine/app", status=403, error_code="DENIED")),
        {"TP1-PUSH": "push.foreign-namespace"},
    ),
    "another repository": (
        world(prepared().put(PUSHER, "1.0", "a", f"{ORG}/engine/application")),
        {"TP1-PUSH": "push.other-repository"},
    ),
    "a layer missing": (world(solved(), lost("layer")), {"TP1-BLOBS": "blobs.missing"}),
    "a layer deleted": (
        world(solved().note(endpoint="end-10", status=202, method="DELETE", digest=digest("e")), lost("layer")),
        {"TP1-BLOBS": "blobs.deleted"},
    ),
    "a child missing": (
        world(prepared().push(letter="d"), make_index(platform("a", "linux/amd64"), missing=(digest("9"),))),
        {"TP1-BLOBS": "blobs.child-missing"},
    ),
    "a wrong size": (
        world(prepared().push(), lost("layer", BlobState.WRONG_SIZE)),
        {"TP1-BLOBS": "blobs.wrong-size"},
    ),
    "nonce absent": (
        world(solved(), make_image(labels={**LABELS, "lab.registry.nonce": " "})),
        {"TP1-BUILD": "build.nonce-absent"},
    ),
    "another student's nonce": (
        world(solved(), make_image(labels={**LABELS, "lab.registry.nonce": "theirs"})),
        {"TP1-BUILD": "build.nonce-differs"},
    ),
    "source absent": (
        world(solved(), make_image(labels={"lab.registry.nonce": "n0nce"})),
        {"TP1-BUILD": "build.source-absent"},
    ),
    "source of somebody else": (
        world(solved(), make_image(labels={**LABELS, "org.opencontainers.image.source": "https://github.com/x/y"})),
        {"TP1-BUILD": "build.source-differs"},
    ),
    "nonce on one platform only": (
        world(
            prepared().push(letter="d").login(READER).pull(READER, IMAGE).get(READER, "d").get(READER, "a"),
            make_index(platform("a", "linux/amd64"), platform("b", "linux/arm64", labels={})),
        ),
        {"TP1-BUILD": "build.nonce-absent"},
    ),
    "no image at all": (world(solved(), make_image(labels={})), {"TP1-BUILD": "build.nonce-absent"}),
    "an artifact": (world(solved(), replace(IMAGE, labels=None)), {"TP1-BUILD": "build.no-config"}),
    "attestations only": (
        world(prepared().push(letter="d"), make_index(platform("a", "unknown/unknown", attestation=True))),
        {"TP1-BUILD": "build.no-platform", "TP1-PULL": "pull.never"},
    ),
    "pulled by the pushing client only": (
        world(prepared().push().pull(PUSHER), IMAGE),
        {"TP1-PULL": "pull.pushing-client"},
    ),
    "never pulled": (world(prepared().push(), IMAGE), {"TP1-PULL": "pull.never"}),
    "only looked at": (
        world(prepared().push().login(READER).get(READER, "a", method="HEAD"), IMAGE),
        {"TP1-PULL": "pull.head-only"},
    ),
    "pulled in part": (
        world(prepared().push().login(READER).get(READER, "a").get_blob(READER, digest("1"), 10), IMAGE),
        {"TP1-PULL": "pull.incomplete"},
    ),
    "layers only asked about": (
        world(
            prepared()
            .push()
            .login(READER)
            .get(READER, "a")
            .get_blob(READER, digest("1"), 10)
            .get_blob(READER, digest("e"), 20, method="HEAD")
            .get_blob(READER, digest("f"), 30, method="HEAD"),
            IMAGE,
        ),
        {"TP1-PULL": "pull.incomplete"},
    ),
    "pulled with a second PAT that can write": (
        world(prepared().push().login(Pat("p2")).pull(Pat("p2")), IMAGE),
        {"TP1-PULL": "pull.too-broad"},
    ),
    "pulled with a second PAT that can read and write": (
        world(prepared().push().login(replace(BOTH, id="p2")).pull(replace(BOTH, id="p2")), IMAGE),
        {"TP1-PULL": "pull.too-broad"},
    ),
    "a layer cut off": (
        world(
            prepared().push().login(READER).get(READER, "a").get_blob(READER, digest("1"), 10)
            .get_blob(READER, digest("e"), 20).get_blob(READER, digest("f"), 13),
            IMAGE,
        ),
        {"TP1-PULL": "pull.incomplete"},
    ),
    "pulled before it was pushed again": (
        world(prepared().push().start_attempt().login(PUSHER).login(READER).pull().push(), IMAGE),
        {"TP1-PULL": "pull.before-push"},
    ),
    "pulled by somebody else": (
        world(prepared().push().pull(Pat("x2", READ, account="eve")), IMAGE),
        {"TP1-PULL": "pull.another-account"},
    ),
    "pull refused": (
        world(prepared().push().login(READER).get(READER, "a", status=403, error_code="DENIED"), IMAGE),
        {"TP1-PULL": "pull.refused"},
    ),
    "pull refused at the token endpoint": (
        world(prepared().push().login(READER, status=403, scope=f"repository:{HERE}:pull"), IMAGE),
        {"TP1-PULL": "pull.refused"},
    ),
    "another image pulled": (
        world(prepared().push(letter="c", tags=("0.9",)).push().login(READER).get(READER, "c", "0.9"), IMAGE),
        {"TP1-PULL": "pull.other-image"},
    ),
    "re-tagged after the pull": (
        world(
            prepared().push(letter="c").login(READER).pull(READER, make_image("c")).push(),
            IMAGE,
        ),
        {"TP1-PULL": "pull.moved-after"},
    ),
    "pulled before the start": (
        world(prepared().push().login(READER).pull().start_attempt().make(PUSHER).login(PUSHER).push(), IMAGE),
        {"TP1-PULL": "pull.never"},
    ),
    "PAT without the scope": (
        world(Diary().make(READER).login(READER).dance(READER, HERE, granted="pull").upload(READER, status=403)),
        {"TP1-PAT": "pat.missing-scope"},
    ),
    "PAT with every scope": (
        world(
            Diary().make(ALL).login(ALL).push(ALL).make(READER).login(READER).pull(),
            IMAGE,
        ),
        {"TP1-PAT": "pat.too-broad"},
    ),
    "PAT with every scope, made and left lying": (
        world(Diary().make(READER).login(READER).make(ALL)),
        {"TP1-PAT": "pat.too-broad"},
    ),
    "fine-grained PAT": (world(Diary().make(FINE).login(FINE, status=403)), {"TP1-PAT": "pat.fine-grained"}),
    "revoked PAT": (
        world(Diary().make(PUSHER).make(PUSHER, "pat.revoked").login(PUSHER, status=403)),
        {"TP1-PAT": "pat.revoked"},
    ),
    "PAT of an earlier attempt, unused": (world(Diary().make(PUSHER).start_attempt()), {"TP1-PAT": "pat.before-start"}),
    "right PAT, wrong password": (world(Diary().make(PUSHER).login(None, status=403)), {"TP1-LOGIN": "login.refused"}),
    "right PAT, no login": (
        world(Diary().make(PUSHER), client=ClientConfig(present=False)),
        {"TP1-LOGIN": "login.never"},
    ),
    "right PAT, login elsewhere": (
        world(Diary().make(PUSHER), client=ClientConfig(present=True, hosts=("docker.io",))),
        {"TP1-LOGIN": "login.other-host"},
    ),
    "right PAT, fine-grained login": (
        world(Diary().make(PUSHER).make(FINE).login(FINE, status=403)),
        {"TP1-LOGIN": "login.fine-grained"},
    ),
    "right PAT, revoked login": (
        world(Diary().make(PUSHER).make(READER).make(READER, "pat.revoked").login(READER, status=403)),
        {"TP1-LOGIN": "login.revoked"},
    ),
    "login as somebody else": (world(Diary().make(PUSHER).login(OTHER)), {"TP1-LOGIN": "login.other-account"}),
    "tokens for nobody": (world(Diary().make(PUSHER).login(None)), {"TP1-LOGIN": "login.anonymous"}),
    "login of an earlier attempt": (
        world(Diary().make(PUSHER).login(PUSHER).start_attempt().make(Pat("p2")), client=ClientConfig(present=False)),
        {"TP1-LOGIN": "login.too-early"},
    ),
    "right PAT, pushed with the reading one": (
        world(prepared().make(READER).login(READER).upload(READER, status=403)),
        {"TP1-PUSH": "push.missing-scope"},
    ),
    "right PAT, pushed with a fine-grained one": (
        world(prepared().make(FINE).login(FINE, status=403, scope=f"repository:{HERE}:pull,push")),
        {"TP1-PUSH": "push.fine-grained"},
    ),
    "right PAT, pushed as nobody": (world(prepared().upload(None, status=401)), {"TP1-PUSH": "push.anonymous"}),
    "refused for another reason": (
        world(prepared().upload(PUSHER, status=503, error_code="UNAVAILABLE")),
        {"TP1-PUSH": "push.refused"},
    ),
    "manifest refused": (world(prepared().upload(PUSHER).put(PUSHER, status=400)), {"TP1-PUSH": "push.refused"}),
    "interrupted": (world(prepared().dance(PUSHER, HERE).upload(PUSHER)), {"TP1-PUSH": "push.unfinished"}),
    "pushed to a neighbour": (
        world(prepared(), store=ImageStore((f"ghcr.io/{HERE}:1.0", f"localhost:39211/{HERE}:1.0"))),
        {"TP1-PUSH": "push.neighbour-registry"},
    ),
    "pushed by somebody else": (world(prepared().push(OTHER), IMAGE), {"TP1-PUSH": "push.another-account"}),
    "moved by somebody else": (
        world(prepared().push(letter="c").push(OTHER), IMAGE),
        {"TP1-PUSH": "push.moved-by-another"},
    ),
    "deleted": (world(prepared().push()), {"TP1-PUSH": "push.tag-deleted"}),
    "pushed before the start": (
        world(Diary().make(PUSHER).login(PUSHER).push().start_attempt().login(PUSHER), IMAGE),
        {"TP1-PUSH": "push.too-early"},
    ),
    "tags not pushed": (
        world(solved(), IMAGE, tags=tags(v1_0="a", v1="a")),
        {"TP1-TAGS": "tags.absent"},
    ),
    "tags left behind": (
        world(prepared().push(letter="c").push(tags=("1.0",)).login(READER).pull(), IMAGE,
              tags=tags(v1_0="a", v1="c", latest="c")),
        {"TP1-TAGS": "tags.stale"},
    ),
    "tags of another image": (
        world(solved(), IMAGE, tags=tags(v1_0="a", v1="a", latest="b")),
        {"TP1-TAGS": "tags.astray"},
    ),
}  # fmt: skip

ATTESTED = make_index(platform("a", "linux/amd64"), make_image("b", None, platform="unknown/unknown", attestation=True))
RIGHT: dict[str, Facts] = {
    "the solution": world(solved(), IMAGE),
    "read and write": world(Diary().make(BOTH).login(BOTH).push(BOTH).login(READER).pull(), IMAGE),
    "too broad, then mended": world(
        Diary().make(ALL).login(ALL).push(ALL).make(ALL, "pat.revoked").make(Pat("p2")).login(Pat("p2"))
        .push(Pat("p2")).login(READER).pull(), IMAGE
    ),
    "PAT of before, used again": world(
        Diary().make(PUSHER).start_attempt().login(PUSHER).push().login(READER).pull(), IMAGE
    ),
    "a credential helper": world(solved(), IMAGE, client=ClientConfig(present=True, hosts=("ghcr.io",))),
    "podman's own authfile": world(solved(), IMAGE, client=ClientConfig(present=False)),
    "Docker's own daemon": world(solved(), IMAGE, client=ClientConfig(present=True, hosts=("localhost:5001",))),
    "pushed twice, the second time after the pull": world(solved().push(), IMAGE),
    "pulled by tag latest": world(prepared().push().login(READER).pull(READER, IMAGE, "latest"), IMAGE),
    "pulled in two parts": world(
        prepared().push().login(READER).get(READER, "a").get_blob(READER, digest("1"), 10)
        .get_blob(READER, digest("e"), 20).get_blob(READER, digest("f"), 13, 200)
        .get_blob(READER, digest("f"), 17, 206),
        IMAGE,
    ),
    "an index with attestations, pulled through it": world(
        prepared().push(letter="d").login(READER).get(READER, "d").pull(READER, IMAGE, digest("a")), ATTESTED
    ),
    "layers kept from an earlier pull": world(
        prepared().push(letter="b").login(READER).pull(READER, make_image("b")).push()
        .get(READER, "a").get_blob(READER, digest("1"), 10), IMAGE
    ),
    "a layer that is somebody else's to hold": world(
        solved(), replace(IMAGE, blobs=(*IMAGE.blobs, Blob(digest("9"), 99, "layer", BlobState.FOREIGN)))
    ),
    "revoked when all was done": world(
        solved().make(PUSHER, "pat.revoked").make(READER, "pat.revoked"), IMAGE
    ),
    "scopes cut down before the first push": world(
        Diary().make(ALL).make(replace(ALL, scopes=PUSHER.scopes)).login(replace(ALL, scopes=PUSHER.scopes))
        .push(replace(ALL, scopes=PUSHER.scopes)).login(READER).pull(), IMAGE
    ),
    "machine b has a new PAT, and the layers from its first": world(
        prepared().push(letter="b").pull(READER, make_image("b")).push().make(Pat("r2", READ))
        .get(Pat("r2", READ), "a").get_blob(Pat("r2", READ), digest("1"), 10), IMAGE
    ),
    "first logins refused": world(
        Diary().make(PUSHER).login(None, status=403).login(None, status=403).login(PUSHER).login(PUSHER).push()
        .login(READER).pull().pull(), IMAGE
    ),
    "tagged by a push of the digest": world(
        prepared().dance(PUSHER, HERE).put(PUSHER, f"{digest('a')}?tag=1&tag=1.0").login(READER).pull(), IMAGE
    ),
    "latest first": world(prepared().push(tags=("latest", "1", "1.0")).login(READER).pull(), IMAGE),
    "rebuilt, pushed and pulled again": world(
        prepared().push(letter="c").pull(READER, make_image("c")).push().pull(), IMAGE
    ),
    "an image without layers": world(
        prepared().push().pull(READER, replace(IMAGE, blobs=IMAGE.blobs[:1])), replace(IMAGE, blobs=IMAGE.blobs[:1])
    ),
    "pulled by digest": world(prepared().push().pull(READER, IMAGE, IMAGE.digest), IMAGE),
    "refused first, right afterwards": world(
        prepared().dance(PUSHER, "grande-maison/engine/app", granted="pull").push().login(READER).pull(), IMAGE
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", WRONG)
def test_a_wrong_end_state_fails_its_checks_and_no_other_for_its_true_cause(state: str) -> None:
    """The declared checks FAIL, nothing else does, and the first cause is the true one."""
    facts, expected = WRONG[state]
    assert failed(verdicts(facts)) == expected


@pytest.mark.parametrize("state", WRONG)
def test_nothing_in_a_wrong_end_state_is_inconclusive(state: str) -> None:
    """Where everything could be read, a verdict is reached: what does not fail passes or is blocked."""
    facts, _ = WRONG[state]
    assert Status.INCONCLUSIVE not in {verdict.status for verdict in verdicts(facts).values()}


@pytest.mark.parametrize("state", RIGHT)
def test_an_unusual_right_state_passes(state: str) -> None:
    """Every check passes, each with evidence."""
    found = verdicts(RIGHT[state])
    assert {verdict.status for verdict in found.values()} == {Status.PASS}
    assert all(verdict.finding.evidence for verdict in found.values())


@pytest.mark.parametrize("state", WRONG)
def test_causes_are_declared(state: str) -> None:
    """A check names no cause that its table does not have: docs and messages are held to the table."""
    facts, _ = WRONG[state]
    for check in CHECKS:
        assert {cause.id for cause in judged(check, facts).causes} <= set(check.causes)


@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize("state", WRONG)
def test_every_wrong_state_can_be_told(state: str, spoken: str) -> None:
    """Each cause brings the parameters that its text needs."""
    messages = Messages(spoken, {**PARAMETERS, "tp": "tp1"})
    facts, _ = WRONG[state]
    for check in CHECKS:
        assert check.code in console.verdict_block(Verdict(check, judged(check, facts)), messages)


def test_every_cause_but_the_impossible_ones_is_first_somewhere() -> None:
    """Each declared cause is the likeliest of some state here, or one that only stands beside another."""
    first = {judged(check, facts).causes[0].id for facts, _ in WRONG.values() for check in CHECKS
             if judged(check, facts).causes}  # fmt: skip
    declared = {cause for check in CHECKS for cause in check.causes}
    assert declared - first == {"push.name-refused", "push.absent"}


def test_one_fault_is_one_red_line() -> None:
    """Nothing done: the first step fails, all others wait for it, and say so by its code."""
    found = verdicts(WRONG["starter"][0])
    assert [code for code, verdict in found.items() if verdict.status is Status.FAIL] == ["TP1-PAT"]
    assert {v.blocked_by for v in found.values() if v.status is Status.BLOCKED} == {("TP1-PAT",)}


def test_the_last_thing_tried_is_the_likeliest_cause() -> None:
    """Denied first, then another tag: the other tag leads, the denial stands behind it."""
    diary = prepared().dance(PUSHER, "grande-maison/engine/app", granted="pull").push(tags=("v1.0",))
    causes = verdicts(world(diary))["TP1-PUSH"].finding.causes
    assert [cause.id for cause in causes] == ["push.other-tag", "push.foreign-namespace"]


def test_a_client_that_looks_before_it_pushes_was_not_refused_a_pull() -> None:
    """The 404 that precedes every first push is no try to pull."""
    diary = prepared().get(PUSHER, "a", method="HEAD", status=404).push()
    assert [cause.id for cause in verdicts(world(diary, IMAGE))["TP1-PULL"].finding.causes] == ["pull.never"]


def test_asking_for_a_blob_is_no_refused_pull() -> None:
    """A daemon that looks whether a layer is there learns that it is not: nobody refused it anything."""
    diary = prepared().push().login(READER).get_blob(READER, digest("e"), 0, status=404, method="HEAD")
    assert [cause.id for cause in verdicts(world(diary, IMAGE))["TP1-PULL"].finding.causes] == ["pull.never"]


def test_the_graders_account_in_a_students_hand_is_named() -> None:
    """A pull with the secret that lies on the disk counts for nothing, and is seen."""
    diary = prepared().push().pull(Pat("g", READ, account="labcheck"), IMAGE)
    causes = verdicts(world(diary, IMAGE))["TP1-PULL"].finding.causes
    assert [(cause.id, cause.params["account"]) for cause in causes] == [("pull.another-account", "labcheck")]


def test_a_pat_that_was_made_broader_is_judged_by_what_it_may_do_now() -> None:
    """Made with one scope, then given all: what was last seen counts."""
    diary = solved().login(replace(PUSHER, scopes=(*PUSHER.scopes, "admin:org")))
    assert failed(verdicts(world(diary, IMAGE))) == {"TP1-PAT": "pat.too-broad"}


def test_the_first_login_is_the_evidence() -> None:
    """Not the last token, which machine b's pull had."""
    diary = solved()
    (login, *_) = verdicts(world(diary, IMAGE))["TP1-LOGIN"].finding.evidence
    assert login.sha256 == next(event.hash for event in diary.events if event.endpoint == "token")


def test_an_attempt_of_many_thousand_events_is_judged_within_a_second() -> None:
    """No check looks at the journal again for each of its events."""
    diary = prepared().push()
    for _ in range(1500):
        diary.push(letter="c").login(READER).get(READER, "b", method="HEAD").get_blob(READER, digest("e"), 20)
    facts = world(diary, IMAGE)
    begun = time.process_time()
    for check in CHECKS:
        judged(check, facts)
    assert time.process_time() - begun < 1


def test_the_reading_pat_of_machine_b_is_no_fault() -> None:
    """Beside one that is too broad, only that one is named."""
    diary = Diary().make(ALL).login(ALL).make(READER).login(READER)
    assert [cause.id for cause in verdicts(world(diary))["TP1-PAT"].finding.causes] == ["pat.too-broad"]


def test_the_beginning_of_a_token_dance_is_no_anonymous_push() -> None:
    """The 401 before the login is how every client begins."""
    causes = verdicts(world(prepared().dance(PUSHER, HERE).upload(PUSHER, status=403)))["TP1-PUSH"].finding.causes
    assert [cause.id for cause in causes] == ["push.refused"]


def test_where_a_secret_lies_is_advice_and_costs_nothing() -> None:
    """Base64 in config.json, or no config.json at all: the login passes and says so."""
    inline = ClientConfig(present=True, hosts=("ghcr.io",), inline=("ghcr.io",))
    for client, advice in ((inline, "login.base64"), (ClientConfig(present=False), "login.not-in-config")):
        login = verdicts(world(solved(), IMAGE, client=client))["TP1-LOGIN"]
        assert (login.status, [each.id for each in login.finding.advice]) == (Status.PASS, [advice])


def test_a_failure_shows_the_event_that_explains_it() -> None:
    """Observed is the refused request, with its number, time, status and account."""
    diary = prepared().make(READER).login(READER).upload(READER, status=403, error_code="DENIED")
    push = verdicts(world(diary))["TP1-PUSH"].finding
    told = f"journal #6 14:00:06Z POST /v2/{HERE}/blobs/uploads/ 403 DENIED as ada"
    assert Messages("en").told(push.observed["push"]) == told
    assert push.evidence[0].sha256 == diary.events[-1].hash


def test_without_a_journal_what_lies_in_the_registry_is_still_graded() -> None:
    """A registry that is not ours: its image, blobs and tags are judged, what happened there is INCONCLUSIVE."""
    found = verdicts(world(solved(), IMAGE, journal=NO_JOURNAL))
    unknown = {code for code, verdict in found.items() if verdict.status is Status.INCONCLUSIVE}
    assert unknown == {"TP1-PAT", "TP1-LOGIN", "TP1-PUSH", "TP1-PULL"}
    assert {found[code].status for code in set(found) - unknown} == {Status.PASS}


def test_without_a_journal_an_absent_tag_is_one_failure() -> None:
    """There is no need to know what happened to see that nothing is there."""
    assert failed(verdicts(world(prepared(), journal=NO_JOURNAL))) == {"TP1-PUSH": "push.absent"}


def test_what_is_wanted_follows_from_the_parameters() -> None:
    """The repository and the ladder of tags of §3."""
    wanted = target(PARAMETERS)
    assert (wanted.repository, wanted.tags) == (HERE, ("1.0", "1", "latest"))


def test_an_image_seen_by_its_children_only_is_not_pulled() -> None:
    """A child of the index alone is not what the tag points to."""
    diary = prepared().push(letter="d").login(READER).pull(READER, IMAGE, digest("a"))
    assert "TP1-PULL" in failed(verdicts(world(diary, ATTESTED)))


def test_facts_that_came_as_nothing_are_no_image() -> None:
    """Content without a root while the tag resolves: the tag was deleted in between, and BUILD does not pass."""
    found = verdicts(world(solved(), IMAGE, content=Content(None)))
    assert found["TP1-BUILD"].status is Status.FAIL
