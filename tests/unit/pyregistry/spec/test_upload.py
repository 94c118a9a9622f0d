"""The upload session's transition table."""

import pytest

from pyregistry.spec.errors import BlobUploadUnknown, RangeInvalid, RegistryError
from pyregistry.spec.upload import State, Step, advance, validate_offset

TABLE: dict[tuple[State, Step], State | type[RegistryError]] = {
    (State.ABSENT, Step.CREATE): State.OPEN,
    (State.ABSENT, Step.WRITE): BlobUploadUnknown,
    (State.ABSENT, Step.RELEASE): BlobUploadUnknown,
    (State.ABSENT, Step.COMMIT): BlobUploadUnknown,
    (State.ABSENT, Step.CANCEL): BlobUploadUnknown,
    (State.OPEN, Step.CREATE): RangeInvalid,
    (State.OPEN, Step.WRITE): State.WRITING,
    (State.OPEN, Step.RELEASE): RangeInvalid,
    (State.OPEN, Step.COMMIT): State.ABSENT,
    (State.OPEN, Step.CANCEL): State.ABSENT,
    (State.WRITING, Step.CREATE): RangeInvalid,
    (State.WRITING, Step.WRITE): RangeInvalid,
    (State.WRITING, Step.RELEASE): State.OPEN,
    (State.WRITING, Step.COMMIT): RangeInvalid,
    (State.WRITING, Step.CANCEL): RangeInvalid,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_every_step_in_every_state(state: State, step: Step) -> None:
    """It leads somewhere, or is refused: absent is unknown, busy is out of range."""
    outcome = TABLE[state, step]
    if isinstance(outcome, State):
        assert advance(state, step, "uuid") is outcome
    else:
        with pytest.raises(outcome):
            advance(state, step, "uuid")


@pytest.mark.parametrize("wanted", [0, 9, 11])
def test_chunks_come_in_order(wanted: int) -> None:
    """At the session's offset; the refusal names both."""
    validate_offset("uuid", 10, 10)
    with pytest.raises(RangeInvalid, match=f"starts at 10, got one that starts at {wanted}"):
        validate_offset("uuid", 10, wanted)
