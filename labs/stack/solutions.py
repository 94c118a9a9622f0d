"""The reference solution and the mutants of an exercise, put in place by their scripts."""

import subprocess
import tempfile
from importlib.resources import as_file

from labs.attempts import Attempt
from labs.catalog.model import Lab
from labs.home import MACHINES
from labs.stack.environment import environment
from labs.stack.journal import events
from labs.stack.process_runner import ProcessRunner


def is_used(runner: ProcessRunner, lab: Lab, attempt: Attempt) -> bool:
    """Whether the student did anything since the attempt began: what a script then leaves is a mixture.

    With a registry of ours, whether their account did; else, whether their machines keep anything.
    """
    done = (event for twin in runner.twins(lab) for event in events(twin.journal) if event.seq > attempt.horizon_seq)
    built = any(path.is_file() for path in runner.home.engines(lab.id).rglob("*")) if lab.private else False
    return built or any(event.actor == attempt.parameters["user"] for event in done)


def put(runner: ProcessRunner, lab: Lab, attempt: Attempt, mutant: str | None) -> int:
    """Run the solution's script, or a mutant's, as a student would on machine a; its exit code.

    Besides a shell's environment, a script gets ``LAB_STEPS`` (the exercise's steps as shell functions),
    ``LAB_SCRATCH`` (an empty folder of its own) and, where we run a registry, ``LAB_REGISTRY_ROOT`` (what was pushed).
    """
    values = environment(runner.home, attempt, MACHINES[0], runner.environ)
    with as_file(lab.folder) as folder, tempfile.TemporaryDirectory(prefix="lab-") as scratch:
        script = folder / "mutants" / f"{mutant}.sh" if mutant else folder / "solution" / "solve.sh"
        values |= {
            "LAB_STEPS": str(folder / "solution" / "steps.sh"),
            "LAB_SCRATCH": scratch,
        }
        for twin in runner.twins(lab):
            values["LAB_REGISTRY_ROOT"] = str(twin.store)
        return subprocess.run(["sh", script], env=values, cwd=attempt.work, check=False).returncode
