#!/usr/bin/env python3
"""What Weir finds in captures equals what tshark finds, over UDP and TCP, in fragments and tunnels.

Differences that are meant:
- a query that is sent again, and a response that is sent again, belong to one transaction: the line is of the
  first query and the first response, the rest is counted;
- only ports 53 are DNS unless the configuration names more; tshark knows DNS on any port it is told of;
- tshark prints names in its own way and without escapes: names with bytes other than letters, digits, hyphen,
  underscore and dot are not compared, and a dot in a label looks like one between labels;
- in captures with a short snap length tshark takes the first fragment of a message for the message, with its time,
  since it cannot put the fragments together, where Weir has the last one's time; and it takes each cut TCP segment
  for a message, in the middle of an answer, too: there only UDP is compared, without times;
- in variant-null the IPv6 packets carry an address family that tshark does not know; Weir finds in it what both find
  in variant-base.
"""
import calendar
import collections
import re
import time
import unittest

import dns_text
import weir

# Not a capture format that Weir reads; refused with a sentence.
REFUSED = {"variant-snoop.snoop"}
SHORT_SNAP_LENGTH = {"variant-vlan-snap60.pcap", "recursor-upstream-snap96.pcap"}
EXPECTED_OF = {"variant-null.pcap": "variant-base.pcap"}
PLAIN_NAME = re.compile(r"^[A-Za-z0-9_.-]+$")

Message = collections.namedtuple("Message", "time_ns src sport dst dport id response")


def time_ns(text):
    """tshark's seconds."""
    seconds, fraction = text.split(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def line_time_ns(text):
    """RFC 3339 with nine digits."""
    head, fraction = text.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(head, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction)


def expected_messages(path):
    found = []
    for line in weir.read_lines(path):
        if 53 not in (line["sport"], line["dport"]):
            continue
        found.append((Message(time_ns(line["time"]), line["src"], line["sport"], line["dst"], line["dport"],
                              line["id"], bool(line["flags"] & 0x8000)), line))
    return found


def messages_of(line):
    client, server = (line["client_ip"], line["client_port"]), (line["server_ip"], line["server_port"])
    if "query_time" in line:
        yield Message(line_time_ns(line["query_time"]), *client, *server, line["id"], False)
    if "response_time" in line:
        yield Message(line_time_ns(line["response_time"]), *server, *client, line["id"], True)


class CorpusPcap(weir.WeirCase):
    def check_lines(self, run, expected, timeless=False):
        """Each message of a line is one that tshark found, and tshark's others are repetitions."""
        def key(message):
            return message._replace(time_ns=0) if timeless else message

        wanted = collections.Counter(key(message) for message, _ in expected)
        by_message = {key(message): line for message, line in expected}
        lines = [line for line in run.lines() if not timeless or line["transport"] == "UDP"]
        for line in lines:
            messages = list(messages_of(line))
            self.assertEqual(len(messages), 2 if line["type"] == "TRANSACTION" else 1, line)
            for message in messages:
                self.assertGreater(wanted[key(message)], 0, f"tshark did not find {message} of {line}")
                wanted[key(message)] -= 1
            # What the line says of the DNS message is of the response if there is one.
            want = by_message[key(messages[-1])]
            if "malformed" in line:
                continue
            if PLAIN_NAME.match(want.get("qname", "")):
                self.assertEqual(b".".join(dns_text.name_bytes(line["qname"])), want["qname"].encode())
                self.assertEqual(line["qtype"], dns_text.type_text(want["qtype"]))
            self.assertEqual(line["opcode"], dns_text.opcode_text(want["flags"] >> 11 & 15))
            flags = [name for bit, name in ((15, "qr"), (10, "aa"), (9, "tc"), (8, "rd"), (7, "ra"), (6, "z"), (5, "ad"),
                                            (4, "cd")) if want["flags"] >> bit & 1]
            self.assertEqual(line.get("flags", []), flags)
            if messages[-1].response and "edns" not in line:
                self.assertEqual(line["rcode"], dns_text.rcode_text(want["rcode4"]))
            if line["type"] == "TRANSACTION":
                self.assertEqual(line["latency_ns"], messages[1].time_ns - messages[0].time_ns)
        left = +wanted
        repeated = sum(run.stat("weir_decode_drops_total", reason=reason)
                       for reason in ("duplicate_query", "duplicate_response"))
        repeated += sum(line.get("retransmissions", 0) for line in lines)
        self.assertLessEqual(sum(left.values()), repeated, f"not in the output: {list(left)[:10]}")
        self.assertGreaterEqual(sum(left.values()), repeated)
        return lines

    def check_file(self, path, expected_path, counts_path):
        if path.name in REFUSED:
            run = self.decode(path, expect=1)
            self.assertIn("neither", run.stderr())
            return
        run = self.decode(path)
        self.check_balance(run)
        self.check_verified(run)
        counts = weir.read_lines(counts_path.read_bytes().replace(b"\n", b"") + b"\n")[0]
        # Where a TCP segment ends several messages, each but the first is a unit beside the packets.
        over_tcp = sum(line["transport"] == "TCP" for line in run.lines())
        self.assertIn(run.stat("weir_ingest_units_total") - counts["packets"], range(over_tcp + 1))
        expected = expected_messages(expected_path)
        if path.name in SHORT_SNAP_LENGTH:
            self.check_lines(run, [found for found in expected if found[1]["proto"] == "udp"], timeless=True)
            return
        lines = self.check_lines(run, expected)
        # The pairs that tshark's messages make, by the rule that Weir matches with.
        queries = collections.Counter((m.src, m.sport, m.dst, m.dport, m.id) for m, _ in expected if not m.response)
        answered = {(m.dst, m.dport, m.src, m.sport, m.id) for m, _ in expected if m.response}
        if not any(count > 1 for count in queries.values()):
            pairs = sum(1 for key in queries if key in answered)
            self.assertEqual(sum(line["type"] == "TRANSACTION" for line in lines), pairs)


def add_cases():
    places = [("tree", weir.DATA)] + ([("corpus", weir.corpus())] if weir.corpus() else [])
    for place, folder in places:
        for path in sorted((folder / "pcap").iterdir()):
            name = EXPECTED_OF.get(path.name, path.name)
            found = [folder / "expected" / (name + end) for end in (".jsonl", ".jsonl.gz")]
            expected = next((candidate for candidate in found if candidate.is_file()), None)
            if expected is None:
                continue
            counts = folder / "expected" / (path.name + ".counts.json")

            def case(self, path=path, expected=expected, counts=counts):
                self.check_file(path, expected, counts)

            setattr(CorpusPcap, "test_" + place + "_" + "".join(c if c.isalnum() else "_" for c in path.name), case)
    if not weir.corpus():
        @unittest.skip("no corpus beside the tree (WEIR_CORPUS)")
        def skipped(self):
            pass

        CorpusPcap.test_corpus = skipped


add_cases()
if __name__ == "__main__":
    weir.main()
