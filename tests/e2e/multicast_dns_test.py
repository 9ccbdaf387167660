#!/usr/bin/env python3
"""Multicast DNS (RFC 6762) and LLMNR (RFC 4795), by `dns_ports`: packets made here, their lines as
docs/configuration.md tells of them."""
import ipaddress
import struct

import weir

A, B = "192.0.2.1", "192.0.2.2"
MDNS, LLMNR, LLMNR6 = "224.0.0.251", "224.0.0.252", "ff02::1:3"
IN, IN_WITH_TOP_BIT = 1, 0x8001
PTR, ADDRESS, TXT, AAAA, SRV, NSEC, ANY = 12, 1, 16, 28, 33, 47, 255
RESPONSE = 0x8400


def name(text):
    return b"".join(bytes([len(label)]) + label for label in text.encode().split(b".")) + b"\0"


def question(owner, rr_type, rr_class=IN):
    return name(owner) + struct.pack("!HH", rr_type, rr_class)


def record(owner, rr_type, rr_class, ttl, data):
    return name(owner) + struct.pack("!HHIH", rr_type, rr_class, ttl, len(data)) + data


def message(message_id, flags, questions=(), answers=(), authority=(), additional=()):
    sections = (questions, answers, authority, additional)
    return struct.pack("!6H", message_id, flags, *map(len, sections)) + b"".join(part for s in sections for part in s)


def packet(src, sport, dst, dport, payload):
    udp = struct.pack("!4H", sport, dport, len(payload) + 8, 0) + payload
    ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    if len(ends) == 8:
        head = b"\x08\x00" + struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 255, 17, 0)
    else:
        head = b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(udp), 17, 255)
    return bytes(12) + head + ends + udp


