#!/usr/bin/env python3
"""gopassivedns's own test captures give the lookups that its tests expect."""
import collections

import weir

CAPTURES = weir.DATA / "gopassivedns"
# Of the captures with many lookups: 172.17.64.6 asks 172.17.0.1 for these three in turn.
NAMES = ["www.slashdot.org.", "golang.org.", "www.fark.com."]


class GopassivednsCaptures(weir.WeirCase):
    def lookups(self, name):
        """The transactions of a capture, which has nothing else."""
        run = self.decode(CAPTURES / name)
        self.check_balance(run)
        lines = run.lines()
        for line in lines:
            self.assertEqual((line["type"], line["client_ip"], line["server_ip"]),
                             ("TRANSACTION", "172.17.64.6", "172.17.0.1"))
        return lines

    def test_a(self):
        [line] = self.lookups("a.pcap")
        self.assertEqual((line["id"], line["qname"], line["qtype"]), (0x4FB8, "www.slashdot.org.", "A"))
        self.assertEqual([(rr["data"], rr["ttl"]) for rr in line["answers"]], [("216.34.181.48", 110)])

    def test_aaaa(self):
        [line] = self.lookups("aaaa.pcap")
        self.assertEqual((line["id"], line["qname"], line["qtype"]), (0x1A63, "www.google.com.", "AAAA"))
        self.assertEqual([(rr["data"], rr["ttl"]) for rr in line["answers"]], [("2607:f8b0:4001:c02::93", 55)])

    def test_ns(self):
        [line] = self.lookups("ns.pcap")
        self.assertEqual((line["id"], line["qname"], line["qtype"]), (0x6162, "google.com.", "NS"))
        self.assertEqual([(rr["data"], rr["ttl"]) for rr in line["answers"]],
                         [(f"ns{i}.google.com.", 21581) for i in (2, 1, 4, 3)])

    def test_mx(self):
        [line] = self.lookups("mx.pcap")
        self.assertEqual((line["id"], line["qname"], line["qtype"]), (0x6F87, "google.com.", "MX"))
        self.assertEqual(len(line["answers"]), 5)
        self.assertEqual((line["answers"][0]["data"], line["answers"][0]["ttl"]), ("40 alt3.aspmx.l.google.com.", 567))

    def test_nxdomain(self):
        [line] = self.lookups("nxdomain.pcap")
        self.assertEqual((line["id"], line["qname"], line["qtype"]), (0xB369, "asdtartfgeasf.asdfgsdf.com.", "A"))
        self.assertEqual(line["rcode"], "NXDOMAIN")
        self.assertNotIn("answers", line)

    def test_multiple_udp(self):
        lines = self.lookups("multiple_udp.pcap")
        self.assertEqual([line["qname"] for line in lines], NAMES)
        self.assertEqual(lines[2]["id"], 0xB967)
        self.assertEqual([(rr["data"], rr["ttl"]) for rr in lines[2]["answers"]], [("64.191.171.200", 600)])

    def test_100_udp_lookups(self):
        lines = self.lookups("100_udp_lookups.pcap")
        self.assertEqual(collections.Counter(line["qname"] for line in lines), dict(zip(NAMES, (17, 17, 16))))
        self.assertEqual({len(line["answers"]) for line in lines}, {1})
        self.assertEqual({line["transport"] for line in lines}, {"UDP"})

    def test_100_tcp_lookups(self):
        # gopassivedns swaps source and destination in some of these.
        lines = self.lookups("100_tcp_lookups.pcap.gz")
        self.assertEqual(collections.Counter(line["qname"] for line in lines), dict.fromkeys(NAMES, 100))
        self.assertEqual({line["transport"] for line in lines}, {"TCP"})


if __name__ == "__main__":
    weir.main()
