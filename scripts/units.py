#!/usr/bin/env python3
"""Puts sources together into few translation units, each a file of #includes, so that the headers they share are parsed
and the templates they share are compiled a few times and not once for each: most of what a build from nothing costs.

usage: units.py ROOTS DEPFILE UNIT... -- SOURCE...    writes the UNITs, some perhaps empty

ROOTS, with ":" between them, are the folders that #includes are looked up in.

Two sources share a unit only if no name that one of them has for itself (in an unnamed namespace, by `static`, `using` or
`#define`) means something else in the other: is declared there or by a header that it includes, in the same namespace or
one around it, or is written there at all; of functions it counts what is called or declared. Sources that include the same
library's headers are put together first, for these are the largest. The same sources give the same units.
"""
import os
import re
import sys

WORD = re.compile(r"[A-Za-z_]\w*")
CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
LIBRARY = re.compile(r'^\s*#\s*include\s+[<"](CLI|google|httplib|mesos/v1|openssl|prometheus|re2|spdlog)\b', re.MULTILINE)
TEMPLATE = re.compile(r"\btemplate\s*<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>")
OWN = re.compile(r"\s*(static|using|constexpr|const|inline|enum|struct|class)\b")
USING = re.compile(r"\s*using\s+(?!namespace)((?:[\w:]+::)?(\w+))\s*$")
ALIAS = re.compile(r"\s*(?:using|namespace)\s+(\w+)\s*=\s*(.+?)\s*$", re.DOTALL)
MEMBER = re.compile(r"(?:\.|->|::)\s*[A-Za-z_]\w*")
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
KEYWORDS = set("""alignas auto bool case char class const constexpr default delete else enum explicit false for if inline int
    long namespace new noexcept nullptr operator private public return short signed sizeof static struct switch template this
    true typename union unsigned using void volatile while std size_t string string_view vector TEST_CASE""".split())


def without_noise(text):
    return NOISE.sub(lambda found: "" if found.group(0).startswith("/") else '""', text)


def outline(text):
    """What stands directly in a namespace, as (namespace, inside an unnamed one, statement): no bodies, no initialisers."""
    out, depth = [], []
    pending = ""
    for piece in re.split(r"([{};])", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)):
        inside = all(name is not None for name in depth)
        if piece == "{":
            opened = re.search(r"\bnamespace(?:\s+([\w:]+))?\s*$", pending)
            if not opened and inside:
                out.append(("::".join(filter(None, depth)), "" in depth, TEMPLATE.sub(" ", pending)))
            depth.append((opened.group(1) or "") if opened else None)
            pending = ""
        elif piece == "}":
            if depth:
                depth.pop()
            pending = ""
        elif piece == ";":
            if inside:
                out.append(("::".join(filter(None, depth)), "" in depth, TEMPLATE.sub(" ", pending)))
            pending = ""
        else:
            pending += piece
    return out


def declared(statement):
    """The names that a statement declares; a function's ends with "("."""
    head = re.split(r"=(?!=)", statement, maxsplit=1)[0]
    before = head.split("(")[0].rstrip()
    name = [] if re.search(r"::\s*[~\w]+$", before) else WORD.findall(before)[-1:]  # a member's definition declares nothing
    kinds = re.findall(r"\b(?:struct|class|enum|using)\s+(?:class\s+)?(\w+)\b(?!\s*::)", head)
    if "(" in head and not kinds and name:
        name = [name[0] + "("]
    return {one for one in name + kinds if one.rstrip("(") not in KEYWORDS}


