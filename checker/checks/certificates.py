"""TP-2: the certificate that the registry shows, and the private keys behind it. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from datetime import timedelta

from checker.checks.telling import pair
from checker.facts import Certificate, Facts, Handshake, KeyFile, Keys, NotObserved, Unavailable, known
from checker.model import Cause, Evidence, Finding, Status, Value, Words

RSA_MIN_BITS = 2048
"""What the CA/Browser Forum's baseline requirements ask of RSA (§6.1.5); smaller keys are within reach."""
LIFETIME_MAX = timedelta(days=398)
"""What the same requirements allowed (§6.3.2) for certificates issued since September 2020; browsers refuse more."""
OTHERS_MAY = 0o077
"""Permission bits of a group and of everybody else."""
_UNUSABLE = {"certificate": "key.no-certificate", "key": "key.no-key"}
"""By what a file should hold, the cause where it does not."""
_HELD = {
    "nothing": Words("said.holds-nothing"),
    "certificate": Words("said.holds-certificate"),
    "key": Words("said.holds-key"),
    "other": Words("said.holds-other"),
}
_MODERN = frozenset({"TLSv1.2", "TLSv1.3"})
_RSA = re.compile(r"RSA (?P<bits>\d+)")


def judge_certificate(facts: Facts) -> Finding:
    """A chain to a CA that the student trusts, for the name in use, valid now, spoken in TLS 1.2 or later."""
    spoken = known(facts.handshake)
    expected: dict[str, Value] = {"certificate": spoken.name, "tls": "TLSv1.2+"}
    if not spoken.chain:
        return Finding(Status.FAIL, (), {"certificate": "-"}, expected, (Cause("cert.none"),))
    leaf = spoken.chain[0]
    observed = {
        "certificate": ", ".join(leaf.names) or "-",
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "valid": f"{leaf.not_before:%Y-%m-%d %H:%M}Z … {leaf.not_after:%Y-%m-%d %H:%M}Z",
        "tls": spoken.version or "-",
    }
    evidence = (
        Evidence(
            "tls",
            pair(f"{spoken.address} {spoken.version}", leaf.subject),
            leaf.sha256,
        ),
    )
    # Clients look into their folder before they call; then at dates, at names, at who signed, and complain of the first
    # that is wrong.
    causes = (
        *_folder_causes(spoken),
        *_date_causes(spoken),
        *_name_causes(leaf, spoken.name),
        *_trust_causes(spoken),
        *_version_causes(spoken),
    )
    status = Status.FAIL if causes else Status.PASS
    return Finding(status, evidence, observed, expected, causes, advice=tuple(_advice(leaf, spoken)))


def _folder_causes(spoken: Handshake) -> Iterable[Cause]:
    """What keeps docker from calling the registry at all, whatever that one shows."""
    if spoken.refusal:
        yield Cause("cert.folder-refused", {"said": spoken.refusal})


def _date_causes(spoken: Handshake) -> Iterable[Cause]:
    """Certificates of the chain that are not valid when they are shown."""
    for each in spoken.chain:
        if spoken.at > each.not_after:
            yield Cause("cert.expired", {"subject": each.subject, "at": f"{each.not_after:%Y-%m-%d %H:%M}Z"})
        elif spoken.at < each.not_before:
            yield Cause("cert.not-yet", {"subject": each.subject, "at": f"{each.not_before:%Y-%m-%d %H:%M}Z"})


def _name_causes(leaf: Certificate, name: str) -> Iterable[Cause]:
    """Why the certificate is none for ``name``. Clients have not read the common name for years (RFC 9525 §2)."""
    if _covers(leaf.names, name):
        return
    if leaf.names:
        yield Cause("cert.other-name", {"name": name, "names": ", ".join(leaf.names)})
    elif leaf.common_name and _covers((leaf.common_name,), name):
        yield Cause("cert.cn-only", {"name": name})
    else:
        yield Cause("cert.no-names", {"name": name})


def _covers(names: Iterable[str], name: str) -> bool:
    """Whether one of the names is ``name``, or a wildcard of its domain (RFC 9525 §6.3); addresses are compared."""
    wanted = _plain(name)
    wildcard = f"*.{wanted.partition('.')[2]}"
    return any(_plain(each) == wanted or (each.startswith("*.") and _plain(each) == wildcard) for each in names)


