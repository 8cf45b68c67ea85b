#!/usr/bin/env python3
"""The executors as files: small, static, and without exceptions or streams.

usage: executor_file_test.py DIRECTORY ARCHITECTURE...

DIRECTORY is what scripts/build-executors filled. An architecture it skipped, for want of a compiler, is skipped here.
"""
import os
import struct
import sys

BYTES_MAX = 700_000
MACHINES = {"x86_64": 62, "armel": 40, "armhf": 40, "arm64": 183}
BANNED = ("__cxa_throw", "__cxa_allocate_exception", "_ZSt4cout", "_ZNSt8ios_base4InitC1Ev", "getaddrinfo")


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        self.wide = self.data[4] == 2
        self.machine = struct.unpack_from("<H", self.data, 18)[0]
        if self.wide:
            self.segments, self.sections = struct.unpack_from("<QQ", self.data, 32)
            counts = struct.unpack_from("<6H", self.data, 52)
        else:
            self.segments, self.sections = struct.unpack_from("<II", self.data, 28)
            counts = struct.unpack_from("<6H", self.data, 40)
        _, self.segment_size, self.segment_count, self.section_size, self.section_count, _ = counts

    def segment_types(self):
        return [struct.unpack_from("<I", self.data, self.segments + i * self.segment_size)[0]
                for i in range(self.segment_count)]

    def section(self, index):
        at = self.sections + index * self.section_size
        kind = struct.unpack_from("<I", self.data, at + 4)[0]
        if self.wide:
            offset, size, link = struct.unpack_from("<QQI", self.data, at + 24)
        else:
            offset, size, link = struct.unpack_from("<III", self.data, at + 16)
        return kind, offset, size, link

    def symbols(self):
        names = set()
        for index in range(self.section_count):
            kind, offset, size, link = self.section(index)
            if kind != 2:  # SHT_SYMTAB
                continue
            strings = self.section(link)[1]
            for at in range(offset, offset + size, 24 if self.wide else 16):
                start = strings + struct.unpack_from("<I", self.data, at)[0]
                names.add(self.data[start:self.data.index(b"\0", start)].decode(errors="replace"))
        return names


def on_glibc(directory, architecture):
    """Whether musl could not be had for it, which build-executors said loudly: nothing then keeps it small."""
    with open(os.path.join(directory, "built-with.txt"), encoding="utf-8") as file:
        about = file.read().split(f"mimas-executor-{architecture} ", 1)[1].split("\nmimas-executor-", 1)[0]
    return "\n  glibc" in about


def faults(directory, architecture):
    name = f"mimas-executor-{architecture}"
    path = os.path.join(directory, name)
    size = os.path.getsize(path)
    elf = Elf(path)
    if on_glibc(directory, architecture):
        print(f"mimas-executor-{architecture}: on glibc, {size} bytes; the limit of {BYTES_MAX} is for musl")
    elif size > BYTES_MAX:
        yield f"{size} bytes, more than {BYTES_MAX}"
    if elf.machine != MACHINES[architecture]:
        yield f"made for machine {elf.machine}"
    if {2, 3} & set(elf.segment_types()):  # PT_DYNAMIC, PT_INTERP
        yield "not static"
    if elf.symbols():
        yield "not stripped"
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..")).encode()
    if root in elf.data:
        yield "names the directory it was built in"
    symbols = Elf(os.path.join(directory, "symbols", name + ".debug")).symbols()
    if "main" not in symbols:
        yield "its symbols are missing"
    for banned in BANNED:
        if banned in symbols:
            yield f"contains {banned}"


def main():
    directory, *architectures = sys.argv[1:]
    passed = failed = 0
    for architecture in architectures:
        if not os.path.exists(os.path.join(directory, f"mimas-executor-{architecture}")):
            print(f"skipped: {architecture} was not built, its compiler is missing")
            continue
        found = list(faults(directory, architecture))
        for fault in found:
            print(f"FAILED mimas-executor-{architecture}: {fault}")
        passed, failed = (passed, failed + 1) if found else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0 if passed else 77


if __name__ == "__main__":
    sys.exit(main())
