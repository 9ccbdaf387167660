#!/usr/bin/env python3
"""Every dnstap file decodes to lines that equal, field by field, what other people's libraries found in it."""
import collections
import gzip
import unittest

import dns_text
import frame_streams
import weir

FLAG_NAMES = ("AA", "TC", "RD", "RA", "Z", "AD", "CD")
# EDNS options that have keys of their own in "edns"; all others stand in "options".
OPTION_KEYS = {3: "nsid", 8: "ecs", 10: "cookie", 11: "keepalive", 12: "padding", 15: "ede"}


def times(text):
    return text.replace("+00:00", "Z") if text else None


def expected_line(line):
    """What Weir should say of a frame, in a form that Weir's line can be brought to, too."""
    want = {"type": line["type"], "identity": line.get("identity"), "version": line.get("version"),
            "extra": line.get("extra"), "family": line.get("family"), "transport": line.get("protocol"),
            "client_ip": line.get("query_address"), "client_port": line.get("query_port"),
            "server_ip": line.get("response_address"), "server_port": line.get("response_port"),
            "query_time": times(line.get("query_time")), "response_time": times(line.get("response_time")),
            "query_bytes": (line.get("query") or {}).get("bytes"),
            "response_bytes": (line.get("response") or {}).get("bytes"),
            "zone": dns_text.same_name(line["query_zone"]) if "query_zone" in line else None}
    message = line.get("response") or line.get("query")
    if message and "id" in message:
        flags = (["QR"] if message["qr"] else []) + [name for name in FLAG_NAMES if name in message["flags"].split()]
        want.update(id=message["id"], opcode=dns_text.opcode_text(message["opcode"]), flags=flags)
        if "error" not in message:
            want["rcode"] = dns_text.rcode_text(message["rcode"])
            want["edns"] = None
            if message.get("edns"):
                want["edns"] = (message.get("edns_version", 0), message.get("udp_size", 0), message.get("do", False),
                                frozenset(message.get("edns_options", [])))
        if "qname" in message:
            want.update(qname=dns_text.name_bytes(message["qname"]), qtype=dns_text.type_text(message["qtype"]),
                        qclass=dns_text.class_text(message["qclass"]))
    return want


def option_codes(edns):
    codes = {code for code, key in OPTION_KEYS.items() if key in edns}
    return frozenset(codes | {option["code"] for option in edns.get("options", [])})


def weir_line(line):
    """The same of Weir's line."""
    have = {key: line.get(key) for key in ("type", "identity", "version", "extra", "family", "transport", "client_ip",
                                           "client_port", "server_ip", "server_port", "query_time", "response_time",
                                           "query_bytes", "response_bytes", "id", "opcode", "rcode", "qtype", "qclass")}
    for name in ("identity", "version", "extra"):
        have[name] = have[name] or None  # the reference leaves empty ones out
    have["flags"] = [flag.upper() for flag in line.get("flags", [])]
    have["zone"] = dns_text.same_name(line["zone"]) if "zone" in line else None
    have["qname"] = dns_text.name_bytes(line["qname"]) if "qname" in line else None
    edns = line.get("edns")
    have["edns"] = edns and (edns.get("version", 0), edns.get("udp_size"), edns.get("do", False), option_codes(edns))
    return have


def key(values):
    """Lines come in any order: frames that agree in these are compared as one group."""
    return tuple(str(values.get(name)) for name in ("type", "query_time", "response_time", "client_ip", "client_port",
                                                    "server_ip", "server_port", "id"))


class CorpusDnstap(weir.WeirCase):
    def compare(self, path, expected_path):
        run = self.decode(path)
        lines = run.lines()
        expected = [expected_line(line) for line in weir.read_lines(expected_path)]
        self.assertEqual(len(lines), len(expected), "lines")
        self.check_balance(run)
        self.check_verified(run)
        groups = collections.defaultdict(list)
        for line in lines:
            groups[key(weir_line(line))].append(weir_line(line))
        for number, want in enumerate(expected, 1):
            group = groups.get(key(want))
            self.assertTrue(group, f"frame {number} has no line: {want}")
            best = max(group, key=lambda have: sum(have.get(name) == value for name, value in want.items()))
            wrong = {name: (best.get(name), value) for name, value in want.items() if best.get(name) != value}
            self.assertFalse(wrong, f"frame {number} (weir's value, expected value)")
            group.remove(best)

    def test_lines_over_a_socket_equal_those_of_the_file(self):
        payloads = list(frame_streams.frames_of((weir.DATA / "dnstap/unbound-unix.fstrm").read_bytes()))
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "-", "--lcores", "1,3,2").wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        for at in range(0, len(payloads), 7):
            sender.send(payloads[at:at + 7])
        sender.finish()
        run.wait_metric("weir_ingest_units_total", len(payloads))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)

        def plain(lines):
            return sorted(str({k: v for k, v in line.items() if k not in ("input", "peer")}) for line in lines)

        file_run = self.decode(weir.DATA / "dnstap/unbound-unix.fstrm")
        self.assertEqual(plain(run.lines()), plain(file_run.lines()))

    def test_gzip_standard_input_and_several_files(self):
        one = weir.DATA / "dnstap/kdig-one.fstrm"
        packed = self.folder() / "one.fstrm.gz"
        packed.write_bytes(gzip.compress(one.read_bytes()))
        self.assertEqual(len(self.decode(packed).lines()), 2)
        self.assertEqual(len(self.decode(one, packed, weir.DATA / "dnstap/kdig-tool.fstrm").lines()), 2 + 2 + 410)


def add_cases():
    """One case a file: those of the tree, and the whole corpus where there is one."""
    places = [("tree", weir.DATA)] + ([("corpus", weir.corpus())] if weir.corpus() else [])
    for place, folder in places:
        for path in sorted((folder / "dnstap").glob("*.fstrm")):
            found = [folder / "expected" / (path.stem + end) for end in (".jsonl", ".jsonl.gz")]
            expected = next((candidate for candidate in found if candidate.is_file()), None)
            if expected is None:
                continue

            def case(self, path=path, expected=expected):
                self.compare(path, expected)

            setattr(CorpusDnstap, f"test_{place}_{path.stem}".replace("-", "_"), case)
    if not weir.corpus():
        @unittest.skip("no corpus beside the tree (WEIR_CORPUS)")
        def skipped(self):
            pass

        CorpusDnstap.test_corpus = skipped


add_cases()
if __name__ == "__main__":
    weir.main()
