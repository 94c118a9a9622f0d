"""TP-2: the files of passwords. Pure."""

from collections.abc import Iterable

from checker.checks.telling import pair
from checker.facts import (
    Facts,
    Kind,
    NotObserved,
    PasswordEntry,
    PasswordFile,
    Presence,
    Stack,
    Unavailable,
    known,
)
from checker.model import Cause, Evidence, Finding, Status, Value, Words

NOBODY = "nobody"
"""Reader of a file that no part of the stack reads."""
BCRYPT = "bcrypt"
PLAIN = "plain"
"""The scheme of a password that is not hashed."""
_WEAK = {"apr1": "passwords.md5", "sha1": "passwords.sha1", "crypt": "passwords.crypt", PLAIN: "passwords.plain"}


def judge_passwords(facts: Facts) -> Finding:
    """The student's entry is there, and every entry is bcrypt, in the files that somebody reads.

    Before the stack is up nobody reads any: then those of the folder count.
    """
    found = known(facts.passwords).files
    lying = [file for file in found if file.presence is Presence.FILE]
    files = [file for file in lying if file.reader != NOBODY] or lying
    missed = tuple(_missed_causes(found, facts.stack))
    user = facts.task.parameters["user"]
    expected: dict[str, Value] = {"passwords": _told(PasswordEntry(user, BCRYPT))}
    if not files:
        if not missed and not isinstance(facts.stack, Unavailable) and facts.stack.source == "url":
            raise NotObserved(Unavailable("passwords-elsewhere"))
        return Finding(Status.FAIL, (), {"passwords": "-"}, expected, missed or (Cause("passwords.none"),))
    entries = [(file, entry) for file in files for entry in file.entries]
    entries.sort(key=lambda row: row[1].user != user)
    causes = (*missed, *_password_causes(entries, user, files))
    evidence = tuple(Evidence("file", pair(file.path, _told(entry))) for file, entry in entries)
    observed: dict[str, Value] = {"passwords": tuple(_told(entry) for _, entry in entries) or "-"}
    weak = [file for file, entry in entries if entry.scheme != BCRYPT]
    return Finding(
        Status.FAIL if causes else Status.PASS, evidence, observed, expected, causes, tuple(_reader_advice(weak))
    )


def _missed_causes(found: Iterable[PasswordFile], stack: Stack | Unavailable) -> Iterable[Cause]:
    """What is looked for and is no file, by those who have no other; of a stack that is down nobody looks."""
    if isinstance(stack, Unavailable) or not stack.up:
        return
    served = {file.reader for file in found if file.presence is Presence.FILE}
    unread = ", ".join(file.path for file in found if file.presence is Presence.FILE and file.reader == NOBODY)
    for file in found:
        told = {"path": file.path, "reader": file.reader}
        if file.presence is Presence.FILE or file.reader in served:
            continue
        if file.presence is Presence.FOLDER:
            yield Cause("passwords.folder", told)
        elif unread:
            yield Cause("passwords.not-there", {**told, "found": unread})


def _password_causes(
    entries: list[tuple[PasswordFile, PasswordEntry]], user: str, files: list[PasswordFile]
) -> Iterable[Cause]:
    """What is wrong with the entries, the student's own first."""
    if not entries:
        yield Cause("passwords.empty", {"path": files[0].path})
        return
    if user not in {entry.user for _, entry in entries}:
        yield Cause("passwords.other-user", {"users": users(files)})
    for file, entry in entries:
        if entry.scheme != BCRYPT:
            cause = _WEAK.get(entry.scheme, "passwords.other-scheme")
            yield Cause(cause, {"account": entry.user, "path": file.path, "scheme": _scheme(entry)})


def _reader_advice(weak: list[PasswordFile]) -> Iterable[Cause]:
    """Whose file it is decides what happens: nginx takes weak hashes, the registry takes none but bcrypt."""
    readers = {file.reader for file in weak}
    if Kind.NGINX in readers:
        yield Cause("passwords.nginx-takes-it")
    if Kind.REGISTRY in readers:
        yield Cause("passwords.registry-refuses-it")


def _told(entry: PasswordEntry) -> Words:
    """An entry by its user and its scheme."""
    return pair(entry.user, _scheme(entry))


def _scheme(entry: PasswordEntry) -> Value:
    """Schemes have names of their own; that there is none is said in words."""
    return Words("said.in-the-clear") if entry.scheme == PLAIN else entry.scheme


def users(files: Iterable[PasswordFile]) -> str:
    """All names in these files."""
    return ", ".join(dict.fromkeys(entry.user for file in files for entry in file.entries)) or "-"