class Source:
    """What of one file could be mistaken for something else beside others."""

    def __init__(self, roots, path, headers):
        raw, text = read(path)
        self.path, self.size = path, len(text)
        self.own = set(re.findall(r"^\s*#\s*define\s+(\w+)", text, re.MULTILINE))
        self.shared = {}  # `using other::name`, which every file may say
        opened = set()  # namespaces that are looked into for every name: all of a unit have to say so
        spaces = set()
        for space, unnamed, statement in outline(text):
            spaces.add(space)
            using, alias = USING.match(statement), ALIAS.match(statement)
            if using:
                self.shared[using.group(2)] = using.group(1)
            elif alias:
                self.shared[alias.group(1)] = alias.group(2)
            elif statement.lstrip().startswith("using namespace"):
                opened.add(statement.split()[-1])
            elif unnamed or OWN.match(statement):
                self.own |= declared(statement)
        self.opened = frozenset(opened)
        # Where an unqualified name of this file is looked for.
        self.visible = {"::".join(space.split("::")[:depth]) for space in spaces | opened
                        for depth in range(len(space.split("::")) + 1)}
        bare = MEMBER.sub(" ", text)
        self.words = set(WORD.findall(bare)) | {name + "(" for name in CALL.findall(bare)}
        self.brought = {}  # namespace → what its headers declare there
        self.aliases = {}  # (namespace, name) → what it stands for by a header
        libraries = set(LIBRARY.findall(raw))
        for header in headers_of(roots, path, raw, headers, set()):
            for space, names in headers[header][0].items():
                self.brought.setdefault(space, set()).update(names)
            self.aliases.update(headers[header][2])
            libraries.update(LIBRARY.findall(headers[header][1]))
        self.libraries = frozenset(libraries)

    def clashes(self, other):
        if self.opened != other.opened or self.is_mistaken(other) or other.is_mistaken(self):
            return True
        return any(other.aliases.get(name, whole) != whole for name, whole in self.aliases.items())

    def is_mistaken(self, other):
        """Does a name that this one has for itself mean something else there, or there is more that it could mean?"""
        if any(other.shared[name] != whole if name in other.shared else name in other.words
               for name, whole in self.shared.items()):
            return True
        mine = self.own | set(self.shared)
        return bool(self.own & other.words) or any(
            mine & names for space, names in other.brought.items() if space in self.visible | other.visible)


def read(path):
    with open(path, encoding="utf-8") as file:
        raw = file.read()
    return raw, without_noise(raw)


def headers_of(roots, path, raw, known, seen):
    """The project's headers that a file includes, and theirs; `known` keeps what they declare."""
    for name in INCLUDE.findall(raw):
        places = [os.path.normpath(os.path.join(root, name)) for root in [os.path.dirname(path), *roots]]
        header = next((place for place in places if os.path.exists(place)), None)
        if header is None or header in seen:
            continue
        seen.add(header)
        if header not in known:
            text, plain = read(header)
            by_space = {"": set(re.findall(r"^\s*#\s*define\s+(\w+)", plain, re.MULTILINE))}
            aliases = {}
            for space, _, statement in outline(plain):
                by_space.setdefault(space, set()).update(declared(statement))
                alias = ALIAS.match(statement)
                if alias:
                    aliases[(space, alias.group(1))] = alias.group(2)
            known[header] = (by_space, text, aliases)
        headers_of(roots, header, known[header][1], known, seen)
    return seen


def write(path, text):
    """Leaves a file alone that is right already: what is made of it stays, too."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def put_together(sources, count):
    """The sources that clash with most go first; each to the unit that it makes the least larger."""
    clashing = {one.path: {other.path for other in sources if other is not one and one.clashes(other)} for one in sources}
    units = [{"sources": [], "paths": set(), "size": 0, "libraries": frozenset()} for _ in range(count)]
    for source in sorted(sources, key=lambda one: (-len(clashing[one.path]), -one.size, one.path)):
        fitting = [unit for unit in units if not clashing[source.path] & unit["paths"]]
        if not fitting:
            sys.exit(f"units.py: {source.path} has names of its own that mean something else in every unit: "
                     f"{sorted(source.own)}; rename some, or let there be more units (the room's meson.build)")
        # A library's headers weigh as much as 60 KB of source: better parsed again than all its users in one unit.
        unit = min(fitting, key=lambda one: one["size"] + 60_000 * len(source.libraries - one["libraries"]))
        unit["sources"].append(source)
        unit["paths"].add(source.path)
        unit["size"] += source.size + 60_000 * len(source.libraries - unit["libraries"])
        unit["libraries"] |= source.libraries
    return units


def main():
    roots, depfile = sys.argv[1].split(":"), sys.argv[2]
    outputs, paths = sys.argv[3:sys.argv.index("--")], sorted(sys.argv[sys.argv.index("--") + 1:])
    headers = {}
    units = put_together([Source(roots, path, headers) for path in paths], len(outputs))
    for output, unit in zip(outputs, units):
        names = sorted(min((os.path.relpath(source.path, root) for root in roots), key=len) for source in unit["sources"])
        write(output, "".join(f'#include "{name}"\n' for name in names))
    with open(depfile, "w", encoding="utf-8") as file:
        file.write(f"{outputs[0]}: {' '.join(sorted(headers))}\n")


if __name__ == "__main__":
    main()
