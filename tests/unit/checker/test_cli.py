"""``labcheck`` as it is typed: exit codes, forms, languages; over a registry that listens and a journal on disk."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from checker import checks
from checker.cli import language, main
from checker.exit_codes import ExitCode, worst
from checker.facts import Blob, BlobState, Manifest
from labs.attempts import Attempt, Endpoint
from labs.students import Student, parameters
from pyregistry.journal import Journal
from pyregistry.spec.journal import Event
from pyregistry.spec.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.fakes.registry import FakeRegistry, Seen
from tests.unit.checker.exercise import CODES, HERE, LABELS, PARAMETERS, PUSHER, READER, START, Diary, prepared

SECRET = "ghp_" + "s3cr3t" * 6
GRADER_SECRET = "ghp_" + "gr4d3r" * 6
AUTH = base64.b64encode(f"ada:{SECRET}".encode()).decode()


@dataclass
class Lab:
    """A started exercise on disk."""

    home: Path
    registry: FakeRegistry
    attempt: Attempt

    def tell(self, diary: Diary) -> None:
        """Put a journal, and the attempt whose horizon is the diary's; what the grader remembers is of another one."""
        (self.home / "tp1" / "seal.json").unlink(missing_ok=True)
        self.journal.write_text(diary.lines(), encoding="utf-8")
        replace(self.attempt, horizon_seq=diary.horizon).save(self.home / "tp1")

    @property
    def journal(self) -> Path:
        """The registry's journal."""
        return Path(self.attempt.registries["hosted"].journal or "")

    def put_image(self) -> Manifest:
        """Place the image under its three tags; as the grader will see it."""
        parts = [
            (json.dumps({"config": {"Labels": LABELS}}).encode(), OCI_CONFIG, "config"),
            (b"layer", OCI_LAYER_GZIP, "layer"),
        ]
        rows = [
            {"mediaType": kind, "digest": self.registry.put_blob(HERE, body), "size": len(body)}
            for body, kind, _ in parts
        ]
        body = json.dumps({"mediaType": OCI_MANIFEST, "config": rows[0], "layers": rows[1:]}).encode()
        for tag in ("1.0", "1", "latest"):
            digest = self.registry.put_manifest(HERE, tag, OCI_MANIFEST, body)
        blobs = tuple(
            Blob(str(row["digest"]), len(part[0]), part[2], BlobState.VERIFIED)
            for row, part in zip(rows, parts, strict=True)
        )
        return Manifest(digest, OCI_MANIFEST, len(body), blobs=blobs, labels=LABELS)

    def solve(self) -> None:
        """All five steps as they should be."""
        image = self.put_image()
        self.tell(prepared().push(PUSHER, image.digest).make(READER).login(READER).pull(READER, image))


