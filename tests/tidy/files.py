#!/usr/bin/env python3
"""Rules that every file of the tree keeps: length, tabs, endings, names, and words that have no place in it."""
import re

from report import ROOT, Report, files, shown

LINES_MAX = 600
CODE = {".cc", ".h", ".py", ".proto"}
AS_LONG_AS_IT_IS = {".proto"}  # as long as the protocol it copies
TEXT = CODE | {".md", ".json", ".yml", ".yaml", ".sql", ".build", ".txt", ".sh", ".toml", ".ini", ".cross", ".wrap", ""}
TABS_ALLOWED = {"Makefile", ".gitmodules"}
FOREIGN = {"LICENSE", "NOTICE"}  # other people's words: only their endings are looked at
NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*\.(cc|h|py|proto|sql)$")
MIGRATION = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
AVOIDED = re.compile(r"^(class|struct)\s+\w*(Manager|Helper|Util|Utils|Common|Handler)\b", re.MULTILINE)

# Each is put together from two halves, so that this file may be looked at like every other.
FORBIDDEN = [
    (r"\b(working|this|my) ses" + r"sion\b|\bas you asked\b|\bas reque" + r"sted\b", "talks about how it was written"),
    (r"\b(issue|pull request|ticket) #" + r"\d+\b", "names a ticket: say what it says instead"),
    (r"(?<![\w.])/ho" + r"me/\w+/|(?<![\w.])/ro" + r"ot/", "names a path of one machine"),
    (r"\bfix" + r"me\b|\bx" + r"xx:", "is a note to oneself: do it, or write down why not"),
    # Where this very checkout lies, unless that is a word that may stand in a text.
    (re.escape(str(ROOT)) if str(ROOT).count("/") > 1 else r"(?!)", "names the path of a checkout"),
]
FORBIDDEN = [(re.compile(pattern, re.IGNORECASE), why) for pattern, why in FORBIDDEN]


def check_words(report, name, text):
    for pattern, why in FORBIDDEN:
        found = pattern.search(text)
        where = f"{name}:{text.count(chr(10), 0, found.start()) + 1}" if found else name
        report.check(found is None, where, f"“{found.group(0) if found else ''}” {why}", "say it without")


def check_shape(report, name, path, text):
    lines = text.count("\n")
    report.check(text.endswith("\n") and not text.endswith("\n\n"), name, "does not end with exactly one newline",
                 "end the last line and leave no blank ones after it")
    report.check("\r" not in text, name, "has carriage returns", "write Unix line endings")
    if path.name in FOREIGN:
        return
    if path.suffix in CODE - AS_LONG_AS_IT_IS:
        report.check(lines <= LINES_MAX, name, f"has {lines} lines, more than {LINES_MAX}",
                     "it holds more than one idea: split it along them")
    if path.name not in TABS_ALLOWED:
        at = text.find("\t")
        report.check(at < 0, f"{name}:{text.count(chr(10), 0, max(at, 0)) + 1}", "has a tab", "indent with blanks")
    if path.suffix != ".md":
        found = re.search(r"[ \t]+$", text, re.MULTILINE)
        where = f"{name}:{text.count(chr(10), 0, found.start()) + 1}" if found else name
        report.check(found is None, where, "has blanks at the end of a line", "remove them")


TEST_NAMED = re.compile(r"\btests/[a-z_]+/[a-z_]+_test\.(?:cc|py)")


def check_tests_named(report, name, text):
    """A header that says where it is tested must be right."""
    for found in TEST_NAMED.finditer(text):
        at = f"{name}:{text.count(chr(10), 0, found.start()) + 1}"
        report.check((ROOT / found.group(0)).exists(), at, f"names {found.group(0)}, which is not there",
                     "name the test that covers it, or write one")


def check_name(report, name, path):
    if path.suffix not in {".cc", ".h", ".py", ".proto", ".sql"}:
        return
    good = NAME.match(path.name) or MIGRATION.match(path.name)
    report.check(bool(good), name, "is not named in snake_case", "words_like_this.cc")


def check_code(report, name, path, text):
    if path.suffix == ".h":
        first_line = text.split("\n", 1)[0]
        report.check("#pragma once" in text, name, "has no #pragma once")
        report.check(first_line.startswith("//"), name, "does not open with prose",
                     "say what it is, its bounds, who may call it from where, and where it is tested")
    if path.suffix in {".h", ".cc"}:
        found = AVOIDED.search(text)
        report.check(found is None, name, f"“{found.group(0) if found else ''}”: the name says nothing",
                     "name it for the noun it is")


def main():
    report = Report()
    for wanted in (".editorconfig", ".clang-format", "LICENSE", "README.md", "src/README.md"):
        report.check((ROOT / wanted).is_file(), wanted, "is missing")
    looked_at = 0
    for path in files():
        if path.suffix not in TEXT:
            continue
        name = shown(path)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            report.check(path.suffix not in CODE, name, "is not UTF-8", "save it as UTF-8")
            continue
        if not text:
            report.check(path.suffix not in CODE, name, "is empty", "fill it or remove it")
            continue
        looked_at += 1
        check_words(report, name, text)
        if path.suffix == ".h":
            check_tests_named(report, name, text)
        check_shape(report, name, path, text)
        check_name(report, name, path)
        check_code(report, name, path, text)
    report.check(looked_at > 20, "files.py", f"saw only {looked_at} files", "is it run from another place?")
    report.end()


if __name__ == "__main__":
    main()
