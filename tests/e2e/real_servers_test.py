#!/usr/bin/env python3
"""unbound, BIND, Knot DNS and dnsdist send dnstap; what was logged is compared with what was asked: nothing is
missing, nothing there twice.
"""
import collections
import time

import lab
import namespace
import weir

TYPES = ("A", "AAAA", "TXT", "MX", "HTTPS")
BULK = 400  # names a server and transport
# What each server logs of a client's query and its response. BIND chooses by the RD bit.
SIDES = {"knot": ("AUTH_QUERY", "AUTH_RESPONSE"), "bind": ("CLIENT_QUERY", "CLIENT_RESPONSE"),
         "unbound": ("CLIENT_QUERY", "CLIENT_RESPONSE"), "dnsdist": ("CLIENT_QUERY", "CLIENT_RESPONSE")}


class RealServers(weir.WeirCase):
    def ask(self, world):
        """Asks each server; gives {server: {name: (type, transport)}}."""
        asked = collections.defaultdict(dict)
        for server in lab.ADDRESS:
            for mode in ("udp", "tcp"):
                names = [(f"{mode}-{number}.{server}.lab", TYPES[number % len(TYPES)]) for number in range(BULK)]
                world.dnsperf(server, names, mode)
                asked[server].update({name: (kind, mode.upper()) for name, kind in names})
            for number, options in enumerate(([], ["+tcp"], ["+dnssec"], ["+nsid", "+bufsize=1232"],
                                              ["+subnet=198.51.100.0/24"], ["+padding=128", "+tcp"])):
                name = f"kdig-{number}.{server}.lab"
                world.kdig(server, name, "A", *options)
                asked[server][name] = ("A", "TCP" if "+tcp" in options else "UDP")
        return asked

    def run_lab(self, sinks):
        namespace.require(*lab.PROGRAMS)
        socket, port = lab.weir_paths(self)
        world = lab.Lab(self, socket, port, sinks)
        log = self.folder() / "dns.jsonl"
        run = self.weir("--dnstap", f"unix://{socket}", "--dnstap", f"tcp://127.0.0.1:{port}", "--json", log,
                        "--lcores", "1,2,1", netns=world.net.name).wait_ready()
        world.start()
        run.wait_metric("weir_dnstap_connections", len(lab.ADDRESS))
        asked = self.ask(world)
        # Servers send what they have gathered after a second or so; after that, nothing of ours may come twice.
        wanted = 2 * sum(len(names) for names in asked.values())
        try:
            weir.wait_until(lambda: self.seen(log, asked) >= wanted, "", 20)
        except AssertionError:
            pass  # compare() says what is missing
        time.sleep(2.0)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {})
        return asked, weir.read_lines(log)

    @staticmethod
    def seen(log, asked):
        """Lines so far of what clients asked; the last one may be half written."""
        time.sleep(0.5)
        data = log.read_bytes()
        count = 0
        for line in weir.read_lines(data[:data.rfind(b"\n") + 1]):
            server = line.get("identity", "").removesuffix(".lab")
            count += (line["type"] in SIDES.get(server, ()) and line.get("qname", ".")[:-1].lower() in asked[server])
        return count

    def none(self, found, what):
        """Without the long difference of unittest's own comparison."""
        if found:
            self.fail(f"{what}: {len(found)}, for example {sorted(found)[:5]}")

    def compare(self, asked, lines):
        logged = collections.defaultdict(collections.Counter)
        details = {}
        for line in lines:
            if "qname" in line:
                at = (line["identity"], line["type"], line["qname"].lower())
                logged[at[:2]][at[2]] += 1
                details[at] = line
        for server, names in asked.items():
            for side in SIDES[server]:
                found = logged[lab.IDENTITY[server], side]
                wanted = collections.Counter(f"{name}." for name in names)
                # Knot is asked by the others, too: only the names meant for it are its clients'.
                mine = collections.Counter({name: count for name, count in found.items() if name.endswith(f".{server}.lab.")})
                self.none((mine - wanted).items(), f"{server} {side}: logged twice, or never asked")
                self.none((wanted - mine).items(), f"{server} {side}: asked and not logged")
                for name, (kind, transport) in names.items():
                    line = details[lab.IDENTITY[server], side, f"{name}."]
                    self.assertEqual((line["qtype"], line["transport"]), (kind, transport), line)
                    self.assertEqual(line["server_ip"], lab.ADDRESS[server], line)
                    self.assertEqual(line["rcode"], "NOERROR", line)
                    if side.endswith("RESPONSE"):
                        self.assertTrue(line["answers"], line)
        # What the resolvers and dnsdist passed on has reached Knot once each.
        knot = logged[lab.IDENTITY["knot"], "AUTH_QUERY"]
        for server in ("bind", "unbound", "dnsdist"):
            for name in asked[server]:
                self.assertGreaterEqual(knot[f"{name}."], 1, f"{server} asked Knot for {name}")
            self.assertEqual(logged[lab.IDENTITY["bind"], "RESOLVER_QUERY"]["udp-0.bind.lab."], 1)

    def test_unbound_over_tcp_dnsdist_over_unix(self):
        self.compare(*self.run_lab({"unbound": "tcp", "dnsdist": "unix"}))

    def test_unbound_over_unix_dnsdist_over_tcp(self):
        self.compare(*self.run_lab({"unbound": "unix", "dnsdist": "tcp"}))


if __name__ == "__main__":
    weir.main()
