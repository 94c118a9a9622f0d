"""Whether an attempt's record is the one that the stack wrote: its parameters can be computed again."""

from collections.abc import Iterator, Mapping

from labs import students
from labs.attempts import Attempt
from labs.home import LabHome


def follows(attempt: Attempt, home: LabHome, environ: Mapping[str, str]) -> bool:
    """Whether its parameters follow from student, number and a class secret that is known here; True where none is.

    An edited nonce would let another student's image pass.
    """
    student = students.Student(attempt.student)
    expected = [
        students.parameters(secret, student, attempt.slug, attempt.number) for secret in _secrets(home, environ)
    ]
    return not expected or attempt.parameters in expected


def _secrets(home: LabHome, environ: Mapping[str, str]) -> Iterator[bytes]:
    """The instructor's, and the one that this lab keeps: nothing says with which of them the attempt began."""
    if environ.get("LAB_CLASS_SECRET"):
        yield students.class_secret(home, environ)
    if (home.state / "class-secret").exists():
        yield students.class_secret(home, {})
