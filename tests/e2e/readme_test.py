"""The README's session with curl does what it shows.

Commands are taken from the console block of its section; `…` in the shown output stands for anything within a line, and on a
line of its own for any lines. A GET is asked again until it answers as shown: states take a moment. All else is run once.
"""
import os
import re
import shutil
import subprocess
import sys
import time

from harness import PATIENCE_SECS, World, run

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SECTION = "## A session with curl"


def session(text):
    """[(command, shown output)]"""
    assert SECTION in text, f"the README has no section '{SECTION}'"
    section = text.split(SECTION, 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.S)
    assert blocks, "its section has no console block"
    steps = []
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return [(command, "".join(line + "\n" for line in shown)) for command, shown in steps]


def pattern_of(shown):
    lines = [r"(?:[^\n]*\n)*" if line == "…" else ".*".join(re.escape(part) for part in line.split("…")) + r"\n"
             for line in shown.splitlines()]
    return re.compile("".join(lines))


def matches(shown, output):
    if output and not output.endswith("\n"):
        output += "\n"
    return pattern_of(shown).fullmatch(output) is not None


def play(listen, command, shown):
    assert "localhost:7101" in command, f"not asked of mimas dev: {command}"
    repeatable = " -d " not in command and " -X " not in command
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        done = subprocess.run(["sh", "-c", command.replace("localhost:7101", listen)], capture_output=True, text=True,
                              timeout=PATIENCE_SECS, check=False, cwd=ROOT)
        assert done.returncode == 0, (command, done.stderr)
        if matches(shown, done.stdout):
            return
        assert repeatable and time.monotonic() < deadline, f"$ {command}\nshown:\n{shown}\nbut:\n{done.stdout}"
        time.sleep(0.1)


def the_session_in_the_readme_is_what_happens():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        steps = session(file.read())
    assert len(steps) >= 8, steps
    with World() as world:
        world.dev()
        for command, shown in steps:
            play(world.listen, command, shown)


def dots_stand_for_what_differs_and_for_nothing_else():
    assert matches("", "") and not matches("", "{}")
    assert matches('{"a":"…"}\n', '{"a":"x"}') and not matches('{"a":"…"}\n', '{"b":"x"}')
    assert not matches('{"a":"…"}\n', '{"a":"x"}\nmore\n')
    assert matches("…\nb\n…\n", "a\nb\n") and not matches("…\nb\n…\n", "a\nc\n")


if __name__ == "__main__":
    for program in ("curl", "jq"):
        if not shutil.which(program):
            print(f"skipped: {program} is not installed")
            sys.exit(77)
    run([dots_stand_for_what_differs_and_for_nothing_else, the_session_in_the_readme_is_what_happens])
