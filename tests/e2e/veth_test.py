#!/usr/bin/env python3
"""Packets on a wire: tcpreplay sends a capture over a veth pair into an AF_PACKET input, which finds every transaction."""
import collections

import dns_text
import namespace
import weir


def transactions(lines):
    return collections.Counter(
        (line["type"], line["client_ip"], line["client_port"], line["server_ip"], line["id"],
         dns_text.name_bytes(line["qname"]) if "qname" in line else None, line.get("qtype"), line.get("rcode"),
         line.get("query_bytes"), line.get("response_bytes"), tuple(line.get("vlan", ()))) for line in lines)


class Veth(weir.WeirCase):
    def setUp(self):
        namespace.require("tcpreplay", "ip", "curl")
        self.net = namespace.Namespace(self)
        self.make_wire()

    def make_wire(self):
        namespace.ip("link", "add", "wire0", "type", "veth", "peer", "name", "tap0", netns=self.net.name)
        for end in ("wire0", "tap0"):
            self.net.run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1", check=False)
            namespace.ip("link", "set", end, "mtu", "1500", "up", netns=self.net.name)

    def replay(self, capture, *flags, pps=2000):
        expected = self.decode(capture)
        run = self.weir("--mirror", "tap0", "--json", "-", *flags, netns=self.net.name).wait_ready()
        packets = expected.stat("weir_ingest_units_total")
        self.net.run("tcpreplay", "-q", "-i", "wire0", f"--pps={pps}", capture)
        run.wait_metric("weir_ingest_units_total", packets)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops("drop"), {})
        self.assertEqual(run.stat("weir_ingest_units_total"), packets, "the wire carries nothing else")
        return run, expected

    def test_every_transaction_is_found(self):
        run, expected = self.replay(weir.DATA / "pcap/variant-base.pcap")
        self.assertEqual(transactions(run.lines()), transactions(expected.lines()))
        self.assertGreater(sum(line["type"] == "TRANSACTION" for line in run.lines()), 50)
        for line in run.lines():
            self.assertEqual(line["input"], "mirror")

    def test_vlan_tags_and_two_decode_lcores(self):
        run, expected = self.replay(weir.DATA / "pcap/variant-vlan.pcap", "--lcores", "1,2,1")
        self.assertEqual(transactions(run.lines()), transactions(expected.lines()))
        self.assertTrue(all("vlan" in line for line in run.lines()), "the kernel's tag is told")

    def test_what_the_kernel_loses_is_counted(self):
        """Far more than the input can take: what the kernel dropped is in `in` and in kernel_drop."""
        packed = self.folder() / "flood.pcap"
        packed.write_bytes((weir.DATA / "pcap/variant-base.pcap").read_bytes())
        run = self.weir("--mirror", "tap0", "--json", "null:", netns=self.net.name).wait_ready()
        sent = self.net.run("tcpreplay", "-i", "wire0", "--topspeed", "--loop=400", "--preload-pcap", packed, timeout=120)
        packets = 400 * 483
        self.assertIn("Actual", sent.stdout)
        run.wait_metric("weir_ingest_units_total", packets)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), packets, run.drops())

    def test_a_link_that_goes_down_and_up_is_counted_and_read_on(self):
        capture = weir.DATA / "pcap/variant-base.pcap"
        run = self.weir("--mirror", "tap0", "--json", "null:", netns=self.net.name).wait_ready()
        for turn in (1, 2):
            weir.wait_until(lambda: weir.total(run.metrics(), "weir_mirror_link_up") == 1, "the link to be up")
            self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=5000", capture)
            run.wait_metric("weir_ingest_units_total", turn * 483)
            namespace.ip("link", "set", "tap0", "down", netns=self.net.name)
            weir.wait_until(lambda: weir.total(run.metrics(), "weir_mirror_link_up") == 0, "the link to be down")
            namespace.ip("link", "set", "tap0", "up", netns=self.net.name)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), 2 * 483, run.drops())
        self.assertGreaterEqual(run.stat("weir_mirror_link_changes_total"), 3)

    def test_an_interface_that_is_made_anew_is_read_again(self):
        """As after a restart of a container or a virtual machine: the name is the same, the interface is not."""
        capture = weir.DATA / "pcap/variant-base.pcap"
        run = self.weir("--mirror", "tap0", "--json", "null:", netns=self.net.name).wait_ready()
        self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=5000", capture)
        run.wait_metric("weir_ingest_units_total", 483)
        namespace.ip("link", "del", "wire0", netns=self.net.name)
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_mirror_link_up") == 0, "the link to be down")
        self.make_wire()
        run.wait_metric("weir_mirror_reopened_total", 1)
        self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=5000", capture)
        run.wait_metric("weir_ingest_units_total", 2 * 483)
        self.assertEqual(weir.total(run.metrics(), "weir_mirror_link_up"), 1)
        self.assertIn("interface tap0 was removed and made anew", run.stderr())
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), 2 * 483, run.drops())


if __name__ == "__main__":
    weir.main()