class Remembering(list[Seen]):
    """Requests of a registry that writes each into a journal before it answers."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)

    def append(self, seen: Seen) -> None:
        """Remember."""
        agent = seen.headers.get("User-Agent")
        self.journal.append(Event("request", START, 0, method=seen.method, path=seen.path, user_agent=agent))
        super().append(seen)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """An exercise that was started, with nothing done; English."""
    for name in ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "FORCE_COLOR", "LABCHECK_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    folder, machine = tmp_path / "lab" / "tp1", tmp_path / "lab" / "engines" / "a"
    folder.mkdir(parents=True)
    machine.mkdir(parents=True)
    config = {"auths": {"ghcr.io": {"auth": AUTH}}}
    (machine / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "credential").write_text(f"labcheck:{GRADER_SECRET}\n", encoding="utf-8")
    with FakeRegistry("bearer", {"labcheck": GRADER_SECRET, "ada": SECRET}) as registry:
        registry.requests = Remembering(folder / "journal.jsonl")
        url = f"http://127.0.0.1:{registry.port}"
        hosted = Endpoint("ghcr.io", url, None, str(folder / "journal.jsonl"), str(folder / "credential"))
        attempt = Attempt(
            slug="tp1",
            number=1,
            started_at=START,
            horizon_seq=0,
            student="Ada Lovelace",
            parameters=PARAMETERS,
            engine="embedded",
            registries={"hosted": hosted},
            machines={"a": str(machine), "b": str(machine.parent / "b")},
            work=str(tmp_path / "work"),
        )
        started = Lab(tmp_path / "lab", registry, attempt)
        started.tell(Diary().note(kind="server", detail={"action": "start"}).start_attempt())
        yield started


def test_exit_0_all_passed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """The solution, twice in a row."""
    lab.solve()
    for _ in range(2):
        assert main(["tp1"]) == ExitCode.PASSED
        out = capsys.readouterr().out
        assert out.startswith("labcheck · TP1 · attempt 1 · ghcr.io\n")
        assert out.endswith("20/20 points · 7 passed, 0 failed, 0 blocked, 0 inconclusive\nAll done.\n")


def test_exit_1_not_done_yet(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """The starter: the first step fails, with all that a failing line owes."""
    assert lab.attempt
    assert main(["tp1"]) == ExitCode.NOT_DONE
    out = capsys.readouterr().out
    for needed in (
        "FAIL          TP1-PAT",
        "likely cause",
        "$ labstack pat list",
        "chapter §5.2",
        "labcheck hint TP1-PAT",
    ):
        assert needed in out
    assert out.count("FAIL ") == 1


@pytest.mark.parametrize(
    "typed", [[], ["tp9"], ["tp1", "9"], ["tp1", "--lang", "de"], ["explain", "TP9"], ["hint", "nothing"]]
)
def test_exit_2_usage(lab: Lab, typed: list[str]) -> None:
    """What cannot be meant."""
    assert lab.attempt
    try:
        outcome = main(typed)
    except SystemExit as caught:
        outcome = int(caught.code or 0)
    assert outcome == ExitCode.USAGE


@pytest.mark.parametrize("option", ["--junit", "--html"])
def test_exit_2_a_file_that_cannot_be_written(lab: Lab, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The path is named."""
    lab.solve()
    assert main(["tp1", option, "/nowhere/report"]) == ExitCode.USAGE
    assert "/nowhere/report" in capsys.readouterr().err


def test_exit_2_a_registry_that_is_no_url(lab: Lab) -> None:
    """Not a traceback."""
    assert lab.attempt
    assert main(["tp1", "--registry", "ftp://x"]) == ExitCode.USAGE


def test_exit_3_the_registry_was_killed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Solved, and yet nothing is PASS or FAIL; one clear sentence says what to do."""
    lab.solve()
    hosted = replace(lab.attempt.registries["hosted"], url="http://127.0.0.1:1")
    lab.attempt = replace(lab.attempt, registries={"hosted": hosted})
    lab.solve()
    assert main(["tp1", "--json"]) == ExitCode.INCONCLUSIVE
    document = json.loads(capsys.readouterr().out)
    assert {check["status"] for check in document["checks"]} == {"inconclusive"}
    assert main(["tp1"]) == ExitCode.INCONCLUSIVE
    said = (
        "Nothing can be judged: the registry http://127.0.0.1:1 does not answer. Start it again with: labstack up tp1"
    )
    assert capsys.readouterr().out.count("does not answer") == 1
    main(["tp1"])
    assert said in capsys.readouterr().out


def test_exit_3_a_damaged_attempt(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Our record is broken: no verdict on the student's work, and the way out."""
    (lab.home / "tp1" / "attempt.json").write_text("{", encoding="utf-8")
    assert main(["tp1"]) == ExitCode.INCONCLUSIVE
    assert "labstack reset tp1" in capsys.readouterr().err


