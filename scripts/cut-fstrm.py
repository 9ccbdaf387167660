#!/usr/bin/env python3
"""Makes a small Frame Streams file out of a large one, for tests/data.

usage: cut-fstrm.py FRAMES IN OUT [EXPECTED_IN EXPECTED_OUT]

Keeps all control frames, the first FRAMES data frames, and of the rest each one that shows something new:
a pair of message type and QTYPE, RCODE, transport or identity that no frame before it had. EXPECTED_IN (may be
gzipped) holds one JSON line a data frame; the lines of the frames that are kept go to EXPECTED_OUT.
"""
import gzip
import json
import struct
import sys


def frames(data):
    """(is_control, bytes of the frame with its length) for each frame."""
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack(">I", data[at:at + 4])
        start, control = at, length == 0
        at += 4
        if control:
            (length,) = struct.unpack(">I", data[at:at + 4])
            at += 4
        at += length
        yield control, data[start:at]


def features(line):
    kind = line.get("type")
    yield kind, "identity", line.get("identity")
    yield kind, "protocol", line.get("protocol"), line.get("family")
    for side in ("query", "response"):
        dns = line.get(side)
        if dns:
            yield kind, "qtype", dns.get("qtype")
            yield kind, "rcode", dns.get("rcode"), dns.get("opcode")
            yield kind, "flags", dns.get("flags")
            for option in dns.get("edns_options", []):
                yield kind, "option", option


def main():
    if len(sys.argv) not in (4, 6):
        sys.exit(__doc__)
    limit, source, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    lines = None
    if len(sys.argv) == 6:
        opener = gzip.open if sys.argv[4].endswith(".gz") else open
        with opener(sys.argv[4], "rt", encoding="utf-8") as file:
            lines = [json.loads(text) for text in file]
    seen, kept, number = set(), [], 0
    with open(source, "rb") as file:
        data = file.read()
    with open(target, "wb") as out:
        for control, raw in frames(data):
            if not control:
                number += 1
                fresh = set(features(lines[number - 1])) - seen if lines else set()
                if number > limit and not fresh:
                    continue
                seen |= fresh
                kept.append(number)
            out.write(raw)
    if lines:
        with open(sys.argv[5], "w", encoding="utf-8") as out:
            for new, old in enumerate(kept, 1):
                out.write(json.dumps({**lines[old - 1], "n": new}, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{target}: {len(kept)} of {number} frames")


if __name__ == "__main__":
    main()
