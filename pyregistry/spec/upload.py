"""The upload session as a transition table (distribution-spec 1.1.1 "Pushing blobs"). Pure: it names no storage.

    ABSENT ──create──▶ OPEN ──write──▶ WRITING
       ▲                │ ▲               │
       └──commit,cancel─┘ └────release────┘

A session that was committed or cancelled is as absent as one that never was: nothing of it is kept.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pyregistry.spec.errors import BlobUploadUnknown, RangeInvalid


class State(StrEnum):
    """Where a session stands."""

    ABSENT = "absent"
    OPEN = "open"
    WRITING = "writing"


class Step(StrEnum):
    """What is done with a session. A commit with the wrong digest ends it as well."""

    CREATE = "create"
    WRITE = "write"
    RELEASE = "release"
    COMMIT = "commit"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.ABSENT, Step.CREATE): State.OPEN,
        (State.OPEN, Step.WRITE): State.WRITING,
        (State.WRITING, Step.RELEASE): State.OPEN,
        (State.OPEN, Step.COMMIT): State.ABSENT,
        (State.OPEN, Step.CANCEL): State.ABSENT,
    }
)


def advance(state: State, step: Step, uuid: str) -> State:
    """The state after ``step``.

    Raises:
        BlobUploadUnknown: The session is absent.
        RangeInvalid: Another request is writing: the client asks for the status, and goes on from there.
    """
    after = TRANSITIONS.get((state, step))
    if after is not None:
        return after
    if state is State.ABSENT:
        raise absent(uuid)
    raise RangeInvalid(f"{uuid}: expected a session that is open, for {step}, got one that is {state}")


def absent(uuid: str) -> BlobUploadUnknown:
    """The refusal of whatever is asked of a session that is not there."""
    return BlobUploadUnknown(f"{uuid[:80]!r}: no such upload session in this repository; perhaps it has ended")


def validate_offset(uuid: str, offset: int, wanted: int) -> None:
    """Chunks come in order, without holes and without overlap.

    Raises:
        RangeInvalid: The chunk starts at ``wanted``, and the session is at ``offset``.
    """
    if wanted != offset:
        raise RangeInvalid(f"{uuid}: expected a chunk that starts at {offset}, got one that starts at {wanted}")
