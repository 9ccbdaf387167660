#!/usr/bin/env python3
"""`pair: true` joins dnstap queries with their responses: of real servers' files nothing is missing and nothing there
twice; over sockets partners meet, however they are spread; what finds no partner comes all the same.
"""
import collections
import json
import unittest

import frame_streams
import weir

# What a pair has anew, or may have from its query.
FROM_QUERY = ("query_time", "latency_ns", "query_bytes", "paired", "edns", "extra")
LIVE = """inputs:
  - dnstap: {{ listen: "tcp://127.0.0.1:{port}", pair: true }}
outputs:
  - json: {{ to: "-", flush: 10ms }}
lcores: {{ ingest: 2, decode: 3, export: 1 }}
match: {{ timeout: {timeout}, reorder: {reorder} }}
"""
FILE = """inputs:
  - file: {{ paths: [{path}], pair: true }}
outputs:
  - json: {{ to: "-" }}
lcores: {{ ingest: 1, decode: 2, export: 1 }}
match: {{ timeout: 1h, reorder: 10s }}
"""


def is_query(line):
    return line["type"].endswith("_QUERY")


def key(line):
    """What makes partners, as far as all servers tell it in both."""
    return tuple(line.get(name) for name in ("client_ip", "client_port", "id", "qtype", "qclass")) + (
        line.get("qname", "").lower(),)


def response_part(line):
    return json.dumps({name: value for name, value in line.items() if name not in FROM_QUERY})


def query_part(line):
    return key(line) + (line["query_bytes"],)


class PairDnstap(weir.WeirCase):
    def config(self, text, **values):
        path = self.folder() / "weir.yaml"
        path.write_text(text.format(**values))
        return path

    def check_pairs(self, plain, lines):
        """Each plain line is in the paired ones, by itself or as half of one, and each half is a plain line."""
        queries = collections.Counter(query_part(line) for line in plain if is_query(line))
        responses = collections.Counter(response_part(line) for line in plain if not is_query(line))
        for line in lines:
            half = line.get("paired", False)
            self.assertIn(half, (True, False))
            if half or is_query(line):
                queries[query_part(line)] -= 1
            if half or not is_query(line):
                responses[response_part(line)] -= 1
            if half:
                self.assertNotIn("_QUERY", line["type"])
                self.assertIn("latency_ns", line)
        wrong = [(str(part)[:400], count) for parts in (queries, responses) for part, count in parts.items() if count]
        self.assertFalse(wrong[:5], "(what, how often it is missing)")

    def expected_pairs(self, plain):
        asked, answered = (collections.Counter(key(line) for line in plain if is_query(line) is of) for of in (True, False))
        return sum((asked & answered).values())

    def compare(self, path):
        plain = self.decode(path, "--omit", "input").lines()
        run = self.decode(path, "--omit", "input", "--pair")
        self.check_balance(run)
        self.check_verified(run)
        self.check_pairs(plain, run.lines())
        # With time enough all partners meet.
        run = self.weir("-c", self.config(FILE, path=path), "--omit", "input")
        self.assertEqual(run.wait(120), 0, run.stderr())
        lines = run.lines()
        self.check_balance(run)
        self.check_pairs(plain, lines)
        pairs = sum("paired" in line for line in lines)
        self.assertEqual(pairs, self.expected_pairs(plain))
        self.assertEqual(len(lines), len(plain) - pairs)
        self.assertEqual(run.stat("weir_pair_joined_total"), pairs)

    def test_partners_of_a_socket_meet_over_several_lcores(self):
        payloads = list(frame_streams.frames_of((weir.DATA / "dnstap/unbound-unix.fstrm").read_bytes()))
        port = weir.free_port()
        run = self.weir("-c", self.config(LIVE, port=port, timeout="1h", reorder="10s"), "--omit", "input,peer").wait_ready()
        # Two connections, as of two threads of one server: halves of pairs come by either.
        senders = [frame_streams.Sender(("127.0.0.1", port)).start() for _ in range(2)]
        for number, payload in enumerate(payloads):
            senders[number % 2].send([payload])
        for sender in senders:
            sender.finish()
        run.wait_metric("weir_ingest_units_total", len(payloads))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        plain = self.decode(weir.DATA / "dnstap/unbound-unix.fstrm", "--omit", "input").lines()
        self.check_pairs(plain, run.lines())
        self.assertEqual(run.stat("weir_pair_joined_total"), self.expected_pairs(plain))

    def test_types_order_and_absent_clients(self):
        port = weir.free_port()
        run = self.weir("-c", self.config(LIVE, port=port, timeout="1h", reorder="10s")).wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        payloads = []
        for number in range(100):
            name, other = f"n{number}.test", f"r{number}.test"
            payloads += [frame_streams.dnstap(name, number, port=1024 + number, kind=1),
                         frame_streams.dnstap(name.upper(), number, port=1024 + number, kind=6),
                         frame_streams.dnstap(other, number, client="", kind=4),
                         frame_streams.dnstap(other, number, client="", kind=3)]
        sender.send(payloads)
        sender.finish()
        run.wait_metric("weir_pair_joined_total", 200)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        lines = run.lines()
        self.assertEqual(collections.Counter(line["type"] for line in lines),
                         {"CLIENT_RESPONSE": 100, "RESOLVER_RESPONSE": 100})
        for line in lines:
            self.assertTrue(line["paired"])
            self.assertEqual(line["latency_ns"], 1_000_000)
            self.assertEqual(line["query_bytes"], line["response_bytes"])

    def test_what_finds_no_partner_is_written_after_its_time_though_nothing_follows(self):
        port = weir.free_port()
        run = self.weir("-c", self.config(LIVE, port=port, timeout="600ms", reorder="300ms")).wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send([frame_streams.dnstap("unanswered.test", 1), frame_streams.dnstap("unasked.test", 2, kind=6)])
        weir.wait_until(lambda: len(run.lines()) == 2, "both lines")
        self.assertEqual(sorted((line["type"], line["qname"]) for line in run.lines()),
                         [("CLIENT_QUERY", "unanswered.test."), ("CLIENT_RESPONSE", "unasked.test.")])
        self.assertEqual(run.stop(), 0, run.stderr())
        for leg in ("query", "response"):
            self.assertEqual(run.stat("weir_pair_timeouts_total", leg=leg), 1)
        sender.close()

    def test_what_waits_is_in_flight_and_written_at_the_end(self):
        port = weir.free_port()
        run = self.weir("-c", self.config(LIVE, port=port, timeout="1h", reorder="10s")).wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send(frame_streams.dnstap(f"q{number}.test", number) for number in range(50))
        samples = run.wait_metric("weir_pair_entries", 50) and run.metrics()
        self.assertEqual(weir.total(samples, "weir_balance_in_flight_units", stage="decode"), 50)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(len(run.lines()), 50)
        self.assertEqual(run.drops(), {})
        sender.close()


def add_cases():
    """One case a file: those of the tree, and the whole corpus where there is one."""
    places = [("tree", weir.DATA)] + ([("corpus", weir.corpus())] if weir.corpus() else [])
    for place, folder in places:
        for path in sorted((folder / "dnstap").glob("*.fstrm")):
            def case(self, path=path):
                self.compare(path)

            setattr(PairDnstap, f"test_{place}_{path.stem}".replace("-", "_"), case)
    if not weir.corpus():
        @unittest.skip("no corpus beside the tree (WEIR_CORPUS)")
        def skipped(self):
            pass

        PairDnstap.test_corpus = skipped


add_cases()
if __name__ == "__main__":
    weir.main()
