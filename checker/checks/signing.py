"""TP-2: what the image is signed with, and what it carries that it should not. Pure."""

from collections.abc import Iterable

from checker.checks.images import named
from checker.checks.pushes import target_repository
from checker.checks.telling import pair
from checker.facts import Facts, NotObserved, Signature, Signatures, Unavailable, known
from checker.model import Cause, Evidence, Finding, Status, Value, Words

_ANOTHER_KEY, _ANOTHER_DIGEST = "signature", "digest"
"""Steps of the proof, see ``facts.Signature``."""


def judge_secrets(facts: Facts) -> Finding:
    """No layer of the image holds a private key: whoever may pull can read it, also where a later layer deletes it."""
    layers = known(facts.layers)
    if layers.largest <= 0:
        raise NotObserved(Unavailable("no-layers"))
    found = layers.private_keys
    evidence = [Evidence("http", _holding(digest, path), digest.partition(":")[2]) for digest, path in found]
    return Finding(
        Status.FAIL if found else Status.PASS,
        tuple(evidence) or (Evidence("http", Words("said.no-private-key", {"size": layers.largest})),),
        {"private-keys": ", ".join(path for _, path in found) or "-"},
        {"private-keys": "-"},
        tuple(Cause("secrets.private-key", {"path": path, "digest": digest}) for digest, path in found),
    )


def _holding(layer: str, path: str) -> Words:
    """A layer and what lies in it."""
    return Words("said.holds", {"object": named("layer", layer), "path": path})


def judge_signature(facts: Facts) -> Finding:
    """A signature of the tag's digest of now verifies with the student's public key, and is of this repository."""
    signatures, parameters = known(facts.signatures), facts.task.parameters
    repository = target_repository(parameters["org"], parameters["repo"])
    good = [each for each in signatures.current if each.verified and _is_at_home(each, repository)]
    key = f"sha256:{signatures.key}" if signatures.key else None
    expected: dict[str, Value] = {"digest": signatures.digest or "-", "key": key or "cosign.pub"}
    observed: dict[str, Value] = {
        "signatures": len(signatures.current),
        "earlier-signatures": len(signatures.earlier),
        "key": key or "-",
    }
    if signatures.verified_by:
        observed["verified-by"] = ", ".join(signatures.verified_by)
    if good and signatures.key and signatures.digest:
        evidence = tuple(_described(each) for each in good)
        return Finding(Status.PASS, evidence, observed, expected)
    shown = tuple(_described(each) for each in (*signatures.current, *signatures.earlier))
    return Finding(Status.FAIL, shown, observed, expected, tuple(_signature_causes(signatures, repository)))


def _described(signature: Signature) -> Evidence:
    """A signature that can be found again."""
    said = Words("said.verified") if signature.verified else signature.fault or "-"
    told = pair(f"{signature.form} @ {signature.digest}", said)
    return Evidence("signature", told, signature.digest.partition(":")[2])


def _is_at_home(signature: Signature, repository: str) -> bool:
    """The signed words name this repository, by whatever name of its registry, or none (cosign 3's do not)."""
    named = signature.repository
    return named is None or named == repository or named.endswith(f"/{repository}")


def _signature_causes(signatures: Signatures, repository: str) -> Iterable[Cause]:
    """Why no signature counts."""
    if signatures.digest is None:
        yield Cause("sign.no-image")
    elif signatures.key is None:
        yield Cause("sign.no-key")
    else:
        told = {cause.id: cause for each in signatures.current for cause in [_cause_of(each, signatures, repository)]}
        yield from told.values()
        if any(each.verified for each in signatures.earlier):
            yield Cause("sign.older-digest")
        elif not told:
            yield Cause("sign.none")


def _cause_of(signature: Signature, signatures: Signatures, repository: str) -> Cause:
    """Why one signature of the tag's digest does not count."""
    elsewhere = signature.signed is not None and signature.signed != signatures.digest
    if signature.verified or elsewhere or signature.step == _ANOTHER_DIGEST:
        named = {"signed": signature.signed or "-", "repository": signature.repository or "-", "wanted": repository}
        return Cause("sign.copied", named)
    if signatures.verified_by or signature.step == _ANOTHER_KEY:
        return Cause("sign.other-key")
    return Cause("sign.broken", {"fault": signature.fault or "-"})
