"""The student's own certificates: made whole, nobody else's overwritten, a CA of the student's own respected."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from labs.issuing import KeyKind, Pair, Validity, issue_authority, issue_server, lasting
from labs.stack.authority import read_pair, write_pair
from labs.stack.certificates import MARK, CertificateFolder, Wish
from labs.stack.interface import StackError

NAME = "registry.example.com"
YEAR = timedelta(days=365)
WISH = Wish((NAME,), YEAR)


@pytest.fixture
def folder(tmp_path: Path) -> CertificateFolder:
    """A folder that is not there yet."""
    return CertificateFolder(tmp_path / "certs")


def contents(folder: CertificateFolder) -> dict[str, bytes]:
    """All files of it; of a link where it leads."""
    entries = folder.path.iterdir() if folder.path.exists() else ()
    return {path.name: bytes(path.readlink()) if path.is_symlink() else path.read_bytes() for path in entries}


def refusal(folder: CertificateFolder, wish: Wish = WISH) -> str:
    """Message id of the refusal; nothing was changed by it."""
    before = contents(folder)
    with pytest.raises(StackError) as caught:
        folder.issue(wish)
    assert contents(folder) == before
    return caught.value.message


def test_the_first_time(folder: CertificateFolder) -> None:
    """CA and server's pair, four files, keys of the owner alone."""
    issued = folder.issue(WISH)
    assert contents(folder).keys() == {"ca.crt", "ca.key", "fullchain.pem", "privkey.pem"}
    assert [stat.S_IMODE((folder.path / name).stat().st_mode) for name in ("ca.key", "privkey.pem")] == [0o600] * 2
    assert [stat.S_IMODE((folder.path / name).stat().st_mode) for name in ("ca.crt", "fullchain.pem")] == [0o644] * 2
    assert (issued.is_new_authority, issued.is_replaced, issued.is_cut) == (True, False, False)
    for files, pair in ((folder.authority, issued.authority), (folder.server, issued.server)):
        assert read_pair(*files).certificate == pair.certificate
        assert read_pair(*files).is_matched


def test_the_ca_is_made_once(folder: CertificateFolder) -> None:
    """The second certificate is signed by the CA that clients trust already; the first is replaced."""
    first = folder.issue(WISH)
    second = folder.issue(Wish(("other.example.com",), YEAR, KeyKind.RSA, has_intermediate=True))
    assert (second.is_new_authority, second.is_replaced) == (False, True)
    assert second.authority.certificate == first.authority.certificate
    (intermediate,) = read_pair(*folder.server).chain
    intermediate.verify_directly_issued_by(first.authority.certificate)
    read_pair(*folder.server).certificate.verify_directly_issued_by(intermediate)


def test_the_lab_s_public_ca_signs_none(folder: CertificateFolder) -> None:
    """Whose CA it is can be read in it."""
    assert folder.issue(WISH).authority.certificate.subject.rfc4514_string() == f"CN=My own CA,O={MARK}"


def by_hand(folder: CertificateFolder) -> None:
    """A server's pair that labstack did not make."""
    write_pair(*folder.server, issue_server([NAME], lasting(YEAR), None, organization="mine"))


def key_of_another(folder: CertificateFolder) -> None:
    """Our certificate, and a key that was put beside it."""
    folder.issue(WISH)
    by_hand(CertificateFolder(folder.path.parent / "elsewhere"))
    (folder.path.parent / "elsewhere" / "privkey.pem").replace(folder.server[1])


def key_alone(folder: CertificateFolder) -> None:
    """A key, and no certificate that says whose it is."""
    folder.issue(WISH)
    folder.server[0].unlink()


def certificate_alone(folder: CertificateFolder) -> None:
    """A certificate whose key lies elsewhere."""
    by_hand(folder)
    folder.server[1].unlink()


def link_to_nothing(folder: CertificateFolder) -> None:
    """Files of certbot are links; this one leads nowhere yet."""
    folder.path.mkdir()
    folder.server[1].symlink_to(folder.path.parent / "live" / "privkey.pem")


