"""The exercise's program, made at build time from the listings below: no compiler, no libc, one static ELF file.

It writes a file's content to standard output and exits 0, or 1 when the file cannot be read:

    fd = open(path)
    while (n = read(fd, buffer, 4096)) > 0: write(1, buffer, n), again until all n bytes are out

Formats: System V ABI 4.1, "ELF Header" and "Program Header"; Linux system call tables of x86-64 and arm64; Intel SDM
volume 2; Arm ARM DDI 0487, C6.2.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

GREETING = "/greeting.txt"

_LOAD_ADDRESS = 0x400000
_PAGE_SIZE = 0x10000
"""Bytes. The largest page of a Linux kernel on arm64: segments must be aligned to it."""
_HEADERS_SIZE = 64 + 2 * 56
"""Bytes of the ELF header and two program headers; the code follows."""
_INSTRUCTION_SIZE = 4
"""Bytes of an arm64 instruction; the path behind the code is aligned to it, too."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a listing.

    Attributes:
        code: Hex. ``??`` stands for the distance to ``target``: at the end on amd64, in bits 5 and up on arm64.
        target: Label that the instruction refers to.
        label: Name of this place.
    """

    code: str
    target: str = ""
    label: str = ""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(bytes.fromhex(self.code.replace("?", "0")))


def _amd64_code(line: Instruction, here: int, target: int) -> bytes:
    """The distance counts bytes from the end of the instruction: Intel SDM, "JMP", "RIP-relative addressing"."""
    width = line.code.count("??")
    fixed = bytes.fromhex(line.code.replace("?", ""))
    return fixed + (target - here - line.size).to_bytes(width, "little", signed=True) if width else fixed


# Bits of the distance field, by the instruction's top byte: Arm ARM C6.2, "TBNZ", "CBZ", "B.cond", "ADR", "B".
_ARM64_FIELD = MappingProxyType({0xB7: (5, 14), 0xB4: (5, 19), 0x54: (5, 19), 0x10: (5, 19), 0x14: (0, 26)})


def _arm64_code(line: Instruction, here: int, target: int) -> bytes:
    """The distance counts instructions from this one. ADR counts bytes, its two low bits apart: 0 by alignment."""
    word = int(line.code, 16)
    if line.target:
        shift, width = _ARM64_FIELD[word >> 24]
        word |= ((target - here) // _INSTRUCTION_SIZE & (1 << width) - 1) << shift
    return word.to_bytes(_INSTRUCTION_SIZE, "little")


_AMD64 = (
    Instruction("b8 02 00 00 00"),  # mov eax, 2           system call 2: open
    Instruction("48 8d 3d ?? ?? ?? ??", "path"),  # lea rdi, [rip+path]  which file
    Instruction("31 f6"),  # xor esi, esi         O_RDONLY
    Instruction("0f 05"),  # syscall              eax = file descriptor, or below 0
    Instruction("85 c0"),  # test eax, eax        sets the sign flag
    Instruction("78 ??", "failed"),  # js failed            the file cannot be opened
    Instruction("89 c3"),  # mov ebx, eax         keep the file descriptor
    Instruction("48 81 ec 00 10 00 00"),  # sub rsp, 4096        room for the buffer
    Instruction("31 c0", label="read"),  # xor eax, eax         system call 0: read
    Instruction("89 df"),  # mov edi, ebx         from the file
    Instruction("48 89 e6"),  # mov rsi, rsp         into the buffer
    Instruction("ba 00 10 00 00"),  # mov edx, 4096        as much as it holds
    Instruction("0f 05"),  # syscall              eax = bytes read, 0 at the end, or below 0
    Instruction("85 c0"),  # test eax, eax        sets the sign and zero flags
    Instruction("78 ??", "failed"),  # js failed            the file cannot be read
    Instruction("74 ??", "done"),  # jz done              the end
    Instruction("89 c2"),  # mov edx, eax         bytes that are still to be written
    Instruction("b8 01 00 00 00", label="write"),  # mov eax, 1           system call 1: write
    Instruction("bf 01 00 00 00"),  # mov edi, 1           to standard output
    Instruction("0f 05"),  # syscall              eax = bytes written, or below 0
    Instruction("85 c0"),  # test eax, eax        sets the sign flag
    Instruction("78 ??", "failed"),  # js failed            nobody reads
    Instruction("48 01 c6"),  # add rsi, rax         past what is written
    Instruction("29 c2"),  # sub edx, eax         less to be written
    Instruction("75 ??", "write"),  # jnz write            a short write: go on
    Instruction("eb ??", "read"),  # jmp read             the next piece
    Instruction("31 ff", label="done"),  # xor edi, edi         exit status 0
    Instruction("eb ??", "exit"),  # jmp exit
    Instruction("bf 01 00 00 00", label="failed"),  # mov edi, 1           exit status 1
    Instruction("b8 3c 00 00 00", label="exit"),  # mov eax, 60          system call 60: exit
    Instruction("0f 05"),  # syscall              does not return
)

_ARM64 = (
    Instruction("92800c60"),  # movn x0, #99         AT_FDCWD, -100: relative paths are of no concern
    Instruction("10000001", "path"),  # adr x1, path         which file
    Instruction("d2800002"),  # movz x2, #0          O_RDONLY
    Instruction("d2800708"),  # movz x8, #56         system call 56: openat
    Instruction("d4000001"),  # svc #0               x0 = file descriptor, or below 0
    Instruction("b7f80000", "failed"),  # tbnz x0, #63, failed the file cannot be opened
    Instruction("aa0003f3"),  # mov x19, x0          keep the file descriptor
    Instruction("d14007ff"),  # sub sp, sp, #4096    room for the buffer
    Instruction("aa1303e0", label="read"),  # mov x0, x19          from the file
    Instruction("910003e1"),  # mov x1, sp           into the buffer
    Instruction("d2820002"),  # movz x2, #4096       as much as it holds
    Instruction("d28007e8"),  # movz x8, #63         system call 63: read
    Instruction("d4000001"),  # svc #0               x0 = bytes read, 0 at the end, or below 0
    Instruction("b7f80000", "failed"),  # tbnz x0, #63, failed the file cannot be read
    Instruction("b4000000", "done"),  # cbz x0, done         the end
    Instruction("aa0003f4"),  # mov x20, x0          bytes that are still to be written
    Instruction("910003f5"),  # mov x21, sp          where they begin
    Instruction("d2800020", label="write"),  # movz x0, #1          to standard output
    Instruction("aa1503e1"),  # mov x1, x21          from where they begin
    Instruction("aa1403e2"),  # mov x2, x20          all of them
    Instruction("d2800808"),  # movz x8, #64         system call 64: write
    Instruction("d4000001"),  # svc #0               x0 = bytes written, or below 0
    Instruction("b7f80000", "failed"),  # tbnz x0, #63, failed nobody reads
    Instruction("8b0002b5"),  # add x21, x21, x0     past what is written
    Instruction("eb000294"),  # subs x20, x20, x0    less to be written
    Instruction("54000001", "write"),  # b.ne write           a short write: go on
    Instruction("14000000", "read"),  # b read               the next piece
    Instruction("d2800000", label="done"),  # movz x0, #0          exit status 0
    Instruction("14000000", "exit"),  # b exit
    Instruction("d2800020", label="failed"),  # movz x0, #1          exit status 1
    Instruction("d2800ba8", label="exit"),  # movz x8, #93         system call 93: exit
    Instruction("d4000001"),  # svc #0               does not return
)


@dataclass(frozen=True, slots=True)
class _Machine:
    """What differs between architectures. ``number`` is ELF's e_machine."""

    number: int
    listing: Sequence[Instruction]
    code: Callable[[Instruction, int, int], bytes]


