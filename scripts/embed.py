#!/usr/bin/env python3
"""Turns the SQL migrations into one C++ source: embed.py OUTPUT.cc schema/0001_first.sql schema/0002_….sql …

The number in a file's name is the schema version it leads to; numbers start at 1 and have no gaps."""

import pathlib
import sys


def main(output, inputs):
    rows = []
    for expected, name in enumerate(sorted(inputs, key=lambda path: pathlib.Path(path).name), start=1):
        path = pathlib.Path(name)
        if int(path.name.split("_")[0]) != expected:
            sys.exit(f"{path.name}: expected migration {expected:04d}")
        text = path.read_text(encoding="utf-8")
        if ')sql"' in text:
            sys.exit(f"{path.name}: contains the delimiter of a raw string")
        rows.append(f'    {{{expected}, R"sql({text})sql"}},\n')
    pathlib.Path(output).write_text(
        '// Made by scripts/embed.py from schema/*.sql.\n'
        '#include "store/migrations.h"\n\n'
        'namespace mimas::store {\n\n'
        'std::span<const Migration> migrations() {\n'
        '  static constexpr Migration kAll[] = {\n' + "".join(rows) + '  };\n'
        '  return kAll;\n'
        '}\n\n'
        '}  // namespace mimas::store\n', encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
