#!/usr/bin/env python3
"""Seeds for the fuzzers out of tests/data. usage: fuzz_seeds.py OUT

Makes OUT/NAME for each tests/fuzz/NAME_fuzz.cpp whose name says what it reads: whole streams, dnstap payloads,
DNS messages, packets or capture files. A fuzzer that reads something else has its seeds in tests/fuzz/NAME.
"""
import hashlib
import pathlib
import shutil
import struct
import sys

import sources

sys.path.append(str(sources.ROOT / "tests/e2e"))
from frame_streams import frames_of  # noqa: E402

DATA = sources.ROOT / "tests/data"
LARGEST = 8192  # longer inputs only slow a fuzzer down
# The part of a fuzzer's name that says what it reads; the first that fits.
READS = (("pcap", "captures"), ("capture", "captures"), ("packet", "packets"), ("frame_streams", "streams"),
         ("fstrm", "streams"), ("dnstap", "payloads"), ("dns", "messages"), ("name", "messages"),
         ("edns", "messages"), ("rdata", "messages"), ("json", "payloads"), ("matcher", "messages"), ("pairer", "messages"),
         ("config", "configurations"))


def fields(data):
    """(number, bytes) of the length-delimited fields of a protobuf message; stops at the first fault."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while at < len(data) and shift < 70:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
        raise ValueError

    try:
        while at < len(data):
            tag = varint()
            if tag & 7 == 0:
                varint()
            elif tag & 7 == 1:
                at += 8
            elif tag & 7 == 5:
                at += 4
            elif tag & 7 == 2:
                length = varint()
                yield tag >> 3, data[at:at + length]
                at += length
            else:
                return
    except ValueError:
        return


def dns_messages(payload):
    """query_message is field 10, response_message 14, of the Message in field 14."""
    for number, message in fields(payload):
        if number == 14:
            yield from (value for inner, value in fields(message) if inner in (10, 14))


def packets(capture):
    at = 24
    while at + 16 <= len(capture):
        (length,) = struct.unpack("<I", capture[at + 8:at + 12])
        yield capture[at + 16:at + 16 + length]
        at += 16 + length


def seeds():
    streams = [path.read_bytes() for folder in ("dnstap", "malformed") for path in sorted((DATA / folder).rglob("*"))
               if path.suffix in (".fstrm", ".raw")]
    payloads = [frame for stream in streams for frame in list(frames_of(stream))[:60]]
    captures = [path.read_bytes() for folder in ("pcap", "malformed/pcap") for path in sorted((DATA / folder).glob("*"))]
    return {
        "streams": [stream[:LARGEST] for stream in streams],
        "payloads": payloads,
        "messages": [message for payload in payloads for message in dns_messages(payload)],
        "captures": [capture[:LARGEST] for capture in captures],
        "configurations": [path.read_bytes() for path in sorted((sources.ROOT / "docs").glob("*.yaml"))],
        "packets": [packet for capture in captures if capture[:4] == b"\xd4\xc3\xb2\xa1"
                    for packet in list(packets(capture))[:200]],
    }


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    kinds = seeds()
    for fuzzer in sorted((sources.ROOT / "tests/fuzz").glob("*_fuzz.cpp")):
        name = fuzzer.stem.removesuffix("_fuzz")
        own = sources.ROOT / "tests/fuzz" / name
        kind = next((kind for part, kind in READS if part in name), None)
        data = [path.read_bytes() for path in sorted(own.glob("*"))] if own.is_dir() else kinds.get(kind, [])
        (out / name).mkdir(parents=True)
        for seed in data:
            if 0 < len(seed) <= LARGEST:
                (out / name / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        print(f"{name}: {len(list((out / name).iterdir()))} seeds")


if __name__ == "__main__":
    main()