def pcap(packets):
    """[(milliseconds, packet)]"""
    data = struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for at, raw in packets:
        data += struct.pack("<IIII", 1700000000 + at // 1000, at % 1000 * 1000, len(raw), len(raw)) + raw
    return data


class MulticastDns(weir.WeirCase):
    def lines_of(self, packets, *flags):
        path = self.folder() / "multicast.pcap"
        path.write_bytes(pcap(packets))
        run = self.decode(path, "--dns-ports", "53,5353,5355", "--authority", "--additional", *flags)
        self.check_balance(run)
        self.check_verified(run)
        self.assertEqual(run.drops(), {})
        return sorted(run.lines(), key=lambda line: line["time"])

    def test_browsing(self):
        """A question to the group with an answer that is known; the answer to the group, without a question."""
        service, instance = "_ipp._tcp.local", "printer._ipp._tcp.local"
        known = record(service, PTR, IN, 4500, name(instance))
        query, response = self.lines_of([
            (0, packet(A, 5353, MDNS, 5353, message(0, 0, [question(service, PTR, IN_WITH_TOP_BIT), question("b.local", AAAA)],
                                                    [known]))),
            (20, packet(B, 5353, MDNS, 5353, message(0, RESPONSE, [], [known], [], [
                record(instance, SRV, IN_WITH_TOP_BIT, 120, struct.pack("!3H", 0, 0, 631) + name("b.local")),
                record("b.local", ADDRESS, IN_WITH_TOP_BIT, 120, bytes([192, 0, 2, 2])),
                record(instance, TXT, IN_WITH_TOP_BIT, 4500, b"\x09txtvers=1"),
                record("b.local", NSEC, IN_WITH_TOP_BIT, 120, name("b.local") + bytes([0, 4, 0x40, 0, 0, 8]))])))])
        self.assertEqual((query["type"], query["client_ip"], query["server_ip"], query["server_port"], query["id"]),
                         ("QUERY", A, MDNS, 5353, 0))
        self.assertEqual((query["qname"], query["qtype"], query["qclass"], query["unicast_answer"]),
                         (service + ".", "PTR", "IN", True))
        self.assertNotIn("cache_flush", query["answers"][0])
        self.assertEqual([(rr["type"], rr["class"], rr["data"]) for rr in query["answers"]], [("PTR", "IN", instance + ".")])
        self.assertEqual((response["type"], response["client_ip"], response["server_ip"], response["flags"]),
                         ("RESPONSE", MDNS, B, ["qr", "aa"]))
        self.assertNotIn("qname", response)
        self.assertEqual([(rr["type"], rr["class"], rr["cache_flush"], rr["data"]) for rr in response["additional"]],
                         [("SRV", "IN", True, "0 0 631 b.local."), ("A", "IN", True, "192.0.2.2"),
                          ("TXT", "IN", True, '"txtvers=1"'), ("NSEC", "IN", True, "b.local. A AAAA")])
        self.assertNotIn("malformed", response)

    def test_probing_and_announcing(self):
        """Nothing is taken for a copy that was sent again a second later, as it must be (RFC 6762 section 8.3)."""
        address = bytes([192, 0, 2, 2])
        announced = packet(B, 5353, MDNS, 5353, message(0, RESPONSE, [], [record("b.local", ADDRESS, IN_WITH_TOP_BIT, 120,
                                                                                 address)]))
        goodbye = packet(B, 5353, MDNS, 5353, message(0, RESPONSE, [], [record("b.local", ADDRESS, IN_WITH_TOP_BIT, 0, address)]))
        probe = packet(B, 5353, MDNS, 5353, message(0, 0, [question("b.local", ANY, IN_WITH_TOP_BIT)], [],
                                                    [record("b.local", ADDRESS, IN, 120, address)]))
        lines = self.lines_of([(0, probe), (250, probe), (500, probe), (750, announced), (1750, announced), (3000, goodbye)])
        self.assertEqual([(line["type"], line.get("retransmissions", 0)) for line in lines],
                         [("QUERY", 2), ("RESPONSE", 0), ("RESPONSE", 0), ("RESPONSE", 0)])
        self.assertEqual(lines[0]["authority"][0]["data"], "192.0.2.2")
        self.assertEqual([line["answers"][0]["ttl"] for line in lines[1:]], [120, 120, 0])

    def test_a_query_to_one_host(self):
        """Section 5.5: asked of and answered by one host, so it is a transaction."""
        [line] = self.lines_of([
            (0, packet(A, 49000, B, 5353, message(77, 0, [question("b.local", ADDRESS)]))),
            (3, packet(B, 5353, A, 49000, message(77, RESPONSE, [question("b.local", ADDRESS)],
                                                  [record("b.local", ADDRESS, IN, 10, bytes([192, 0, 2, 2]))])))])
        self.assertEqual((line["type"], line["client_ip"], line["server_ip"], line["latency_ns"]),
                         ("TRANSACTION", A, B, 3_000_000))

    def test_the_bit_is_a_class_elsewhere(self):
        """DNS on port 53, and LLMNR, have no such bit; a client's port does not make a message multicast DNS."""
        asked = [question("b.local", ADDRESS, IN_WITH_TOP_BIT)]
        answer = [record("b.local", ADDRESS, IN_WITH_TOP_BIT, 10, bytes([192, 0, 2, 2]))]
        for port in (53, 5355):
            [line] = self.lines_of([(0, packet(A, 5353, B, port, message(77, 0, asked))),
                                    (3, packet(B, port, A, 5353, message(77, RESPONSE, asked, answer)))])
            self.assertEqual((line["qclass"], line["answers"][0]["class"]), ("CLASS32769", "CLASS32769"))
            self.assertNotIn("unicast_answer", line)
            self.assertNotIn("cache_flush", line["answers"][0])

    def test_llmnr(self):
        query, response, query6 = self.lines_of([
            (0, packet(A, 50000, LLMNR, 5355, message(4711, 0, [question("printer", ADDRESS)]))),
            (100, packet(A, 50000, LLMNR, 5355, message(4711, 0, [question("printer", ADDRESS)]))),
            (110, packet(B, 5355, A, 50000, message(4711, 0x8100, [question("printer", ADDRESS)],
                                                    [record("printer", ADDRESS, IN, 30, bytes([192, 0, 2, 2]))]))),
            (200, packet("fe80::1", 50001, LLMNR6, 5355, message(4712, 0x0400, [question("printer", AAAA)])))])
        self.assertEqual((query["type"], query["server_ip"], query["retransmissions"], query["qname"]),
                         ("QUERY", LLMNR, 1, "printer."))
        self.assertEqual((response["type"], response["client_ip"], response["server_ip"], response["flags"]),
                         ("RESPONSE", A, B, ["qr", "rd"]))
        self.assertEqual((query6["type"], query6["server_ip"], query6["flags"]), ("QUERY", LLMNR6, ["aa"]))

    def test_they_are_not_dns_unless_asked_for(self):
        path = self.folder() / "multicast.pcap"
        path.write_bytes(pcap([(0, packet(A, 5353, MDNS, 5353, message(0, 0, [question("b.local", ADDRESS)]))),
                               (1, packet(A, 50000, LLMNR, 5355, message(1, 0, [question("b", ADDRESS)])))]))
        run = self.decode(path)
        self.assertEqual((run.lines(), run.drops()), ([], {"packet_other_port": 2}))


if __name__ == "__main__":
    weir.main()
