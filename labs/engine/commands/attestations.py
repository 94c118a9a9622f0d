"""``--sbom`` and ``--provenance`` of a build: what buildx refuses is refused as there, the rest by name."""

from labs.engine.commands.console import USAGE_CODE, CommandFailed
from labs.engine.commands.flags import FALSE, TRUE, Options
from labs.engine.commands.machine import Machine
from labs.engine.commands.words import say

FLAGS = ("provenance", "sbom")


def check(machine: Machine, options: Options) -> None:
    """Go on where none is asked for.

    Raises:
        CommandFailed: One is, or a value is none.
    """
    asked = [name for name in FLAGS if _is_asked(options.text(name) or "")]
    if asked:
        refused = say(machine.environ, "no-flag", command="docker buildx build", flag=f"--{asked[0]}")
        raise CommandFailed(refused, USAGE_CODE)


def _is_asked(value: str) -> bool:
    """A boolean, or fields like ``mode=max`` (buildx's util/buildflags/attests.go), which ``disabled=true`` takes back.

    Raises:
        CommandFailed: In buildx's words.
    """
    if not value or value in TRUE | FALSE:
        return value in TRUE
    fields = [field.partition("=") for field in value.split(",")]
    for name, equals, text in fields:
        if not equals:
            raise CommandFailed(f"ERROR: invalid value {name}")
        if name == "disabled" and text not in TRUE | FALSE:
            reason = f'strconv.ParseBool: parsing "{text}": invalid syntax'
            raise CommandFailed(f"ERROR: invalid value disabled={text}: {reason}")
    return not any(name == "disabled" and text in TRUE for name, _, text in fields)
