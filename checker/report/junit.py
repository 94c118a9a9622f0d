"""The report as JUnit XML: FAIL is a failure, INCONCLUSIVE an error, BLOCKED is skipped."""

from xml.etree import ElementTree as ET

from checker.messages import Messages
from checker.model import Report, Status, Verdict
from checker.report import story

_ELEMENTS = {Status.FAIL: "failure", Status.INCONCLUSIVE: "error", Status.BLOCKED: "skipped"}


def render(report: Report, messages: Messages) -> str:
    """One test suite."""
    suite = ET.Element(
        "testsuite",
        name=f"labcheck.{report.lab}",
        tests=str(len(report.verdicts)),
        failures=str(report.count(Status.FAIL)),
        errors=str(report.count(Status.INCONCLUSIVE)),
        skipped=str(report.count(Status.BLOCKED)),
    )
    for verdict in report.verdicts:
        suite.append(_case(verdict, report, messages))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=False) + "\n"


def _case(verdict: Verdict, report: Report, messages: Messages) -> ET.Element:
    """One test case; what there is to say is its text."""
    seconds = f"{verdict.duration_ms / 1000:.3f}"
    case = ET.Element("testcase", classname=f"labcheck.{report.lab}", name=verdict.check.code, time=seconds)
    said = [story.pair(line, messages) for line in story.tell(verdict, messages)]
    if verdict.status in _ELEMENTS:
        outcome = ET.SubElement(case, _ELEMENTS[verdict.status], message=story.heading(verdict, messages))
        outcome.text = "\n".join(said)
    return case
