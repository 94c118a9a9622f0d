"""Whether an attempt's record is the one that the stack wrote: its parameters can be computed again."""

from collections.abc import Iterator, Mapping

from labs import students
from labs.attempts import Attempt
from labs.home import LabHome


def follows(attempt: Attempt, home: LabHome, environ: Mapping[str, str]) -> bool:
    """Whether its parameters follow from student, number and a class secret that is known here; True where none is.

    An edited nonce would let another student's image pass.
    """
    return secret_of(attempt, home, environ) is not None or not any(_secrets(home, environ))


def secret_of(attempt: Attempt, home: LabHome, environ: Mapping[str, str]) -> bytes | None:
    """The class secret with which it began; None where it is not known here."""
    student = students.Student(attempt.student)
    for secret in _secrets(home, environ):
        if students.parameters(secret, student, attempt.slug, attempt.number) == attempt.parameters:
            return secret
    return None


def _secrets(home: LabHome, environ: Mapping[str, str]) -> Iterator[bytes]:
    """The instructor's, and the one that this lab keeps: nothing says with which of them the attempt began."""
    if environ.get("LAB_CLASS_SECRET"):
        yield students.class_secret(home, environ)
    if (home.state / "class-secret").exists():
        yield students.class_secret(home, {})