def test_exit_3_our_own_fault(lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Never a traceback, unless it is asked for."""
    assert lab.attempt
    monkeypatch.setattr("checker.grading.read_os", lambda: 1 / 0)
    assert main(["tp1"]) == ExitCode.INCONCLUSIVE
    assert "ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.setenv("LABCHECK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["tp1"])


def test_exit_4_a_changed_journal(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """One changed word, and nothing is judged."""
    lab.solve()
    text = lab.journal.read_text(encoding="utf-8")
    lab.journal.write_text(text.replace('"status":201', '"status":200', 1), encoding="utf-8")
    assert main(["tp1"]) == ExitCode.INTEGRITY
    out = capsys.readouterr().out
    assert "INTEGRITY: the journal was changed after it was written" in out
    assert "7 inconclusive" in out


def test_exit_4_a_journal_that_forgot(lab: Lab) -> None:
    """It was graded, then cut at its end: the chain holds, the memory does not."""
    lab.solve()
    assert main(["tp1"]) == ExitCode.PASSED
    lines = lab.journal.read_text(encoding="utf-8").splitlines(keepends=True)
    lab.journal.write_text("".join(lines[:5]), encoding="utf-8")
    assert main(["tp1"]) == ExitCode.INTEGRITY


def test_exit_4_changed_checks(lab: Lab) -> None:
    """The check files are not those of the attempt's first run."""
    lab.solve()
    assert main(["tp1"]) == ExitCode.PASSED
    seal = lab.home / "tp1" / "seal.json"
    values = json.loads(seal.read_text(encoding="utf-8"))
    seal.write_text(json.dumps(values | {"pack": "0" * 64}), encoding="utf-8")
    assert main(["tp1"]) == ExitCode.INTEGRITY


def test_exit_4_a_registry_that_does_not_write_into_the_journal(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """The record leads to a registry of the student's own, or to a journal of somebody else's."""
    lab.solve()
    lab.registry.requests = []
    assert main(["tp1"]) == ExitCode.INTEGRITY
    assert "INTEGRITY: the registry does not write into this journal" in capsys.readouterr().out


def test_a_registry_in_trouble_is_not_accused(lab: Lab) -> None:
    """On a full disk it writes nothing, and answers 503."""
    lab.solve()
    lab.registry.requests = []
    lab.registry.faults.answers["GET /v2/"] = (503, "text/plain", b"")
    assert main(["tp1"]) == ExitCode.INCONCLUSIVE


@pytest.mark.parametrize("secret_from", ["environment", "file"])
def test_exit_4_an_edited_record(
    lab: Lab,
    secret_from: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Parameters that the student's name, the attempt and the class secret do not lead to."""
    if secret_from == "environment":
        monkeypatch.setenv("LAB_CLASS_SECRET", "s3cret")
    else:
        (lab.home / "class-secret").write_text("s3cret", encoding="utf-8")
    lab.attempt = replace(lab.attempt, parameters=parameters(b"s3cret", Student("Ada Lovelace"), "tp1", 1))
    lab.solve()
    assert main(["tp1"]) == ExitCode.NOT_DONE
    lab.attempt.parameters["nonce"] = "theirs"
    lab.solve()
    assert main(["tp1"]) == ExitCode.INTEGRITY
    assert "it was edited" in capsys.readouterr().err


def test_a_seal_that_makes_no_sense_is_no_memory(lab: Lab) -> None:
    """Damaged, or edited: as if it had been deleted."""
    lab.solve()
    assert main(["tp1"]) == ExitCode.PASSED
    seal = lab.home / "tp1" / "seal.json"
    values = json.loads(seal.read_text(encoding="utf-8"))
    for seq in ("7", 0, -3, None):
        seal.write_text(json.dumps(values | {"seq": seq}), encoding="utf-8")
        assert main(["tp1"]) == ExitCode.PASSED


def test_a_hint_that_cannot_be_counted_is_given_all_the_same(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """On a read-only folder: the first one, and why it stays the first."""
    (lab.home / "tp1" / "hints.json.tmp").mkdir()
    assert main(["hint", "TP1-PAT"]) == ExitCode.PASSED
    captured = capsys.readouterr()
    assert captured.out.startswith("TP1-PAT, hint 1 of")
    assert "hints.json: cannot be written" in captured.err


@pytest.mark.parametrize("change", [{"version": "0.0.0"}, {"attempt": "2020-01-01T00:00:00+00:00"}])
def test_a_new_version_or_attempt_begins_a_new_memory(lab: Lab, change: dict[str, str]) -> None:
    """New checks that came with a new release are no tampering, nor is a reset."""
    lab.solve()
    assert main(["tp1"]) == ExitCode.PASSED
    seal = lab.home / "tp1" / "seal.json"
    values = json.loads(seal.read_text(encoding="utf-8"))
    seal.write_text(json.dumps(values | {"pack": "0" * 64} | change), encoding="utf-8")
    assert main(["tp1"]) == ExitCode.PASSED


def test_exit_5_never_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to check, and how to start; alone and among all."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_LANG", "en")
    for typed in (["tp1"], ["all"], ["tp1", "--json"]):
        assert main(typed) == ExitCode.NOT_STARTED
        captured = capsys.readouterr()
        assert "labstack up tp1" in captured.err
        assert captured.out == ""


@contextmanager
def watching(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """``labcheck tp1 --watch``, at the point where it waits; it does not outlive the test."""
    command = [sys.executable, "-m", "checker", "tp1", "--watch", "--plain"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LAB_HOME": str(lab.home)}
    ) as process:
        guard = threading.Timer(20, process.kill)
        guard.start()
        try:
            assert any(line.startswith("Watching") for line in process.stdout or ())
            yield process
            process.communicate()
        finally:
            guard.cancel()
            process.kill()


def test_exit_130_interrupted(lab: Lab) -> None:
    """Ctrl-C while watching."""
    with watching(lab) as process:
        process.send_signal(signal.SIGINT)
    assert process.returncode == ExitCode.INTERRUPTED


def test_watching_grades_again_when_something_happened(lab: Lab) -> None:
    """Nothing done, then solved: it ends by itself, all passed."""
    with watching(lab) as process:
        lab.solve()
    assert process.returncode == ExitCode.PASSED


@pytest.mark.parametrize("form", [[], ["--plain"], ["--json"]])
def test_a_reader_that_has_seen_enough_changes_nothing(lab: Lab, form: list[str]) -> None:
    """``labcheck tp1 | head -1``: no complaint, and the verdict's own exit code."""
    lab.solve()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "checker", "tp1", *form],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "LAB_HOME": str(lab.home)},
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_watching_ends_when_nobody_reads_any_more(lab: Lab) -> None:
    """``labcheck tp1 --watch | head -1`` leaves no process behind."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "checker", "tp1", "--watch"]
    environ = {**os.environ, "LAB_HOME": str(lab.home)}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, env=environ, timeout=20)
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.NOT_DONE, b"")


def test_the_worst_of_several_labs_decides() -> None:
    """Integrity, then not done, then inconclusive; a lab that was not started only counts when none was."""
    assert worst([ExitCode.PASSED, ExitCode.NOT_STARTED]) is ExitCode.PASSED
    assert worst([ExitCode.PASSED, ExitCode.INCONCLUSIVE, ExitCode.NOT_DONE]) is ExitCode.NOT_DONE
    assert worst([ExitCode.INTEGRITY, ExitCode.NOT_DONE]) is ExitCode.INTEGRITY
    assert worst([ExitCode.NOT_STARTED]) is ExitCode.NOT_STARTED


def test_steps_choose_checks(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """By number or by code."""
    lab.solve()
    assert main(["tp1", "4", "tp1-pat", "--json"]) == ExitCode.PASSED
    codes = [check["code"] for check in json.loads(capsys.readouterr().out)["checks"]]
    assert codes == ["TP1-PAT", "TP1-PUSH", "TP1-BLOBS", "TP1-TAGS"]


def test_the_document_is_all_that_stands_on_standard_output(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a program can read it; the student's name is not in it."""
    lab.solve()
    assert main(["tp1", "--json"]) == ExitCode.PASSED
    out = capsys.readouterr().out
    document = json.loads(out)
    assert [check["code"] for check in document["checks"]] == list(CODES)
    assert document["summary"]["points"] == document["summary"]["max_points"] == 20
    assert "Lovelace" not in out
    last = lab.journal.read_text(encoding="utf-8").splitlines()[document["journal"]["seq_to"] - 1]
    assert document["journal"]["head"] in last


def test_no_secret_is_in_any_output(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the student's nor the grader's, in no form, done or not."""
    files = [tmp_path / "junit.xml", tmp_path / "page.html"]
    for _ in range(2):
        for form in ([], ["--plain"], ["--json"]):
            main(["tp1", *form, "--junit", str(files[0]), "--html", str(files[1])])
            captured = capsys.readouterr()
            written = "".join(
                path.read_text(encoding="utf-8") for path in (*files, *(lab.home / "tp1").glob("seal.json"))
            )
            for secret in (SECRET, GRADER_SECRET, AUTH):
                assert secret not in captured.out + captured.err + written
        lab.solve()


def test_files_are_written_beside_the_report(lab: Lab, tmp_path: Path) -> None:
    """JUnit XML and a page."""
    lab.solve()
    assert main(["tp1", "--junit", str(tmp_path / "j.xml"), "--html", str(tmp_path / "p.html")]) == ExitCode.PASSED
    assert ET.parse(tmp_path / "j.xml").getroot().get("tests") == "7"  # noqa: S314  our own file
    assert "20/20" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_registry_that_is_not_ours(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Its image is graded with the student's own login; what only a journal could tell is INCONCLUSIVE, and says so."""
    lab.solve()
    with FakeRegistry("bearer", {"ada": SECRET}) as other:
        config = {"auths": {f"127.0.0.1:{other.port}": {"auth": AUTH}}}
        (Path(lab.attempt.machines["a"]) / "config.json").write_text(json.dumps(config), encoding="utf-8")
        Lab(lab.home, other, lab.attempt).put_image()
        assert main(["tp1", "--json", "--registry", f"http://127.0.0.1:{other.port}"]) == ExitCode.INCONCLUSIVE
    checks = {check["code"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert {code for code, check in checks.items() if check["status"] == "pass"} == {
        "TP1-BUILD",
        "TP1-BLOBS",
        "TP1-TAGS",
    }
    assert {check["causes"][0]["id"] for check in checks.values() if check["status"] == "inconclusive"} == {
        "no-journal"
    }


def test_hints_are_a_ladder(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """One rung further each time, the last one again at the end; the level is kept and reported."""
    lab.solve()
    said = []
    for _ in range(4):
        assert main(["hint", "tp1-push"]) == ExitCode.PASSED
        said.append(capsys.readouterr().out)
    assert said[0].startswith("TP1-PUSH, hint 1 of 3\n")
    assert len(set(said[:3])) == 3
    assert said[2] == said[3]
    main(["tp1", "--json"])
    levels = {check["code"]: check["hint_level"] for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (levels["TP1-PUSH"], levels["TP1-PULL"]) == (3, 0)


def test_explain_and_list(capsys: pytest.CaptureFixture[str]) -> None:
    """In the language that was asked for."""
    assert main(["explain", "tp1-blobs", "--lang", "fr"]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("## TP1-BLOBS\u00a0: Chaque octet de l'image est dans le registre\n")
    assert main(["--lang", "en", "list"]) == ExitCode.PASSED
    codes = [check.code for slug in checks.slugs() for check in checks.pack(slug).checks]
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == codes


def test_the_language_follows_the_option(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Before or after the lab's name."""
    lab.solve()
    for typed in (["--lang", "fr", "tp1"], ["tp1", "--lang", "fr"]):
        main(typed)
        assert "RÉUSSI        TP1-PAT" in capsys.readouterr().out


def test_the_first_line_needs_nothing_slow() -> None:
    """What the command imports before its header has no HTTP client and no cryptography in it."""
    code = (
        "import sys, checker.cli; print({'urllib3', 'cryptography', 'IPython', 'checker.grading'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_read_only_folder_keeps_nobody_from_being_graded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without memory, then."""

    def refuse(*_: object) -> None:
        raise OSError("read-only")

    lab.solve()
    monkeypatch.setattr("checker.seal.Seal.save", refuse)
    assert main(["tp1"]) == ExitCode.PASSED


def test_a_terminal_without_utf_8_shows_what_it_can(lab: Lab) -> None:
    """Middle dots and accents are lost, no verdict is."""
    lab.solve()
    environ = {**os.environ, "LAB_HOME": str(lab.home), "PYTHONIOENCODING": "ascii", "LAB_LANG": "fr"}
    command = [sys.executable, "-m", "checker", "tp1"]
    done = subprocess.run(command, capture_output=True, encoding="ascii", check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "R?USSI" in done.stdout


@pytest.mark.parametrize("spoken", ["klingon", "", "FR"])
def test_a_language_that_we_do_not_speak_is_passed_over(spoken: str) -> None:
    """The locale decides then."""
    assert language(None, {"LAB_LANG": spoken, "LANG": "fr_CH.UTF-8"}) == "fr"
    assert language(None, {"LAB_LANG": spoken, "LANG": "C.UTF-8"}) == "en"