_MACHINES: Mapping[str, _Machine] = MappingProxyType(
    {"amd64": _Machine(62, _AMD64, _amd64_code), "arm64": _Machine(183, _ARM64, _arm64_code)}
)

ARCHITECTURES = tuple(_MACHINES)


def program(architecture: str, path: str = GREETING) -> bytes:
    """The program as a static ELF executable for Linux. Same arguments, same bytes.

    Args:
        architecture: ``amd64`` or ``arm64``.
        path: The file whose content it writes.

    Raises:
        KeyError: No listing for this architecture.
    """
    machine = _MACHINES[architecture]
    body = _assemble(machine, path)
    return _elf_header(machine.number) + _program_headers(_HEADERS_SIZE + len(body)) + body


def _assemble(machine: _Machine, path: str) -> bytes:
    """Code, padding, and the path with its terminating zero."""
    places = _places(machine.listing)
    lines = zip(machine.listing, _offsets(machine.listing), strict=True)
    code = b"".join(machine.code(line, here, places.get(line.target, 0)) for line, here in lines)
    return code.ljust(places["path"], b"\0") + path.encode() + b"\0"


def _offsets(listing: Sequence[Instruction]) -> list[int]:
    """Where each instruction begins, in bytes from the first."""
    return [sum(line.size for line in listing[:index]) for index in range(len(listing))]


def _places(listing: Sequence[Instruction]) -> dict[str, int]:
    """Where each label is, and the path behind the code."""
    end = sum(line.size for line in listing)
    labels = {line.label: here for line, here in zip(listing, _offsets(listing), strict=True) if line.label}
    return labels | {"path": end + -end % _INSTRUCTION_SIZE}


def _elf_header(machine: int) -> bytes:
    """System V ABI "ELF Header": 64 bit, little-endian, an executable with two program headers and no sections."""
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    entry = _LOAD_ADDRESS + _HEADERS_SIZE
    return identity + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)


def _program_headers(size: int) -> bytes:
    """System V ABI "Program Header": the whole file readable and executable, and a stack that is not executable."""
    load, gnu_stack, executable, writable, readable = 1, 0x6474E551, 1, 2, 4
    segment = struct.pack(
        "<IIQQQQQQ", load, readable | executable, 0, _LOAD_ADDRESS, _LOAD_ADDRESS, size, size, _PAGE_SIZE
    )
    return segment + struct.pack("<IIQQQQQQ", gnu_stack, readable | writable, 0, 0, 0, 0, 0, 16)
