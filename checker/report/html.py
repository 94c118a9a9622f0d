"""The report as one HTML page that needs nothing else."""

from html import escape

from checker.messages import Messages
from checker.model import Report, Verdict
from checker.report import story

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.5rem;border-bottom:1px solid #ccc}
td,th{text-align:left;vertical-align:top}
.word,.code,.points{white-space:nowrap}.word,.asked{font-weight:700}
dl{display:grid;grid-template-columns:8rem 1fr;gap:.2rem 1rem;margin:.3rem 0}
dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
.pass{color:#0a6b2d}.fail{color:#b00020}.blocked{color:#7a5200}.inconclusive{color:#6a1b9a}
@media(max-width:40rem){dl{display:block}}
"""


def render(report: Report, messages: Messages) -> str:
    """The page."""
    named: dict[str, str | int] = {"lab": report.lab.upper(), "attempt": report.attempt, "registry": report.registry}
    title = f"labcheck · {escape(messages.text('line', 'header', named))}"
    stop = story.stop(report, messages)
    heads = "".join(
        f'<th scope="col">{escape(messages.text("line", name))}</th>'
        for name in ("status_title", "code_title", "points_title", "details_title")
    )
    return (
        f'<!doctype html>\n<html lang="{messages.language}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<p>{escape(story.summary(report, messages))}</p>\n"
        + (f'<p class="fail">{escape(stop)}</p>\n' if stop else "")
        + f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "".join(_row(verdict, messages) for verdict in report.verdicts)
        + "</tbody>\n</table>\n</html>\n"
    )


def _row(verdict: Verdict, messages: Messages) -> str:
    """One verdict."""
    said = "".join(
        f"<dt>{escape(messages.text('line', line.label))}</dt><dd>{_shown(line)}</dd>"
        for line in story.tell(verdict, messages)
    )
    word = escape(messages.text("verdict", verdict.status))
    return (
        f'<tr><td class="word {verdict.status}">{word}</td><td class="code">{escape(verdict.check.code)}</td>'
        f'<td class="points">{escape(story.points(verdict, messages))}</td>'
        f'<td><span class="asked">{escape(story.heading(verdict, messages))}</span><dl>{said}</dl></td></tr>\n'
    )


def _shown(line: story.Line) -> str:
    """A line's text; what is to be typed looks like it."""
    text = escape(line.text)
    return f"<code>{text}</code>" if line.label in story.COMMANDS else text
