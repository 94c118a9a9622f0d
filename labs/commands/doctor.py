"""``labstack doctor``."""

import argparse

from labs.commands.selection import chosen, local
from labs.console import Console
from labs.stack.doctor import Health, Symptom, examine
from labs.stack.interface import StackError


def configure(_parser: argparse.ArgumentParser, _console: Console) -> None:
    """No arguments."""


def run(_arguments: argparse.Namespace, console: Console) -> int:
    """Say what this machine has and lacks, each lack with its cure; 1 when something must be cured."""
    symptoms = []
    for symptom in examine(local(), chosen(())):
        _show(symptom, console)
        symptoms.append(symptom)
    ill = sum(symptom.health is Health.ILL for symptom in symptoms)
    console.say("doctor.ill" if ill else "doctor.well", count=ill)
    return 1 if ill else 0


def _show(symptom: Symptom, console: Console) -> None:
    """One line, and the cure below what is ill."""
    parameters = dict(symptom.parameters)
    error = parameters.get("error")
    if isinstance(error, StackError):
        parameters["error"] = console.text(error.message, **error.parameters)
    mark = console.text(f"doctor.mark.{symptom.health}")
    console.write(f"{mark} {console.text(f'doctor.{symptom.name}.{symptom.health}', **parameters)}")
    if symptom.health is Health.ILL:
        console.write(f"    → {console.text(f'doctor.{symptom.name}.cure', **parameters)}")
