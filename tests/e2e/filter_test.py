#!/usr/bin/env python3
"""Filters: what `weir decode --filter` reads of a capture is what tcpdump picks by the same expression; ports and
interfaces ask it of each packet; what cannot be asked is refused."""
import shutil
import subprocess
import unittest

import namespace
import weir

EXPRESSIONS = [
    "port 53",
    "udp port 53",
    "tcp",
    "tcp[tcpflags] & tcp-syn != 0",
    "udp[10] & 0x80 != 0",
    "ip6",
    "not ip6 and greater 150",
    "less 120",
    "ip[6:2] & 0x3fff != 0",
    "vlan",
    "vlan and port 53",
    "port 53 or (vlan and port 53) or (vlan and vlan and port 53)",
    "not net 127.0.0.0/8",
    "inbound",
]
# As docs/configuration.md has it, with the fragments that have no ports.
WITH_FRAGMENTS = "port 53 or (ip[6:2] & 0x1fff != 0) or (ip6[6] = 44)"
BASE = weir.DATA / "pcap/variant-base.pcap"
VLAN = weir.DATA / "pcap/variant-vlan.pcap"
PACKETS = 483  # of both


class Tcpdump(weir.WeirCase):
    def setUp(self):
        if not shutil.which("tcpdump"):
            raise unittest.SkipTest("tcpdump not installed (scripts/setup e2e)")

    def check_expression(self, path, expression, packets):
        picked = self.folder() / "picked.pcap"
        oracle = subprocess.run(["tcpdump", "--nano", "-Z", "root", "-r", "-", "-w", picked, expression], input=packets,
                                capture_output=True, check=False)
        said = oracle.stderr.decode()
        impossible = "rejects all packets" in said
        refused = oracle.returncode != 0 and not impossible
        ours = self.decode(path, "--filter", expression, expect=1 if refused else 0)
        self.check_balance(ours)
        filtered = ours.stat("weir_ingest_drops_total", reason="packet_filtered")
        if impossible or refused:
            self.assertEqual((filtered, ours.lines()), (ours.stat("weir_ingest_units_total"), []), said)
            self.assertEqual("has packets that the filter cannot be asked about" in ours.stderr(), refused, said)
            return
        theirs = self.decode(picked)
        self.assertEqual(ours.lines(), theirs.lines())
        self.assertEqual(ours.stat("weir_ingest_units_total") - filtered, theirs.stat("weir_ingest_units_total"))
        self.assertEqual({**theirs.drops(), **({"packet_filtered": filtered} if filtered else {})}, ours.drops())

    def check_file(self, path):
        packets = subprocess.run(["gzip", "-dcf", path], capture_output=True, check=True).stdout
        for expression in EXPRESSIONS:
            with self.subTest(expression):
                self.check_expression(path, expression, packets)


def add_cases():
    # The corpus has what is in the tree, too.
    for path in sorted(((weir.corpus() or weir.DATA) / "pcap").iterdir()):
        if path.suffix == ".snoop":  # tcpdump reads it, Weir does not
            continue
        setattr(Tcpdump, f"test_{path.name}", lambda self, path=path: self.check_file(path))


class Ports(weir.WeirCase):
    """Through DPDK's vdev for captures, which leaves tags where they are."""

    def run_on(self, capture, expression):
        run = self.weir("--mirror", f"net_pcap0,rx_pcap={capture}", "--filter", expression, "--json", "-").wait_ready()
        run.wait_metric("weir_ingest_units_total", PACKETS)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        return run

    def test_what_is_picked_is_what_a_file_gives(self):
        for capture, expression in ((BASE, "ip6 and port 53"), (VLAN, f"vlan and ({WITH_FRAGMENTS})"), (VLAN, "port 53")):
            with self.subTest(capture.name, expression=expression):
                run = self.run_on(capture, expression)
                expected = self.decode(capture, "--filter", expression)
                self.assertEqual(run.drops().get("packet_filtered"), expected.drops().get("packet_filtered"))
                self.assertEqual(sorted(line.get("qname", "") for line in run.lines()),
                                 sorted(line.get("qname", "") for line in expected.lines()))


class Interface(weir.WeirCase):
    """The kernel takes the tag off; the filter sees it all the same."""

    def setUp(self):
        namespace.require("tcpreplay", "ip", "curl")
        self.net = namespace.Namespace(self)
        namespace.ip("link", "add", "wire0", "type", "veth", "peer", "name", "tap0", netns=self.net.name)
        for end in ("wire0", "tap0"):
            self.net.run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1", check=False)
            namespace.ip("link", "set", end, "up", netns=self.net.name)

    def replay(self, capture, expression):
        run = self.weir("--mirror", "tap0", "--filter", expression, "--json", "-", netns=self.net.name).wait_ready()
        self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=2000", capture)
        run.wait_metric("weir_ingest_units_total", PACKETS)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), PACKETS)
        return run

    def test_tags_are_where_the_expression_looks_for_them(self):
        [tag] = {tuple(line["vlan"]) for line in self.decode(VLAN).lines()}
        everything = self.decode(VLAN)
        for tagged in ("vlan", f"vlan {tag[0]}"):
            run = self.replay(VLAN, f"{tagged} and ({WITH_FRAGMENTS})")
            self.assertEqual(len(run.lines()), len(everything.lines()))
            self.assertNotIn("packet_filtered", run.drops())
            run = self.replay(VLAN, f"{tagged} and udp and ({WITH_FRAGMENTS})")
            self.assertEqual(run.drops()["packet_filtered"],
                             self.decode(VLAN, "--filter", f"{tagged} and udp and ({WITH_FRAGMENTS})")
                             .drops()["packet_filtered"])
        for expression in ("port 53", f"vlan {tag[0] + 1}"):
            run = self.replay(VLAN, expression)
            self.assertEqual((run.drops(), run.lines()), ({"packet_filtered": PACKETS}, []))

    def test_an_expression_that_the_interface_cannot_be_asked(self):
        self.net.run("ip", "tuntap", "add", "tun0", "mode", "tun")
        run = self.weir("--mirror", "tun0", "--filter", "vlan 7", "--json", "-", netns=self.net.name)
        self.assertEqual(run.wait(20), 1)
        self.assertIn("interface tun0: filter: 'vlan 7' is no filter for packets of link type RAW", run.stderr())


class Refused(weir.WeirCase):
    def refused(self, command, *args):
        run = subprocess.run([weir.WEIR, command, *args], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(run.returncode, 2, run.stderr)
        return run.stderr

    def test_before_anything_starts(self):
        config = self.folder() / "weir.yaml"
        config.write_text("inputs:\n  - mirror: { interface: lo, filter: 'prot 53' }\noutputs:\n  - json: { to: '-' }\n")
        for said in (self.refused("plan", "-c", config), self.refused("run", "-c", config),
                     self.refused("run", "--mirror", "lo", "--filter", "prot 53")):
            self.assertIn("inputs[0].mirror.filter: 'prot 53' is no filter for packets of link type EN10MB: can't parse "
                          "filter expression: syntax error", said)
        self.assertIn("inputs[0].file.filter: 'ip and arp' can match no packet",
                      self.refused("decode", "--filter", "ip and arp", BASE))

    def test_where_no_packets_are_read(self):
        self.assertIn("--filter: is for packets, but no input reads them",
                      self.refused("run", "--dnstap", "tcp://127.0.0.1:1", "--filter", "ip6"))


add_cases()
if __name__ == "__main__":
    weir.main()
