#!/usr/bin/env python3
"""The checkers checked: each must find the fault planted for it, and be silent about its harmless twin."""
import contextlib
import io
import pathlib

import doors
import files
import includes
import symbols
from report import Report

TABLE = """
| room | what it is | may include | third party | pure |
|---|---|---|---|---|
| `base` | values | - | - | yes |
| `engine` | decisions | base | - | yes |
| `store` | SQLite | base engine | sqlite3 | no |
"""


def finds(check, *arguments):
    """True when the check has something to say."""
    report = Report()
    with contextlib.redirect_stdout(io.StringIO()):
        check(report, *arguments)
    return report.failed > 0


def expect(report, found, wanted, what):
    report.check(found == wanted, "planted.py", f"{what}: {'found' if found else 'not found'}", "the checker is wrong")


def check_includes(report):
    rooms = includes.read_table(TABLE)
    cases = [
        ("engine", '"', "base/result.h", False), ("base", '"', "engine/step.h", True), ("engine", '"', "store/store.h", True),
        ("store", '"', "engine/change.h", False), ("store", '"', "engine/step.h", True), ("store", "<", "sqlite3.h", False),
        ("engine", "<", "sqlite3.h", True), ("engine", "<", "vector", False), ("engine", "<", "thread", True),
        ("engine", "<", "unistd.h", True), ("store", "<", "unistd.h", False), ("store", "<", "boost/any.hpp", True),
        ("store", '"', "result.h", True), ("store", '"', "mesos/v1/mesos.pb.h", True), ("base", "<", "limits.h", False),
    ]
    for room, bracket, header, wanted in cases:
        found = finds(includes.check_include, rooms, rooms[room], f"src/{room}/x.cc:1", bracket, header)
        expect(report, found, wanted, f"{room} including {header}")
    lines = includes.INCLUDE.findall('#include "a/b.h"\n  #  include <c>\n// #include "d.h"\n')
    expect(report, [header for _, header in lines] == ["a/b.h", "c"], True, "the includes of a file")


def check_symbols(report):
    for symbol in ("clock_gettime@GLIBC_2.17", "time", "getenv", "printf", "__printf_chk", "open64", "getrandom", "socket",
                   "_ZNSt6chrono3_V212system_clock3nowEv", "_ZNSt6chrono3_V212steady_clock3nowEv", "_ZSt4cout",
                   "_ZNSt13random_device7_M_finiEv", "_ZNSt14basic_ifstreamIcSt11char_traitsIcEEC1Ev"):
        expect(report, symbols.forbidden(symbol) is not None, True, symbol)
    for symbol in ("memcpy", "snprintf", "__snprintf_chk", "strtod", "_Znwm", "abort", "timegm_of_ours", "_ZNSt6vectorIiE"):
        expect(report, symbols.forbidden(symbol) is not None, False, symbol)


def check_files(report):
    header = pathlib.Path("x.h")
    good = "// What it is.\n#pragma once\n"
    shapes = [
        (good, False), (good + "\n", True), (good.rstrip("\n"), True), (good + "\tint x;\n", True), (good + "int x; \n", True),
        (good + "\r\n", True), (good * 400, True),
    ]
    for text, wanted in shapes:
        expect(report, finds(files.check_shape, "x.h", header, text), wanted, f"the shape of {text[-20:]!r}")
    for text, wanted in ((good, False), ("#pragma once\n", True), ("// Prose.\n", True), (good + "class JobManager {};\n", True)):
        expect(report, finds(files.check_code, "x.h", header, text), wanted, f"the head of {text!r}")
    for name, wanted in (("job_text.cc", False), ("JobText.cc", True), ("0001_first.sql", False), ("job-text.h", True)):
        expect(report, finds(files.check_name, name, pathlib.Path(name)), wanted, f"the name {name}")
    for words, wanted in (("a subscription", False), ("in this ses" + "sion", True), ("see issue " + "#12", True),
                          ("cd /ho" + "me/anna/x", True), ("FIX" + "ME", True), ("host /root-cause", False)):
        expect(report, finds(files.check_words, "x.md", words), wanted, words)


def check_doors(report):
    cases = [
        ("const int fd = ::open(path, 0);", True), ("folder.open(name, Use::read);", False), ("bool LogFile::open() {", False),
        ("std::rename(a, b);", True), ("std::remove(a, b, c);", False), ("(void)::unlink(p);", True), ("root->rename(a, b);", False), ("unlinkat(fd, n, 0);", True), ("// ::open(x)", False),
        ("std::ifstream file(path);", True), ("namespace fs = std::filesystem;", True), ("::fstat(fd, &info)", False),
        ('say("::open(x)");', False), ("::syscall(SYS_openat2, 1)", True), ("DIR* d = opendir(p);", True), ("reopen(x)", False),
    ]
    for text, wanted in cases:
        expect(report, finds(doors.check_doors, "x.cc", text, ""), wanted, f"the call in {text!r}")
    expect(report, finds(doors.check_doors, "x.cc", "::open(p)", "open"), False, "a call that is allowed")
    expect(report, finds(doors.check_doors, "x.cc", "f();", "open"), True, "an allowance that nothing needs")


def main():
    report = Report()
    check_doors(report)
    check_includes(report)
    check_symbols(report)
    check_files(report)
    report.end()


if __name__ == "__main__":
    main()
