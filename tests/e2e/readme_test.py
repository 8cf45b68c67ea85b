"""The README's sessions do what they show.

Commands are taken from the console block of a section; `…` in the shown output stands for anything within a line, and on a
line of its own for any lines. What only asks is asked again until it answers as shown: states take a moment. All else is run
once. Where a section says how to start `mimas dev`, it is started so.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

from harness import MIMAS, PATIENCE_SECS, World, run

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SECTIONS = ("## A session with curl", "## Why is my job pending?")
DEV = "./build/mimas dev"
ASKS = ("why", "plan", "cluster")  # commands of mimas that change nothing


def section_of(text, title):
    assert title in text, f"the README has no section '{title}'"
    return text.split(title, 1)[1].split("\n## ", 1)[0]


def dev_arguments(section):
    """What the section's own `mimas dev` is started with; without one: nothing."""
    for block in re.findall(r"```sh\n(.*?)```", section, re.S):
        if block.startswith(DEV):
            return shlex.split(block.replace("\\\n", " ").removeprefix(DEV), comments=True)
    return []


def session(section):
    """[(command, shown output)]"""
    blocks = re.findall(r"```console\n(.*?)```", section, re.S)
    assert blocks, "the section has no console block"
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


def only_asks(command):
    words = command.split("./build/mimas ")[1:]
    return " -d " not in command and " -X " not in command and all(word.split()[0] in ASKS for word in words)


def play(listen, command, shown):
    assert "localhost:7101" in command or "./build/mimas " in command, f"not asked of mimas dev: {command}"
    repeatable = only_asks(command)
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        done = subprocess.run(["sh", "-c", command.replace("localhost:7101", listen).replace("./build/mimas ", MIMAS + " ")],
                              capture_output=True, text=True, timeout=PATIENCE_SECS, check=False, cwd=ROOT,
                              env={**os.environ, "MIMAS_SERVER": listen})
        assert done.returncode == 0, (command, done.stderr)
        if matches(shown, done.stdout):
            return
        assert repeatable and time.monotonic() < deadline, f"$ {command}\nshown:\n{shown}\nbut:\n{done.stdout}"
        time.sleep(0.1)


def the_sessions_in_the_readme_are_what_happens():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for title in SECTIONS:
        section = section_of(text, title)
        steps = session(section)
        assert len(steps) >= 6, steps
        with World() as world:
            world.dev(*dev_arguments(section))
            for command, shown in steps:
                play(world.listen, command, shown)


def how_it_is_started_is_read_from_the_section():
    assert dev_arguments("x\n```sh\n./build/mimas dev --a 'b;c' \\\n    --d\n```\n") == ["--a", "b;c", "--d"]
    assert dev_arguments("x\n```sh\nls\n```\n") == []
    assert only_asks("./build/mimas why mimas-1") and not only_asks("./build/mimas kill mimas-1")


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
    run([dots_stand_for_what_differs_and_for_nothing_else, how_it_is_started_is_read_from_the_section,
         the_sessions_in_the_readme_are_what_happens])
