#!/usr/bin/env python3
"""Puts sources together into few translation units, each a file of #includes, so that the headers they share are parsed
a few times and not once for each: most of what compiling the executors costs, four times over.

usage: units.py ROOT DIRECTORY COUNT DEPFILE SOURCE...    writes DIRECTORY/unit_1.cc to unit_COUNT.cc, some perhaps empty

Two sources share a unit only if no name that one of them has for itself (in an unnamed namespace, by `static`, `using` or
`#define`) is written anywhere in the other, or declared by a header of the other. The same sources give the same units.
"""
import os
import re
import sys

WORD = re.compile(r"[A-Za-z_]\w*")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
OWN = re.compile(r"\s*(static|using|constexpr|const|inline|enum|struct|class)\b")
MEMBER = re.compile(r"(?:\.|->|::)\s*[A-Za-z_]\w*")
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
KEYWORDS = set("""alignas auto bool case char class const constexpr default delete else enum explicit false for if inline int
    long namespace new noexcept nullptr operator private public return short signed sizeof static struct switch template this
    true typename union unsigned using void volatile while std size_t string string_view vector""".split())


def without_noise(text):
    return NOISE.sub(lambda found: "" if found.group(0).startswith("/") else '""', text)


def outline(text):
    """What stands directly in a namespace: no function bodies, no members, no initialisers."""
    out, depth = [], []
    pending = ""
    for piece in re.split(r"([{};])", text):
        if piece == "{":
            is_namespace = re.search(r"\bnamespace(\s+[\w:]+)?\s*$", pending) is not None
            depth.append(is_namespace)
            if not is_namespace and all(depth[:-1]):
                out.append(pending)
            elif is_namespace and re.search(r"\bnamespace\s*$", pending):
                out.append("{")
            pending = ""
        elif piece == "}":
            if depth and depth.pop() and all(depth):
                out.append("}")
            pending = ""
        elif piece == ";":
            if all(depth):
                out.append(pending)
            pending = ""
        else:
            pending += piece
    return out


def names_in(text, everything):
    """The names that a source has for itself, or `everything` that it declares in a namespace; rather too many than too few."""
    names = set(re.findall(r"^\s*#\s*define\s+(\w+)", text, re.MULTILINE))
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    unnamed = 0
    for statement in outline(text):
        if statement == "{":
            unnamed += 1
        elif statement == "}":
            unnamed = max(0, unnamed - 1)
        elif everything or unnamed or OWN.match(statement):
            head = re.split(r"=(?!=)", statement, maxsplit=1)[0]
            names.update(WORD.findall(head.split("(")[0])[-1:])
            names.update(re.findall(r"\b(?:struct|class|enum|using)\s+(?:class\s+)?(\w+)", head))
    return names - KEYWORDS


def headers_of(root, path, seen):
    """The project's headers that the file includes, and theirs."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name in INCLUDE.findall(text):
        header = os.path.join(root, name)
        if header not in seen and os.path.exists(header):
            seen[header] = names_in(without_noise(headers_of(root, header, seen)), True)
    return text


def write(path, text):
    """Leaves a file alone that is right already: what is made of it stays, too."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    root, directory, count, depfile, sources = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sorted(sys.argv[5:])
    units = [{"sources": [], "own": set(), "words": set(), "size": 0} for _ in range(count)]
    read, all_headers = [], set()
    for source in sources:
        headers = {}
        text = without_noise(headers_of(root, source, headers))
        all_headers.update(headers)
        # What is named as somebody's member cannot be mistaken for a name of the namespace.
        words = set(WORD.findall(MEMBER.sub(" ", text))).union(*headers.values())
        read.append((len(text), source, names_in(text, False), words))
    for size, source, own, words in sorted(read, key=lambda one: (-one[0], one[1])):
        fitting = [unit for unit in units if not unit["own"] & words and not own & unit["words"]]
        if not fitting:
            sys.exit(f"units.py: {source} has names of its own that every unit uses: {sorted(own)}; rename some, or let there be "
                     "more units (src/executor/meson.build)")
        unit = min(fitting, key=lambda one: one["size"])
        unit["sources"].append(source)
        unit["own"] |= own
        unit["words"] |= words
        unit["size"] += size
    outputs = [os.path.join(directory, f"unit_{number}.cc") for number in range(1, count + 1)]
    for output, unit in zip(outputs, units):
        names = [os.path.relpath(source, root) for source in sorted(unit["sources"])]
        write(output, "".join(f'#include "{name}"\n' for name in names))
    with open(depfile, "w", encoding="utf-8") as file:
        file.write(f"{outputs[0]}: {' '.join(sorted(all_headers))}\n")


if __name__ == "__main__":
    main()
