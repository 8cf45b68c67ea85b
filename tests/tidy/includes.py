#!/usr/bin/env python3
"""Reads the #includes of src/ against the table of rooms in src/README.md: the arrows between rooms, the order of the
arrows, engine's ports, and who may see which third-party library."""
import re

from report import ROOT, Report, files, shown

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \|(.*)\|\s*$")

# Header of a library → its name in the table.
LIBRARIES = [
    (re.compile(r"^rapidjson/"), "RapidJSON"),
    (re.compile(r"^google/protobuf/"), "protobuf"),
    (re.compile(r"^httplib\.h$"), "cpp-httplib"),
    (re.compile(r"^re2/"), "RE2"),
    (re.compile(r"^sqlite3\.h$"), "sqlite3"),
    (re.compile(r"^(spdlog|fmt)/"), "spdlog"),
    (re.compile(r"^prometheus/"), "prometheus-cpp"),
    (re.compile(r"^CLI/"), "CLI11"),
    (re.compile(r"^openssl/"), "OpenSSL"),
    (re.compile(r"^zookeeper/"), "libzookeeper"),
    (re.compile(r"^crypt\.h$"), "libxcrypt"),
]
# The classes that protoc makes are the public face of the room v1.
MESSAGES = re.compile(r"^mesos/v1/\w+\.pb\.h$")
STANDARD = re.compile(r"^[a-z_0-9]+$")
POSIX = re.compile(r"^((sys|netinet|arpa|linux|net|asm)/)?[a-z_0-9]+\.h$")
# C headers that say sizes and limits and do nothing: fit for pure rooms too.
HARMLESS_C = {"limits.h", "stdint.h", "stddef.h", "string.h"}
# A failed ASSERT says so on stderr before it aborts.
EXCUSED = {("src/base/assert.cc", "unistd.h")}
# Parts of the C++ library that read clocks or the system: not for pure rooms.
IMPURE_STANDARD = {"thread", "mutex", "condition_variable", "shared_mutex", "future", "fstream", "iostream", "filesystem",
                   "random", "csignal", "ctime", "print", "semaphore", "latch", "barrier", "stop_token"}

ENGINE_PORTS = {"engine/input.h", "engine/effect.h", "engine/change.h", "engine/view.h"}
SEE_PORTS_ONLY = {"store", "mesos", "api"}


class Room:
    def __init__(self, name, order, may, libraries, pure):
        self.name, self.order, self.may, self.libraries, self.pure = name, order, may, libraries, pure


def read_table(text):
    rooms = {}
    for line in text.splitlines():
        found = ROW.match(line)
        if not found:
            continue
        cells = [cell.strip() for cell in found.group(2).split("|")]
        if len(cells) != 4:
            continue
        words = [set() if cell == "-" else set(re.split(r"[ ,]+", cell)) for cell in cells[1:3]]
        rooms[found.group(1)] = Room(found.group(1), len(rooms), words[0], words[1], cells[3] == "yes")
    return rooms


def library_of(header):
    for pattern, name in LIBRARIES:
        if pattern.match(header):
            return name
    return None


def check_arrow(report, rooms, room, where, header):
    target = header.split("/")[0]
    if target == room.name:
        report.check(True, where)
        return
    report.check(target in room.may, where, f"includes {header}, but `{room.name}` may not include `{target}`",
                 f"move what is needed to a room that `{room.name}` may include, or turn the dependency round; "
                 "an arrow is added in src/README.md and the room's meson.build together, and rarely")
    if target == "engine" and room.name in SEE_PORTS_ONLY:
        report.check(header in ENGINE_PORTS, where, f"includes {header}, but sees the engine's ports alone",
                     "use engine/input.h, effect.h, change.h or view.h")


def check_system_header(report, room, where, header):
    if STANDARD.match(header):
        report.check(not (room.pure and header in IMPURE_STANDARD), where,
                     f"<{header}> in the pure room `{room.name}`", "take time, text or bytes as arguments instead")
    elif POSIX.match(header):
        excused = header in HARMLESS_C or (where.split(":")[0], header) in EXCUSED
        report.check(not room.pure or excused, where, f"<{header}> in the pure room `{room.name}`",
                     "system calls belong to net, store, http, server, pocket, executor or cli")
    else:
        report.check(False, where, f"<{header}> belongs to no library that tests/tidy/includes.py knows",
                     "a new library is a decision: name it there and in src/README.md, or do without it")


def check_include(report, rooms, room, where, bracket, header):
    library = library_of(header)
    if library:
        report.check(library in room.libraries, where, f"includes {header}: {library} is not for `{room.name}`",
                     "go through the room that is the door to it (src/README.md)")
    elif MESSAGES.match(header):
        check_arrow(report, rooms, room, where, "v1/" + header)
    elif bracket == "<":
        check_system_header(report, room, where, header)
    elif "/" in header and header.split("/")[0] in rooms:
        check_arrow(report, rooms, room, where, header)
    else:
        report.check(False, where, f'"{header}" is not written from src/', 'write "room/file.h"')


def check_table(report, rooms):
    report.check(len(rooms) > 0, "src/README.md", "no table of rooms was found in it",
                 "a row is: | `room` | what it is | may include | third party | pure |")
    for room in rooms.values():
        for target in sorted(room.may):
            known = target in rooms
            report.check(known and rooms[target].order < room.order, "src/README.md",
                         f"`{room.name}` may include `{target}`, which is not a row above it",
                         "arrows go up only; reorder the rows or turn the dependency round")
        if room.pure:
            for target in sorted(room.may & rooms.keys()):
                report.check(rooms[target].pure, "src/README.md", f"`{room.name}` is pure, but `{target}` is not")
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    for name in sorted(folders | rooms.keys()):
        report.check(name in folders and name in rooms, f"src/{name}", "is a folder without a row, or a row without a folder",
                     "the table of src/README.md and the folders of src/ name the same rooms")


def main():
    report = Report()
    rooms = read_table((ROOT / "src/README.md").read_text(encoding="utf-8"))
    check_table(report, rooms)
    for path in files(suffixes={".h", ".cc"}, under="src"):
        room = rooms.get(path.relative_to(ROOT / "src").parts[0])
        if room is None:
            continue
        text = path.read_text(encoding="utf-8")
        for found in INCLUDE.finditer(text):
            where = f"{shown(path)}:{text.count(chr(10), 0, found.start(2)) + 1}"
            check_include(report, rooms, room, where, found.group(1), found.group(2))
    report.end()


if __name__ == "__main__":
    main()
