"""A sender of Frame Streams with dnstap in it, by the letter of fstrm's protocol: what a resolver would be."""
import os
import signal
import socket
import struct
import time

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5


def control(kind, content_type=CONTENT_TYPE):
    body = struct.pack(">I", kind)
    if content_type is not None and kind in (ACCEPT, START, READY):
        body += struct.pack(">II", 1, len(content_type)) + content_type
    return struct.pack(">II", 0, len(body)) + body


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def frames_of(data):
    """The data frames of a stream or file, without their lengths."""
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack(">I", data[at:at + 4])
        at += 4
        if length == 0 and at + 4 <= len(data):
            (length,) = struct.unpack(">I", data[at:at + 4])
            at += 4 + length
            continue
        if at + length > len(data):
            return
        yield data[at:at + length]
        at += length


def _varint(value):
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _bytes(number, value):
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number(number, value):
    return _varint(number << 3) + _varint(value)


def dns_query(name, message_id=1, qtype=1, flags=0x0100):
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    return struct.pack(">HHHHHH", message_id, flags, 1, 0, 0, 0) + wire + struct.pack(">HH", qtype, 1)


def dnstap(name, message_id=1, client="192.0.2.1", port=40000, identity=b"e2e", padding=0, kind=5):
    """A message about `name`: of an odd kind a query (5: CLIENT_QUERY), of an even one a response, 1 ms later."""
    response = kind % 2 == 0
    at = 4 if response else 0
    wire = dns_query(name, message_id, flags=0x8180 if response else 0x0100)
    # Without a client, as some resolvers tell of their own queries.
    asker = _bytes(4, socket.inet_aton(client)) + _number(6, port) if client else b""
    message = (_number(1, kind) + _number(2, 1) + _number(3, 1) + asker +
               _bytes(5, socket.inet_aton("198.51.100.53")) + _number(7, 53) +
               _number(8 + at, 1795227147) + _varint((9 + at) << 3 | 5) +
               struct.pack("<I", 124456789 if response else 123456789) + _bytes(10 + at, wire))
    extra = _bytes(3, b"x" * padding) if padding else b""
    return _bytes(1, identity) + extra + _bytes(14, message) + _number(15, 1)


class Sender:
    """One connection. target: (host, port) or the path of a UNIX socket."""

    def __init__(self, target, timeout=30.0):
        family = socket.AF_INET if isinstance(target, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(target)

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError(f"the peer closed after {len(data)} of {count} bytes")
            data += piece
        return data

    def read_control(self):
        """(kind, fields as bytes)"""
        escape, length = struct.unpack(">II", self.read(8))
        if escape != 0:
            raise ConnectionError("the peer sent a data frame")
        body = self.read(length)
        return struct.unpack(">I", body[:4])[0], body[4:]

    def start(self):
        """The handshake of a two-way stream."""
        self.socket.sendall(control(READY))
        kind, fields = self.read_control()
        if kind != ACCEPT or CONTENT_TYPE not in fields:
            raise ConnectionError(f"no ACCEPT but {kind}")
        self.socket.sendall(control(START))
        return self

    def start_one_way(self):
        self.socket.sendall(control(START))
        return self

    def send(self, payloads):
        self.socket.sendall(b"".join(map(frame, payloads)))

    def finish(self):
        """STOP, and the receiver's FINISH."""
        self.socket.sendall(control(STOP))
        kind, _ = self.read_control()
        if kind != FINISH:
            raise ConnectionError(f"no FINISH but {kind}")
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection the way a killed sender's kernel may: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def flood_process(target, prefix, rate=0):
    """Forks a sender of endless numbered queries; gives its pid. `rate` frames a second, 0: flat out."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sender = Sender(target, timeout=None).start()
        number = 0
        while True:
            sender.send(dnstap(f"{prefix}-{number + i}.test", (number + i) & 0xFFFF, port=1024 + (number + i) % 60000)
                        for i in range(200))
            number += 200
            if rate:
                time.sleep(200 / rate)
    except BaseException:  # the fork must never come back into the test
        pass
    finally:
        os._exit(0)
