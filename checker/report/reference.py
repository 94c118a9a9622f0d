"""What a check asks, in Markdown: ``labcheck explain``, and with it ``docs/checks.md``."""

from collections.abc import Sequence

from checker.messages import Messages
from checker.model import Check


def render(checks: Sequence[Check], messages: Messages) -> str:
    """The page of all checks."""
    head = f"# {messages.text('line', 'reference_title')}\n\n{messages.text('line', 'reference_intro')}\n"
    limits = f"## {messages.text('line', 'reference_limits_title')}\n\n{messages.text('line', 'reference_limits')}"
    return "\n".join((head, *(section(check, messages) for check in checks), limits))


def section(check: Check, messages: Messages) -> str:
    """One check."""

    def say(name: str) -> str:
        return messages.text("line", name)

    def pair(label: str, text: str) -> str:
        return messages.text("line", "pair", {"label": label, "text": text})

    asked = messages.text("line", "step", {"step": check.step})
    needs = ", ".join(check.needs) or say("nothing")
    worth = f"{pair(say('worth'), str(check.points))} · {pair(say('tense'), messages.text('tense', check.tense))}"
    causes = "".join(f"- {pair(f'`{cause}`', messages.cause_pattern(cause))}\n" for cause in check.causes)
    return (
        f"## {pair(check.code, messages.check(check.code, 'title'))}\n\n"
        f"{asked} · {worth} · {pair(say('needs'), needs)} · {pair(say('section'), check.section)}\n\n"
        f"**{say('asks')}.** {messages.check(check.code, 'asks')}\n\n"
        f"**{say('evidence')}.** {messages.check(check.code, 'evidence')}\n\n"
        f"**{say('unproved')}.** {messages.check(check.code, 'unproved')}\n\n"
        f"**{say('causes')}.**\n\n{causes}"
    )