def _plain(name: str) -> str:
    """A name in lower case, an address in its shortest form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().rstrip(".")


def _trust_causes(spoken: Handshake) -> Iterable[Cause]:
    """Why nobody vouches for the certificate whom the student's client believes."""
    if spoken.trusted:
        return
    fault, leaf = {"fault": spoken.fault or "-"}, spoken.chain[0]
    files = ", ".join(path for path in spoken.authorities if path not in spoken.blank)
    if spoken.blank:
        yield Cause("cert.blank-authority", {"files": ", ".join(spoken.blank)})
    if leaf.self_signed:
        yield Cause("cert.self-signed", fault)
    elif not files:
        yield from () if spoken.blank else (_no_authority(spoken),)
    elif len(spoken.chain) == 1:
        # From one certificate alone nobody can tell: either its signer is another CA than the trusted one, or the
        # trusted one signed an intermediate that was not sent.
        yield Cause("cert.other-authority", {"issuer": leaf.issuer, "files": files})
        yield Cause("cert.incomplete-chain", {"issuer": leaf.issuer})
    else:
        yield Cause("cert.other-authority", {"issuer": spoken.chain[-1].issuer, "files": files})


def _no_authority(spoken: Handshake) -> Cause:
    """Nothing lies in certs.d for this name."""
    return Cause("cert.no-authority", {"name": spoken.name, "issuer": spoken.chain[0].issuer})


def _version_causes(spoken: Handshake) -> Iterable[Cause]:
    """TLS versions that nobody should speak any more (RFC 8996)."""
    old = spoken.old_versions if spoken.version in _MODERN else (spoken.version or "-", *spoken.old_versions)
    if old:
        yield Cause("cert.old-tls", {"versions": ", ".join(dict.fromkeys(old))})


def _advice(leaf: Certificate, spoken: Handshake) -> Iterable[Cause]:
    """What works and could be better."""
    if spoken.trusted and spoken.blank:
        yield Cause("cert.blank-beside", {"files": ", ".join(spoken.blank)})
    small = _RSA.fullmatch(leaf.key)
    if small and int(small["bits"]) < RSA_MIN_BITS:
        yield Cause("cert.small-key", {"key": leaf.key})
    if leaf.not_after - leaf.not_before > LIFETIME_MAX:
        yield Cause("cert.long-lived", {"days": (leaf.not_after - leaf.not_before).days})


def judge_keys(facts: Facts) -> Finding:
    """The key that the registry serves with, and the signing key where it was made, are readable by nobody else."""
    keys = known(facts.keys)
    unusable, files = tuple(_unusable_causes(keys)), keys.files
    if not unusable and not any(file.purpose == "tls" for file in files):
        if _built_elsewhere(facts):
            raise NotObserved(Unavailable("keys-elsewhere"))
        return Finding(Status.FAIL, (), {"keys": "-"}, {"mode": "0600"}, (Cause("key.none"),))
    readable = [file for file in files if file.mode & OTHERS_MAY]
    causes = (*unusable, *(Cause("key.readable", {"path": file.path, "mode": _mode(file)}) for file in readable))
    return Finding(
        Status.FAIL if causes else Status.PASS,
        tuple(Evidence("file", _shown(file)) for file in readable or files),
        {"keys": ", ".join(_shown(file) for file in files) or "-"},
        {"mode": "0600"},
        causes,
    )


def _unusable_causes(keys: Keys) -> Iterable[Cause]:
    """Files with which no program can serve TLS, whoever may read them."""
    for path, (wanted, held) in keys.unusable.items():
        yield Cause(_UNUSABLE[wanted], {"path": path, "found": _HELD[held]})


def _shown(file: KeyFile) -> str:
    """A key's file and who may read it."""
    return f"{file.path} {_mode(file)}"


def _mode(file: KeyFile) -> str:
    """As ``chmod`` has it."""
    return f"{file.mode:04o}"


def _built_elsewhere(facts: Facts) -> bool:
    """The stack is known by its address only: where its files lie, nobody told the grader."""
    return not isinstance(facts.stack, Unavailable) and facts.stack.source == "url"
