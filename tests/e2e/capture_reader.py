"""Reads the capture files that Weir writes: pcap with nanoseconds and pcapng, in this machine's byte order.

Knows nothing that a reader of theirs need not: what is odd is an error.
"""
import collections
import struct
import subprocess

Packet = collections.namedtuple("Packet", "time_ns wire data link comment interface")


def fill(length):
    return (length + 3) // 4 * 4


def read(path):
    """[Packet]; raises where the file is not whole."""
    data = path.read_bytes()
    return list(_pcap(data) if data[:4] == struct.pack("=I", 0xA1B23C4D) else _pcapng(data))


def normalized(path, folder):
    """What libwireshark finds in any capture file, or None where it finds fault."""
    out = folder / f"normalized-{path.name}.pcapng"
    run = subprocess.run(["editcap", "-F", "pcapng", path, out], capture_output=True, text=True, check=False)
    return read(out) if run.returncode == 0 else None


def _pcap(data):
    _, major, minor, _, _, snap, link = struct.unpack("=IHHIIII", data[:24])
    assert (major, minor) == (2, 4)
    at = 24
    while at < len(data):
        seconds, fraction, captured, wire = struct.unpack("=IIII", data[at:at + 16])
        assert captured <= snap and fraction < 10**9 and at + 16 + captured <= len(data), f"at byte {at}"
        yield Packet(seconds * 10**9 + fraction, wire, data[at + 16:at + 16 + captured], link, "", "")
        at += 16 + captured


def _options(data):
    found = {}
    while len(data) >= 4:
        code, length = struct.unpack("=HH", data[:4])
        if code == 0:
            assert not data[4:], "options behind their end"
            break
        found[code] = data[4:4 + length]
        data = data[4 + fill(length):]
    return found


def _pcapng(data):
    at = 0
    interfaces = []
    while at < len(data):
        kind, length = struct.unpack("=II", data[at:at + 8])
        assert length % 4 == 0 and data[at + length - 4:at + length] == struct.pack("=I", length), f"at byte {at}"
        body = data[at + 8:at + length - 4]
        at += length
        if kind == 0x0A0D0D0A:
            assert struct.unpack("=IHH", body[:8]) == (0x1A2B3C4D, 1, 0)
            interfaces = []
        elif kind == 1:
            options = _options(body[8:])
            resolution = options.get(9, b"\x06")[0]
            interfaces.append((struct.unpack("=H", body[:2])[0], 10**9 // 10**resolution, options.get(2, b"").decode()))
        elif kind == 6:
            number, high, low, captured, wire = struct.unpack("=IIIII", body[:20])
            link, tick, name = interfaces[number]
            comment = _options(body[20 + fill(captured):]).get(1, b"").decode()
            yield Packet((high << 32 | low) * tick, wire, body[20:20 + captured], link, comment, name)
        else:
            assert kind in (4, 5), f"block {kind}"  # names, statistics: editcap's
