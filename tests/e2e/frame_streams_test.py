#!/usr/bin/env python3
"""Frame Streams byte by byte, on TCP and UNIX sockets: what Weir answers, what it counts, and that it lives on.

Each exchange is played with whole writes and with one byte a write. What a sender said soundly is in the output
once, every counter moves by what it should and no other does, and the next sender is served.
"""
import itertools
import socket
import struct
import time

import frame_streams
import weir
from frame_streams import ACCEPT, CONTENT_TYPE, FINISH, READY, START, STOP, control, frame

TIME_LIMIT = 10.0
KIB, MIB = 1 << 10, 1 << 20
SAID = {kind: control(kind) for kind in (ACCEPT, START, STOP, READY, FINISH)}
ACCEPTED, FINISHED, NOTHING = SAID[ACCEPT], SAID[FINISH], b""
LOST = frame(frame_streams.dnstap("lost.test"))
UNITS, IGNORED = "weir_ingest_units_total", "weir_dnstap_control_ignored_total"
COUNTERS = ("weir_dnstap_connections_closed_total", "weir_dnstap_stream_faults_total", "weir_ingest_drops_total",
            IGNORED, UNITS)
DROPS = ("frame_cut", "frame_too_long")  # each is a unit, too
ENDED_BY_SENDER = ("finished", "eof")
MALFORMED = weir.DATA / "malformed/stream"
FIRST, SECOND = "laB.", "z038.lab."
MALFORMED_STREAMS = {
    "ready-only.raw": (ACCEPTED, [], {"ends": "eof"}),
    "ready-half.raw": (NOTHING, [], {"ends": "eof"}),
    "ready-wrong-type.raw": (NOTHING, [], {"fault": "content_type"}),
    "ready-twice.raw": (ACCEPTED + FINISHED, [FIRST], {IGNORED: 1}),
    "ready-data.raw": (ACCEPTED, [], {"fault": "data_outside"}),
    "ready-stop.raw": (ACCEPTED, [], {"fault": "control_unexpected"}),
    "no-stop.raw": (ACCEPTED, [FIRST, SECOND], {"ends": "eof"}),
    "half-frame.raw": (ACCEPTED, [FIRST], {"ends": "eof", "frame_cut": 1}),
    "half-length.raw": (ACCEPTED, [FIRST], {"ends": "eof", "frame_cut": 1}),
    "accept-from-sender.raw": (NOTHING, [], {"fault": "control_unexpected"}),
    "start-immediately.raw": (NOTHING, [FIRST, SECOND], {}),
    "stop-stop.raw": (ACCEPTED + FINISHED, [FIRST], {IGNORED: 1}),
    "new-stream-after-stop.raw": (2 * (ACCEPTED + FINISHED), [FIRST, SECOND], {}),
}


