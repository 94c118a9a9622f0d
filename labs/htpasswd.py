"""``htpasswd`` in the lab, where the system has none: Apache's flags and words, for bcrypt only.

Apache's other kinds of hashes are refused by name: registry:2 reads none of them.
"""

import getpass
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from labs import messages

SWITCHES = "Bbcni"
DEFAULT_COST = 5
"""Apache's. Each more doubles the time that a password takes to be hashed, and to be guessed."""

COSTS = range(4, 18)
MAX_BYTES = 72
"""bcrypt looks at no more of a password; Apache's htpasswd cuts it, too."""

USAGE = """\
Usage:
	htpasswd [-ciB] [-C cost] passwordfile username
	htpasswd -b[cB] [-C cost] passwordfile username password

	htpasswd -n[iB] [-C cost] username
	htpasswd -nb[B] [-C cost] username password
 -c  Create a new file.
 -n  Don't update file; display results on stdout.
 -b  Use the password from the command line rather than prompting for it.
 -i  Read password from stdin without verification (for script usage).
 -B  Force bcrypt hashing of the password (very secure).
 -C  Set the computing time used for the bcrypt algorithm
     (higher is more secure but slower, default: 5, valid: 4 to 17)."""

FOREIGN = "m25dspDvr"
"""Flags of Apache's that are not ours."""

# Apache's exit codes.
FILE_CODE, USAGE_CODE, PASSWORD_CODE, NAME_CODE = 1, 2, 3, 6


class Refused(Exception):
    """It cannot be done; nothing was changed. Carries the exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed. ``file`` is None with ``-n``; ``password`` is None where it is asked for."""

    flags: frozenset[str]
    cost: int
    file: Path | None
    user: str
    password: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was typed; the exit code."""
    try:
        request = parse(sys.argv[1:] if arguments is None else arguments)
        line = f"{request.user}:{_hash(_password(request), request.cost)}\n"
        if request.file is None:
            sys.stdout.write(f"{line}\n")  # Apache's own has a blank line after it, too
        else:
            verb = "Updating" if _put(request.file, request.user, line, is_new="c" in request.flags) else "Adding"
            sys.stderr.write(f"{verb} password for user {request.user}\n")
    except Refused as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.code
    return 0


def parse(arguments: Sequence[str]) -> Request:
    """Apache's command line.

    Raises:
        Refused: It is none, or asks for what is not ours.
    """
    flags, cost, words = _flags(list(arguments))
    wanted = 1 + ("n" not in flags) + ("b" in flags)
    if len(words) != wanted or flags >= {"b", "i"}:
        raise Refused(USAGE, USAGE_CODE)
    if flags >= {"c", "n"}:
        raise Refused("htpasswd: only one of -c -n -v -D may be specified", USAGE_CODE)
    if "B" not in flags:
        raise Refused(_own("no-bcrypt"), USAGE_CODE)
    password = words.pop() if "b" in flags else None
    user = words.pop()
    if ":" in user:
        raise Refused("htpasswd: username contains illegal character ':'", NAME_CODE)
    return Request(frozenset(flags), cost, Path(words[0]) if words else None, user, password)


def _flags(words: list[str]) -> tuple[set[str], int, list[str]]:
    """Flags, the cost, and what comes after them. Letters may stand together; a cost ends its word or follows it."""
    flags: set[str] = set()
    cost = DEFAULT_COST
    while words and words[0].startswith("-") and words[0] != "-":
        letters = words.pop(0)[1:]
        if letters == "-":
            break
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "C":
                cost, letters = _cost(letters or (words.pop(0) if words else "")), ""
            elif letter in FOREIGN:
                raise Refused(_own("refused", flag=letter), USAGE_CODE)
            elif letter not in SWITCHES:
                raise Refused(f"htpasswd: illegal option -- {letter}\n{USAGE}", USAGE_CODE)
            else:
                flags.add(letter)
    return flags, cost, words


def _cost(text: str) -> int:
    """A cost that bcrypt takes."""
    if not text.isdecimal():
        raise Refused(USAGE, USAGE_CODE)
    if int(text) not in COSTS:
        raise Refused("htpasswd: Unable to encode with bcrypt: Invalid argument", PASSWORD_CODE)
    return int(text)


def _password(request: Request) -> str:
    """As it was typed; asked for twice, unless ``-i`` says that it comes once."""
    if request.password is not None:
        return request.password
    if "i" in request.flags:
        return sys.stdin.readline().rstrip("\r\n")
    first, again = (_ask(prompt) for prompt in ("New password: ", "Re-type new password: "))
    if first != again:
        raise Refused("htpasswd: password verification error", PASSWORD_CODE)
    return first


def _ask(prompt: str) -> str:
    """A line that is not shown while it is typed; from standard input where that is no terminal."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")


def _hash(password: str, cost: int) -> str:
    """As Apache's writes it: with ``$2y$``, which means what the library's ``$2b$`` means."""
    made = bcrypt.hashpw(password.encode()[:MAX_BYTES], bcrypt.gensalt(cost)).decode()
    return made.replace("$2b$", "$2y$", 1)


def _put(file: Path, user: str, line: str, *, is_new: bool) -> bool:
    """Write the user's line in the place of the old one, else at the end; whether there was an old one.

    Raises:
        Refused: The file cannot be made, or is not there and was not to be made.
    """
    try:
        lines = [] if is_new else file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
        places = [place for place, each in enumerate(lines) if each.partition(":")[0] == user]
        for place in places:
            lines[place] = line
        temporary = file.with_name(f".{file.name}.tmp")
        temporary.write_text("".join(lines if places else [*lines, line]), "utf-8", "surrogateescape")
        if file.exists():
            temporary.chmod(file.stat().st_mode)
        temporary.replace(file)
    except FileNotFoundError:
        if is_new:
            raise Refused(f"htpasswd: cannot create file {file}", FILE_CODE) from None
        raise Refused(f"htpasswd: cannot modify file {file}; use '-c' to create it", FILE_CODE) from None
    except OSError as exc:
        raise Refused(f"htpasswd: {file}: {os.strerror(exc.errno or 0)}", FILE_CODE) from exc
    return bool(places)


def _own(message: str, **parameters: object) -> str:
    """One of our own sentences."""
    return messages.text(messages.language(), f"htpasswd.{message}", **parameters)


if __name__ == "__main__":
    sys.exit(main())
