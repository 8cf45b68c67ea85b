#!/usr/bin/env python3
"""Makes libFuzzer a corpus to start from: corpus.py TARGET FOLDER. One file for each of the recordings in
tests/golden/mesos, for its body, and for every record of a stream; the example jobs for `submission`."""
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def records(body):
    """The records of a chunked stream, each recorded in a chunk of its own."""
    while body:
        size, _, rest = body.partition(b"\r\n")
        try:
            length = int(size, 16)
        except ValueError:
            return
        if length == 0:
            return
        yield rest[:length].partition(b"\n")[2]
        body = rest[length + 2:]


def parts(path):
    whole = path.read_bytes()
    yield whole
    head, found, body = whole.partition(b"\r\n\r\n")
    if found:
        yield body
        if b"Transfer-Encoding: chunked" in head:
            yield from records(body)


def main(target, folder):
    source = ROOT / "api" if target == "submission" else ROOT / "tests" / "golden" / "mesos"
    for path in sorted(source.rglob("*")):
        if path.is_file():
            for part in parts(path):
                (Path(folder) / hashlib.sha1(part).hexdigest()).write_bytes(part)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
