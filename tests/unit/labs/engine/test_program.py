"""The program that is made without a compiler: run for real where this machine can, decoded where it cannot."""

import hashlib
import platform
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.program import ARCHITECTURES, GREETING, program
from tests.tools import find

ENTRY_OFFSET = 64 + 2 * 56


@pytest.fixture
def greeting(tmp_path: Path) -> Path:
    """Where the program under test looks."""
    return tmp_path / "greeting.txt"


def make(architecture: str, folder: Path, path: Path) -> Path:
    """The program as a file that can be run."""
    file = folder / f"program-{architecture}"
    file.write_bytes(program(architecture, str(path)))
    file.chmod(0o755)
    return file


def runner(architecture: str) -> list[str] | None:
    """What runs a program of that architecture here: nothing more, qemu, or None where it cannot be run."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    if platform.system() != "Linux":
        return None
    if platform.machine() == machine:
        return []
    emulator = find(f"qemu-{machine}-static")
    return [str(emulator)] if emulator else None


RUNNABLE = [architecture for architecture in ARCHITECTURES if runner(architecture) is not None]
"""The others are decoded below, by hand."""


def run(program_file: Path, architecture: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end."""
    command = [*(runner(architecture) or []), str(program_file)]
    return subprocess.run(command, check=False, capture_output=True, timeout=30)


@pytest.mark.parametrize("architecture", RUNNABLE)
@pytest.mark.parametrize("content", [b"", b"Bonjour\n", bytes(range(256)) * 100])
def test_it_writes_the_file_and_exits_0(architecture: str, content: bytes, tmp_path: Path, greeting: Path) -> None:
    """Every byte, also beyond its buffer of 4096."""
    greeting.write_bytes(content)
    result = run(make(architecture, tmp_path, greeting), architecture)
    assert (result.returncode, result.stdout, result.stderr) == (0, content, b"")


@pytest.mark.parametrize("architecture", RUNNABLE)
def test_it_exits_1_when_the_file_cannot_be_read(architecture: str, tmp_path: Path, greeting: Path) -> None:
    """Absent, or a folder (which opens, and cannot be read)."""
    file = make(architecture, tmp_path, greeting)
    assert run(file, architecture).returncode == 1
    greeting.mkdir()
    assert run(file, architecture).returncode == 1


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", 62), ("arm64", 183)])
def test_its_header_says_what_it_is(architecture: str, machine: int) -> None:
    """A 64-bit little-endian Linux executable of that machine, one read-only segment, a stack without execution."""
    content = program(architecture)
    assert content[:7] == b"\x7fELF\x02\x01\x01"
    kind, number, _, entry = struct.unpack_from("<HHIQ", content, 16)
    assert (kind, number) == (2, machine)
    load = struct.unpack_from("<IIQQQQQQ", content, 64)
    assert load[:3] == (1, 0b101, 0)
    assert load[5:7] == (len(content), len(content))
    assert entry == load[3] + ENTRY_OFFSET
    stack = struct.unpack_from("<II", content, 64 + 56)
    assert stack == (0x6474E551, 0b110)


def test_it_reads_the_exercises_file_and_is_small() -> None:
    """The path stands at the end, with its zero; the whole fits a packet."""
    for architecture in ARCHITECTURES:
        content = program(architecture)
        assert content.endswith(f"{GREETING}\0".encode())
        assert len(content) < 400


def words(content: bytes) -> Iterator[tuple[int, int]]:
    """Offset and value of each arm64 instruction."""
    end = content.index(b"/greeting")
    for offset in range(ENTRY_OFFSET, end, 4):
        yield offset, int.from_bytes(content[offset : offset + 4], "little")


def signed(value: int, bits: int) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value


def branches(content: bytes) -> list[int]:
    """Where each branch of the arm64 program goes, decoded here from the manual's encodings."""
    found = []
    for offset, word in words(content):
        if word >> 24 in {0xB4, 0x54}:  # CBZ, B.cond: 19 bits from bit 5
            found.append(offset + 4 * signed(word >> 5 & 0x7FFFF, 19))
        elif word >> 24 == 0xB7:  # TBNZ: 14 bits from bit 5
            found.append(offset + 4 * signed(word >> 5 & 0x3FFF, 14))
        elif word >> 26 == 0b000101:  # B: 26 bits
            found.append(offset + 4 * signed(word & 0x3FFFFFF, 26))
    return found


def test_the_arm64_branches_land_where_they_should() -> None:
    """Failures go to ``movz x0, #1``, the end of the file to ``movz x0, #0``, loops to the read and the write."""
    content = program("arm64")
    code = dict(words(content))
    read, write, done, failed, exit_call = 0xAA1303E0, 0xD2800020, 0xD2800000, 0xD2800020, 0xD2800BA8
    assert [code[target] for target in branches(content)] == [failed, failed, done, failed, write, read, exit_call]


def test_the_arm64_program_calls_what_it_should() -> None:
    """System calls in order: openat 56, read 63, write 64, exit 93."""
    numbers = [word >> 5 & 0xFFFF for _, word in words(program("arm64")) if word & 0xFFE0001F == 0xD2800008]
    assert numbers == [56, 63, 64, 93]


def test_the_arm64_program_finds_its_path() -> None:
    """The ADR instruction points at the text behind the code."""
    content = program("arm64")
    offset, word = next((offset, word) for offset, word in words(content) if word >> 24 & 0x9F == 0x10)
    distance = signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)
    assert content[offset + distance :] == f"{GREETING}\0".encode()


def test_the_programs_are_the_ones_that_were_run() -> None:
    """Bytes that a disassembler and an emulator have seen: a short write, say, cannot be brought about in a test."""
    assert {architecture: hashlib.sha256(program(architecture)).hexdigest() for architecture in ARCHITECTURES} == {
        "amd64": "c9d6b3334183253aa8dbb51bced469da9e28355ecac366f409caedad761a9f8e",
        "arm64": "85756bac1f7b4d26ce61ec54fbdd60f91e9f588355678d74f62fde21e36dcfb8",
    }


def test_an_unknown_architecture_is_refused() -> None:
    """Nothing is made up for a machine that has no listing."""
    with pytest.raises(KeyError):
        program("riscv64")
