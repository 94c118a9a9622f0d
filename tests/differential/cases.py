"""All cases, in groups that share a configuration and a pair of registries."""

from collections.abc import Mapping, Sequence

from tests.differential import configured, reading, writing
from tests.differential.settings import SETTINGS
from tests.differential.steps import Case

CASES = (*reading.CASES, *writing.CASES, *configured.CASES)

GROUPS: Mapping[str, Sequence[Case]] = {
    "reading": reading.CASES,
    "writing": writing.CASES,
    **{
        setting: [case for case in configured.CASES if case.setting == setting]
        for setting in SETTINGS
        if setting != "default"
    },
}
