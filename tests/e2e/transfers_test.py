#!/usr/bin/env python3
"""Zone transfers from a real server: one line each with `match: whole_transfers`, one a message without."""
import namespace
import weir

RECORDS = 4000
CONFIG = """server:
    rundir: "{folder}"
    listen: 127.0.0.1@53
database:
    storage: "{folder}"
acl:
  - id: all
    action: transfer
zone:
  - domain: zone.test
    file: "{folder}/zone.test.zone"
    acl: all
"""


class Transfers(weir.WeirCase):
    def setUp(self):
        namespace.require("knotd", "kdig", "ip", "curl")
        self.net = namespace.Namespace(self)
        folder = self.folder()
        zone = ["@ 300 SOA ns.zone.test. admin.zone.test. 7 3600 600 86400 300", "@ 300 NS ns.zone.test.",
                "ns 300 A 127.0.0.1"]
        zone += [f"host{number} 300 TXT \"{'x' * 100}\"" for number in range(RECORDS)]
        (folder / "zone.test.zone").write_text("\n".join(["$ORIGIN zone.test.", *zone, ""]))
        (folder / "knot.conf").write_text(CONFIG.format(folder=folder))
        self.server = self.net.start(self, "knotd", "-c", folder / "knot.conf", log=folder / "knot.log")
        weir.wait_until(lambda: "zone.test" in self.net.run("kdig", "@127.0.0.1", "zone.test", "SOA", "+short",
                                                            check=False).stdout, "knotd to answer")

    def transfers(self, match):
        config = self.folder() / "weir.yaml"
        config.write_text("inputs:\n  - mirror: { interface: lo }\noutputs:\n  - json: { to: '-' }\n" + match)
        run = self.weir("-c", config, netns=self.net.name).wait_ready()
        for words in (["AXFR"], ["IXFR=7"], ["IXFR=6"]):
            self.net.run("kdig", "@127.0.0.1", "zone.test", *words)
        self.net.run("kdig", "@127.0.0.1", "nothing.test", "AXFR", check=False)
        run.wait_metric("weir_match_transactions_total", 4)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.check_verified(run)
        return [line for line in run.lines() if line.get("transport") == "TCP"]

    def test_one_line_each(self):
        lines = self.transfers("match: { whole_transfers: true }\n")
        self.assertEqual([(line["type"], line["qtype"]) for line in lines],
                         [("TRANSACTION", qtype) for qtype in ("AXFR", "IXFR", "IXFR", "AXFR")])
        whole, same, instead, refused = (line["transfer"] for line in lines)
        for transfer in (whole, instead):  # the server has no history: it sends the zone
            self.assertEqual(transfer["records"], RECORDS + 3 + 1)
            self.assertGreater(transfer["messages"], 5)
            self.assertGreater(transfer["bytes"], RECORDS * 100)
        self.assertEqual((same["messages"], same["records"]), (1, 1))
        self.assertEqual((refused["messages"], refused["records"]), (1, 0))
        self.assertTrue(all(line["transfer"]["whole"] for line in lines))

    def test_one_line_a_message(self):
        lines = self.transfers("")
        self.assertEqual(sum(line["type"] == "TRANSACTION" for line in lines), 4)
        self.assertGreater(sum(line["type"] == "RESPONSE" for line in lines), 10)
        self.assertEqual(sum(len(line.get("answers", [])) for line in lines), 2 * (RECORDS + 3 + 1) + 1)
        self.assertFalse(any("transfer" in line for line in lines))


if __name__ == "__main__":
    weir.main()