def be32(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def with_types(kind, *content_types):
    body = be32(kind) + b"".join(be32(1, len(name)) + name for name in content_types)
    return be32(0, len(body)) + body


def sized(name, length):
    """A dnstap message of exactly so many bytes."""
    payload = frame_streams.dnstap(name)
    padding = length - len(payload)
    while len(payload) != length:
        payload = frame_streams.dnstap(name, padding=padding)
        padding -= len(payload) - length
    return payload


class Streams(weir.WeirCase):
    """An exchange is [(what the sender says, what must be answered), …].

    What it says is a list of bytes, of names (a query about each, which must be in the output) and of functions that
    give bytes.
    """

    def setUp(self):
        self.numbers = itertools.count()
        self.sent = []

    def listening(self, more=""):
        """One input for each kind of socket, with `more` keys."""
        folder = self.folder()
        self.targets = {"tcp": ("127.0.0.1", weir.free_port()), "unix": str(folder / "weir.sock")}
        path = folder / "weir.yaml"
        path.write_text(f"inputs:\n  - dnstap: {{ name: tcp, listen: \"tcp://127.0.0.1:{self.targets['tcp'][1]}\"{more} }}\n"
                        f"  - dnstap: {{ name: unix, listen: \"unix://{self.targets['unix']}\"{more} }}\n"
                        "outputs:\n  - json: { to: \"-\" }\nlcores: { ingest: 1, decode: 1, export: 1 }\n")
        self.run_ = self.weir("-c", path).wait_ready()

    def connect(self, target):
        sender = frame_streams.Sender(self.targets[target], timeout=TIME_LIMIT * weir.SLOWNESS)
        self.addCleanup(sender.close)
        if target == "tcp":
            sender.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sender

    def query(self, name, length=0):
        """The frame of a query that must be in the output."""
        name = f"{name}-{next(self.numbers)}.test"
        self.sent.append(name + ".")
        return frame(sized(name, length) if length else frame_streams.dnstap(name))

    def bytes_of(self, words):
        data = b""
        for word in words:
            if isinstance(word, str):
                word = self.query(word)
            data += word() if callable(word) else word
        return data

    def talk(self, sender, exchange, at_once=True):
        """All but the end; how many bytes Weir takes before it hangs up is its affair. Large words go in 2000 writes."""
        for words, answer in exchange:
            data = self.bytes_of(words)
            step = max(1, len(data) if at_once else len(data) // 2000)
            pieces = [data[at:at + step] for at in range(0, len(data), step)]
            try:
                for piece in pieces:
                    sender.socket.sendall(piece)
            except ConnectionError:
                pass
            self.assertEqual(sender.read(len(answer)), answer)

    def read_end(self, sender):
        """What comes until Weir closes: of its own accord or, after shutdown(), because the sender has."""
        data = b""
        try:
            while piece := sender.socket.recv(4096):
                data += piece
        except ConnectionError:  # it closed without reading what we went on to say
            pass
        return data

    def counters(self, target):
        found = {}
        for (name, labels), value in self.run_.metrics().items():
            labels = dict(labels)
            if value and name in COUNTERS and labels["input"] == target:
                key = labels.get("reason", name)
                found[key] = found.get(key, 0) + int(value)
        return found

    def check_moves(self, target, before, moves):
        """Exactly these counters have moved since, by so much."""
        def moved():
            now = self.counters(target)
            return {key: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}

        try:
            weir.wait_until(lambda: moved() == moves, "the counters", 3)
        except AssertionError:
            self.assertEqual(moved(), moves, self.run_.stderr())

    def play(self, exchange, ends="finished", fault=None, **moves):
        """On both sockets, in whole writes and byte by byte. `moves`: counters beside those that follow.

        Where the sender ends the stream, it shuts its side; else Weir must close of its own accord.
        """
        for target in self.targets:
            for at_once in (True, False):
                with self.subTest(target=target, at_once=at_once):
                    self.play_once(target, exchange, at_once, "fault" if fault else ends, {fault: 1} if fault else {}, moves)

    def play_once(self, target, exchange, at_once, ends, fault, moves):
        before = self.counters(target)
        sent_before = len(self.sent)
        sender = self.connect(target)
        self.talk(sender, exchange, at_once)
        if ends in ENDED_BY_SENDER:
            sender.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_end(sender), b"", "more was answered than the protocol asks for")
        sender.close()
        self.check_next(target)
        units = len(self.sent) - sent_before + sum(moves.get(drop, 0) for drop in DROPS)
        expected = {UNITS: units, ends: 1, **fault, **moves}
        expected["finished"] = expected.get("finished", 0) + 1  # check_next()'s
        self.check_moves(target, before, expected)

    def check_next(self, target):
        """A sender that does all right is served."""
        sender = self.connect(target)
        self.talk(sender, [([SAID[READY]], ACCEPTED), ([SAID[START], "next", SAID[STOP]], FINISHED)])
        sender.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_end(sender), b"")
        sender.close()

    def end(self):
        """What was said soundly is in the output once, nothing else is, and the balance is even."""
        self.assertEqual(self.run_.stop(), 0, self.run_.stderr())
        self.assertEqual(sorted(line.get("qname", "") for line in self.run_.lines()), sorted(self.sent))
        self.check_balance(self.run_)

    # -- the handshake

    def test_ready(self):
        self.listening()
        rest = ([SAID[START], "one", SAID[STOP]], FINISHED)
        for types in ([CONTENT_TYPE], [b"protobuf:other", CONTENT_TYPE, b""], [CONTENT_TYPE, b"x"], [], [CONTENT_TYPE] * 2):
            with self.subTest(types):
                self.play([([with_types(READY, *types)], ACCEPTED), rest])
        for types in ([b"protobuf:other"], [b"x", CONTENT_TYPE[:-1], CONTENT_TYPE + b"x"], [CONTENT_TYPE.lower()], [b""]):
            with self.subTest(types):
                self.play([([with_types(READY, *types)], NOTHING)], fault="content_type")
        self.play([([SAID[READY]], ACCEPTED), ([SAID[READY]], NOTHING), rest], **{IGNORED: 1})
        self.play([([SAID[READY]], ACCEPTED)], ends="eof")
        self.play([([SAID[READY][:20]], NOTHING)], ends="eof")
        self.end()

    def test_start(self):
        self.listening()
        other = with_types(START, b"protobuf:other")
        for start in (SAID[START], with_types(START)):
            with self.subTest(start):
                self.play([([start, "one-way", SAID[STOP]], NOTHING)])
                self.play([([SAID[READY]], ACCEPTED), ([start, "two-way", SAID[STOP]], FINISHED)])
        for start, fault in ((other, "content_type"), (with_types(START, CONTENT_TYPE, CONTENT_TYPE), "control_bad")):
            with self.subTest(start):
                self.play([([start], NOTHING)], fault=fault)
                self.play([([SAID[READY]], ACCEPTED), ([start], NOTHING)], fault=fault)
                self.play([([SAID[START], "before", start, LOST], NOTHING)], fault=fault)
        self.end()

    def test_what_only_a_receiver_says(self):
        self.listening()
        for said in (SAID[ACCEPT], SAID[FINISH], with_types(ACCEPT)):
            with self.subTest(said):
                self.play([([said], NOTHING)], fault="control_unexpected")
                self.play([([SAID[READY]], ACCEPTED), ([said, SAID[START], LOST], NOTHING)], fault="control_unexpected")
                self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "before", said, "after", SAID[STOP]], FINISHED),
                           ([said], NOTHING)], **{IGNORED: 2})
        self.end()

    def test_stop_and_reuse(self):
        self.listening()
        first = [([SAID[READY]], ACCEPTED), ([SAID[START], "first", SAID[STOP]], FINISHED)]
        self.play(first + first)
        # READY made the connection two-way: who leaves it out the second time may still wait for FINISH.
        self.play([*first, ([SAID[START], "no-ready", SAID[STOP]], FINISHED), *first])
        self.play([([SAID[START], "one-way", SAID[STOP]], NOTHING), *first])
        self.play([([SAID[START], "one-way", SAID[STOP]], NOTHING), ([SAID[START], "one-way", SAID[STOP]], NOTHING)])
        self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "a", SAID[START], "b", SAID[STOP]], FINISHED)])
        self.play([*first, ([SAID[STOP]], NOTHING)], **{IGNORED: 1})
        self.play([*first, ([LOST], NOTHING)], fault="data_outside")
        self.play([([SAID[STOP]], NOTHING)], fault="control_unexpected")
        self.play([([SAID[READY]], ACCEPTED), ([SAID[STOP]], NOTHING)], fault="control_unexpected")
        self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "unfinished"], NOTHING)], ends="eof")
        self.end()

    def test_data_before_start(self):
        self.listening()
        self.play([([LOST], NOTHING)], fault="not_frame_streams")
        self.play([([b"GET / HTTP/1.1\r\n\r\n"], NOTHING)], fault="not_frame_streams")
        self.play([([SAID[READY]], ACCEPTED), ([LOST, SAID[START], LOST], NOTHING)], fault="data_outside")
        self.end()

    # -- control frames

    def test_lengths_of_control_frames(self):
        self.listening()
        ready_512 = with_types(READY, b"x" * 256, CONTENT_TYPE, b"y" * 206)
        ready_513 = with_types(READY, b"x" * 256, CONTENT_TYPE, b"y" * 207)
        self.assertEqual([len(ready_512), len(ready_513)], [8 + 512, 8 + 513])
        self.play([([ready_512], ACCEPTED), ([SAID[START], "one", SAID[STOP]], FINISHED)])
        unknown_512 = be32(0, 512, 6) + bytes(508)
        self.play([([SAID[START], "before", unknown_512, "after", SAID[STOP]], NOTHING)], **{IGNORED: 1})
        for too_long in (ready_513, be32(0, 513), be32(0, 0xFFFFFFFF)):
            with self.subTest(too_long[:8]):
                self.play([([too_long], NOTHING)], fault="control_too_long")
                self.play([([SAID[READY]], ACCEPTED), ([too_long], NOTHING)], fault="control_too_long")
                self.play([([SAID[START], "before", too_long, LOST], NOTHING)], fault="control_too_long")
        self.end()

    def test_unknown_types(self):
        self.listening()
        for number in (0, 6, 0xFFFFFFFF):
            unknown = be32(0, 4, number)
            with self.subTest(number):
                self.play([([unknown], NOTHING)], fault="control_unexpected")
                self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "before", unknown, "after", SAID[STOP]], FINISHED)],
                          **{IGNORED: 1})
        self.end()

    def test_damaged_control_frames(self):
        self.listening()
        for what, damaged in {
            "empty": be32(0, 0),
            "empty, and again": be32(0, 0) * 100,
            "half a type": be32(0, 3) + b"\0\0\0",
            "no length of the content type": be32(0, 8, START, 1),
            "half a length of the content type": be32(0, 10, START, 1) + b"\0\0",
            "a content type that is cut": be32(0, 33, START, 1, 22) + CONTENT_TYPE[:-1],
            "a content type longer than its frame": be32(0, 34, START, 1, 0xFFFFFFFF) + CONTENT_TYPE,
            "a content type of 257 bytes": with_types(READY, b"x" * 257),
            "an unknown field": be32(0, 12, START, 2, 0),
            "bytes left over": be32(0, 35, START, 1, 22) + CONTENT_TYPE + b"\0",
            "STOP with a content type": with_types(STOP, CONTENT_TYPE),
        }.items():
            with self.subTest(what):
                self.play([([damaged], NOTHING)], fault="control_bad")
                self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "before", damaged, LOST], NOTHING)], fault="control_bad")
        self.end()

    # -- silence

    def test_silence_ends_a_connection_in_time(self):
        self.listening(", handshake_timeout: 500ms, idle_timeout: 500ms, frame_limit: 1KiB")
        half = LOST[:len(LOST) // 2]
        cases = (
            ("handshake_timeout", {}, [([], NOTHING)]),
            ("handshake_timeout", {}, [([SAID[READY][:20]], NOTHING)]),
            ("handshake_timeout", {}, [([b"\0"], NOTHING)]),
            ("handshake_timeout", {}, [([SAID[READY]], ACCEPTED)]),
            ("handshake_timeout", {}, [([SAID[READY]], ACCEPTED), ([SAID[START][:-1]], NOTHING)]),
            ("idle_timeout", {}, [([SAID[START], "before"], NOTHING)]),
            ("idle_timeout", {"frame_cut": 1}, [([SAID[START], "before", half], NOTHING)]),
            ("idle_timeout", {"frame_cut": 1}, [([SAID[START], "before", LOST[:3]], NOTHING)]),
            ("idle_timeout", {}, [([SAID[START], "before", SAID[STOP][:-1]], NOTHING)]),
            ("idle_timeout", {"frame_too_long": 1}, [([SAID[START], "before", be32(2000), bytes(1000)], NOTHING)]),
            ("finished", {}, [([SAID[START], "all", SAID[STOP]], NOTHING)]),
            ("finished", {}, [([SAID[READY]], ACCEPTED), ([SAID[START], "all", SAID[STOP]], FINISHED)]),
            ("finished", {}, [([SAID[START], "all", SAID[STOP], SAID[READY][:20]], NOTHING)]),
            ("handshake_timeout", {}, [([SAID[START], "all", SAID[STOP], SAID[READY]], ACCEPTED)]),
        )
        for target in self.targets:
            with self.subTest(target):
                before = self.counters(target)
                expected = {UNITS: -len(self.sent)}
                senders = []
                for ends, drops, exchange in cases:
                    senders.append(self.connect(target))
                    self.talk(senders[-1], exchange)
                    for key, value in {ends: 1, UNITS: sum(drops.values()), **drops}.items():
                        expected[key] = expected.get(key, 0) + value
                for sender in senders:
                    self.assertEqual(self.read_end(sender), b"")
                self.check_next(target)
                expected["finished"] += 1
                expected[UNITS] += len(self.sent)
                self.check_moves(target, before, expected)
        self.end()

    def test_silence_alone_ends_nothing_by_default(self):
        self.listening(", handshake_timeout: 500ms")
        waiting = []
        for target in self.targets:
            for rest, cut in ((self.query("half"), 3), (self.query("half"), 50), (SAID[STOP], len(SAID[STOP]) - 1)):
                sender = self.connect(target)
                self.talk(sender, [([SAID[READY]], ACCEPTED), ([SAID[START], "before", rest[:cut]], NOTHING)])
                waiting.append((sender, rest[cut:], rest == SAID[STOP]))
        time.sleep(0.8)
        for sender, rest, is_stop in waiting:
            self.talk(sender, [([rest], FINISHED)] if is_stop else [([rest, "after", SAID[STOP]], FINISHED)])
            sender.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(self.read_end(sender), b"")
        self.end()
        self.assertEqual(self.run_.drops(), {})
        self.assertEqual(self.run_.stat("weir_dnstap_connections_closed_total"), len(waiting))
        self.assertEqual(self.run_.stat("weir_dnstap_connections_closed_total", reason="finished"), len(waiting))

    def test_closed_within_a_frame(self):
        self.listening()
        for cut in (1, 4, 5, len(LOST) - 1):
            with self.subTest(cut):
                self.play([([SAID[START], "before", LOST[:cut]], NOTHING)], ends="eof", frame_cut=1)
        for cut in (4, 8, 11):  # from four zeros on it is a control frame, which is no unit
            with self.subTest(cut):
                self.play([([SAID[START], "before", SAID[STOP][:cut]], NOTHING)], ends="eof")
        self.end()

    # -- sizes

    def test_sizes_of_frames(self):
        self.listening()

        def whole(length):
            def data():
                return self.query("large", length)
            return data

        for length in (16 * KIB - 1, 16 * KIB, 16 * KIB + 1, MIB):
            with self.subTest(length):
                self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "before", whole(length), "after", SAID[STOP]], FINISHED)])
        over = frame(sized("lost.test", MIB + 1))
        self.play([([SAID[READY]], ACCEPTED), ([SAID[START], "before", over, "between", over, "after", SAID[STOP]], FINISHED)],
                  frame_too_long=2)
        self.play([([SAID[START], "before", over[:-1]], NOTHING)], ends="eof", frame_too_long=1)
        self.play([([SAID[START], "before", be32(256 * MIB), bytes(100)], NOTHING)], ends="eof", frame_too_long=1)
        for length in (256 * MIB + 1, 0xFFFFFFFF):
            with self.subTest(length):
                self.play([([SAID[START], "before", be32(length), LOST], NOTHING)], fault="length_insane")
        self.end()

    # -- the streams of the malformed corpus

    def test_malformed_streams(self):
        self.listening()
        for file, (answer, names, how) in MALFORMED_STREAMS.items():
            with self.subTest(file):
                data = (MALFORMED / file).read_bytes()

                def said(data=data, names=names):
                    self.sent += names
                    return data

                self.play([([said], answer)], **how)
        self.assertEqual(set(MALFORMED_STREAMS), {path.name for path in MALFORMED.iterdir()})
        self.end()


if __name__ == "__main__":
    weir.main()
