#!/usr/bin/env python3
"""Every server of the lab sends dnstap in every way it knows; what was logged is compared with what was asked: nothing
is missing, nothing there twice.
"""
import collections
import concurrent.futures
import time

import lab
import namespace
import weir

BULK = 250  # names a server and transport


class RealServers(weir.WeirCase):
    def ask(self, world):
        """Asks each server; gives {server's name: {name: (type, transport)}}."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return dict(zip(world.by_name, pool.map(lambda server: self.ask_one(world, server), world.servers)))

    @staticmethod
    def ask_one(world, server):
        asked = {}
        for mode in ("udp", "tcp"):
            names = [(f"{mode}-{number}.{server.name}.lab", list(lab.QTYPES)[number % len(lab.QTYPES)]) for number in range(BULK)]
            world.dnsperf(server, names, mode)
            asked.update({name: (kind, mode.upper()) for name, kind in names})
        for number, options in enumerate(([], ["+tcp"], ["+dnssec"], ["+nsid", "+bufsize=1232"],
                                          ["+subnet=198.51.100.0/24"], ["+padding=128", "+tcp"])):
            name = f"kdig-{number}.{server.name}.lab"
            world.kdig(server, name, "A", *options)
            asked[name] = ("A", "TCP" if "+tcp" in options else "UDP")
        return asked

    def count(self, run, world, asked):
        """Lines so far of what clients asked."""
        time.sleep(0.5)
        data = run.stdout_path.read_bytes()
        count = 0
        for line in weir.read_lines(data[:data.rfind(b"\n") + 1]):
            name = line.get("identity", "").removesuffix(".lab")
            count += (name in asked and line["type"] in world.by_name[name].kind.sides and
                      line.get("qname", ".")[:-1] in asked[name])
        return count

    def none(self, found, what):
        """Without the long difference of unittest's own comparison."""
        if found:
            self.fail(f"{what}: {len(found)}, for example {sorted(found)[:5]}")

    def compare(self, world, asked, lines):
        logged = collections.defaultdict(collections.Counter)
        details = {}
        for line in lines:
            if "qname" in line:
                at = (line["identity"], line["type"], line["qname"].lower())
                logged[at[:2]][at[2]] += 1
                details[at] = line
        for server in world.servers:
            with self.subTest(server.name):
                self.compare_one(world, server, asked[server.name], logged, details)
        # What the others passed on has reached Knot.
        knot = logged[world.servers[0].identity, "AUTH_QUERY"]
        for server in world.servers:
            if server.kind.page not in ("knot", "nsd"):
                self.none([name for name in asked[server.name] if not knot[f"{name}."]], f"{server.name} did not ask Knot for")
        self.assertEqual(logged["bind-unix.lab", "RESOLVER_QUERY"]["udp-0.bind-unix.lab."], 1)

    def compare_one(self, world, server, names, logged, details):
        for side in server.kind.sides:
            found = logged[server.identity, side]
            wanted = collections.Counter(f"{name}." for name in names)
            # Knot is asked by the others, too: only the names meant for it are its clients'.
            mine = collections.Counter({name: count for name, count in found.items()
                                        if name.endswith(f".{server.name}.lab.") and not name.startswith("warm-")})
            self.none((mine - wanted).items(), f"{side}: logged twice, or never asked")
            self.none((wanted - mine).items(), f"{side}: asked and not logged")
            for name, (kind, transport) in names.items():
                line = details[server.identity, side, f"{name}."]
                self.assertEqual(line["qtype"], kind, line)
                self.assertEqual(line["transport"], "UDP" if server.kind.upstream_only else transport, line)
                self.assertEqual(line["server_ip"], "10.53.0.10" if server.kind.upstream_only else server.address, line)
                self.assertEqual(line["rcode"], "NOERROR", line)
                self.assertEqual(line["input"], world.inputs[server.pair.item])
                if side.endswith("RESPONSE"):
                    self.assertTrue(line["answers"], line)

    def test_every_server_in_every_way(self):
        namespace.require(*lab.PROGRAMS)
        world = lab.Lab(self)
        run = self.weir("-c", world.weir_config(), "--lcores", "1,2,1", netns=world.net.name).wait_ready()
        world.start()
        run.wait_metric("weir_dnstap_connections", len(world.servers))
        asked = self.ask(world)
        # Servers send what they have gathered after a second or so; after that, nothing of ours may come twice.
        wanted = 2 * sum(len(names) for names in asked.values())
        try:
            weir.wait_until(lambda: self.count(run, world, asked) >= wanted, "", 20)
        except AssertionError:
            pass  # compare() says what is missing
        time.sleep(2.0)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {})
        self.compare(world, asked, run.lines())


if __name__ == "__main__":
    weir.main()