@pytest.mark.parametrize("put", [by_hand, key_of_another, key_alone, certificate_alone, link_to_nothing])
def test_what_we_did_not_make_is_not_overwritten(
    folder: CertificateFolder, put: Callable[[CertificateFolder], None]
) -> None:
    """A key may exist once in the world. Only --force replaces it."""
    put(folder)
    assert refusal(folder) == "error.certificate-not-ours"
    assert folder.issue(WISH, is_forced=True).is_replaced
    assert read_pair(*folder.server).is_matched


def test_force_replaces_a_link_and_not_where_it_leads(folder: CertificateFolder) -> None:
    """The key that certbot keeps stays, whatever is put in the link's place."""
    by_hand(folder)
    kept = folder.path.parent / "privkey1.pem"
    folder.server[1].rename(kept)
    folder.server[1].symlink_to(kept)
    before = kept.read_bytes()
    folder.issue(WISH, is_forced=True)
    assert kept.read_bytes() == before
    assert not folder.server[1].is_symlink()


def test_a_ca_of_the_student_s_own_signs(folder: CertificateFolder) -> None:
    """Whoever made a CA by hand has it used, and keeps it."""
    own = issue_authority("my CA", lasting(YEAR))
    write_pair(*folder.authority, own)
    issued = folder.issue(WISH)
    assert not issued.is_new_authority
    issued.server.certificate.verify_directly_issued_by(own.certificate)
    assert read_pair(*folder.authority).certificate == own.certificate


def lock(own: Pair, key: Path) -> None:
    """Lock a key with a passphrase."""
    locked = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(own.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))


@pytest.mark.parametrize("reason", ["missing", "locked", "damaged", "other-key", "no-ca", "not-now"])
def test_a_ca_of_no_use(folder: CertificateFolder, reason: str) -> None:
    """It is told why, and nothing is written; --force makes another in its place."""
    now, day = datetime.now(UTC), timedelta(days=1)
    validity = Validity(now - YEAR, now - day) if reason == "not-now" else lasting(YEAR)
    own = issue_authority("my CA", validity) if reason != "no-ca" else issue_server([NAME], validity, None)
    write_pair(*folder.authority, own)
    certificate, key = folder.authority
    if reason == "missing":
        certificate.unlink()
        key.unlink()
        key.symlink_to("a disk that is not mounted")
    elif reason == "locked":
        lock(own, key)
    elif reason == "damaged":
        certificate.write_text("rubbish")
    elif reason == "other-key":
        key.write_text(issue_authority("another", validity).key_pem)
    assert refusal(folder) == f"error.ca.{reason}"
    assert folder.issue(WISH, is_forced=True).is_new_authority


def test_no_intermediate_below_a_ca_that_allows_none(folder: CertificateFolder) -> None:
    """No client would accept the chain, so it is not made."""
    write_pair(*folder.authority, issue_authority("my CA", lasting(YEAR), path_length=0))
    assert refusal(folder, Wish((NAME,), YEAR, has_intermediate=True)) == "error.ca.path"


@pytest.mark.parametrize("has_intermediate", [False, True])
def test_no_certificate_outlives_its_ca(folder: CertificateFolder, *, has_intermediate: bool) -> None:
    """A CA by openssl lasts a month unless asked: what it signs ends with it."""
    own = issue_authority("my CA", lasting(timedelta(days=30)))
    write_pair(*folder.authority, own)
    issued = folder.issue(Wish((NAME,), YEAR, has_intermediate=has_intermediate))
    assert issued.is_cut
    assert issued.server.certificate.not_valid_after_utc == own.certificate.not_valid_after_utc
    assert issued.server.certificate.not_valid_before_utc >= own.certificate.not_valid_before_utc


def test_a_full_disk_changes_nothing(folder: CertificateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new pair is put in place whole or not at all, and no draft of a key stays behind."""
    folder.issue(WISH)
    before = contents(folder)
    written = []

    def fill_up(path: Path, text: str) -> None:
        written.append(path)
        path.write_text(text[:10])
        if len(written) > 1:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("labs.stack.authority.write_private", fill_up)
    with pytest.raises(OSError, match="No space left"):
        folder.issue(WISH)
    assert len(written) == 2
    assert contents(folder) == before
