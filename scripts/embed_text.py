#!/usr/bin/env python3
"""Turns one text file into a C++ source with a function that answers it:
embed_text.py OUTPUT.cc INPUT HEADER FUNCTION, for instance server/openapi.h openapi_document."""

import pathlib
import sys


def main(output, source, header, function):
    text = pathlib.Path(source).read_text(encoding="utf-8")
    if ')text"' in text:
        sys.exit(f"{source}: contains the delimiter of a raw string")
    pathlib.Path(output).write_text(
        f'// Made by scripts/embed_text.py from {pathlib.Path(source).name}.\n'
        f'#include "{header}"\n\n'
        'namespace mimas::server {\n\n'
        f'std::string_view {function}() {{ return R"text({text})text"; }}\n\n'
        '}  // namespace mimas::server\n', encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
