#!/usr/bin/env python3
"""Under attack: memory stays within the plan, the counters say what happened, and good traffic is logged.

`weir generate` mixes nine packets of a flood with each good one, and Weir reads them as fast as it can.
WEIR_FLOOD_PACKETS says how many there are (default 150,000 a flood; 30 million take about a minute).
"""
import json
import os
import re
import subprocess

import weir

PACKETS = int(os.environ.get("WEIR_FLOOD_PACKETS", "150000"))
MIB = 1 << 20
NUMBERED = re.compile(rb'"qname":"n(\d{10})\.')


def planned_bytes(config):
    """What `weir plan` says that the run takes at most."""
    plan = subprocess.run([weir.WEIR, "plan", "-c", str(config)], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"^  all +([0-9.]+) MiB", plan, re.M)[1]) * MIB


def peak_bytes(pid):
    """The most memory that the process had so far; None once it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            found = re.search(r"^VmHWM:\s+(\d+) kB", status.read(), re.M)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


class Mixes(weir.WeirCase):
    def test_connections_and_fragments(self):
        """Good traffic alone, over TCP and in fragments: each transaction is one line, with both messages."""
        capture = self.folder() / "mix.pcap"
        sent = json.loads(subprocess.run(
            [weir.WEIR, "generate", "--pcap", capture, "-n", "40000", "--numbered", "--tcp", "40", "--mtu", "100", "--json"],
            capture_output=True, check=True).stdout)
        run = self.decode(capture, "--json", "-")
        self.check_balance(run)
        self.check_verified(run)
        lines = run.lines()
        self.assertEqual(sorted(int(line["qname"][1:11]) for line in lines), list(range(sent["transactions"])))
        self.assertEqual(sum(line["type"] != "TRANSACTION" for line in lines), sent["unanswered"])
        self.assertGreater(sum(line["transport"] == "TCP" for line in lines), 1000)
        in_fragments = run.stat("weir_ingest_units_total") - sum(run.drops().values()) - run.stat("weir_ingest_frames_total")
        self.assertGreater(in_fragments, 5000)
        self.assertEqual(run.drops("drop"), {})
        # Whatever the number of shards, and as often as one likes.
        for lcores in ("1,1,1", "1,3,1", "1,3,2"):
            again = self.decode(capture, "--json", "-", "--lcores", lcores)
            self.assertEqual(sorted(again.stdout_path.read_bytes().split(b"\n")),
                             sorted(run.stdout_path.read_bytes().split(b"\n")), lcores)


class Flood(weir.WeirCase):
    def attack(self, kind):
        folder = self.folder()
        capture, lines, config = folder / "flood.pcap", folder / "lines.jsonl", folder / "weir.yaml"
        os.mkfifo(capture)
        config.write_text("inputs:\n"
                          f"  - file: {{ paths: [{capture}] }}\n"
                          "outputs:\n"
                          "  - json: { to: 'null:' }\n"
                          f"  - json: {{ to: {lines}, fields: [type, qname] }}\n"
                          "eal: { memory: 64MiB }\n")
        run = self.weir("-c", config, metrics=False)
        load = subprocess.Popen([weir.WEIR, "generate", "--pcap", capture, "-n", str(PACKETS), "--attack", kind,
                                 "--numbered", "--tcp", "20", "--json"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        peak = 0
        while (now := peak_bytes(run.process.pid)) is not None:
            peak = now
            try:
                run.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        sent = json.loads(load.communicate()[0])
        self.assertEqual(run.wait(), 0, run.stderr())
        self.assertTrue(sent["complete"])
        self.assertGreaterEqual(run.stat("weir_ingest_units_total"), sent["units"])
        self.check_balance(run)
        if not os.environ.get("WEIR_SANITIZED"):  # a sanitizer has memory of its own
            self.assertLess(peak, planned_bytes(config))
        found = set()
        with lines.open("rb") as file:
            for line in file:
                if number := NUMBERED.search(line):
                    found.add(int(number[1]))
        self.assertEqual(len(found), sent["transactions"], "good transactions that are in the output")
        return run

    def test_random_subdomains(self):
        # More queries wait than the table has room for: the oldest are written alone.
        run = self.attack("random-subdomains")
        self.assertEqual(run.drops("drop"), {})
        if PACKETS >= 100_000:
            self.assertGreater(run.stat("weir_match_evictions_total", reason="table_full"), 0)

    def test_fragments(self):
        run = self.attack("fragments")
        self.assertGreater(run.drops()["fragment_evicted"], PACKETS / 2)

    def test_syn(self):
        run = self.attack("syn")
        self.assertGreater(run.drops()["tcp_no_data"], PACKETS / 2)
        self.assertEqual(run.drops("drop"), {})

    def test_amplification(self):
        run = self.attack("amplification")
        self.assertEqual(run.drops("drop"), {})
        self.assertGreater(run.stat("weir_match_timeouts_total", leg="response") +
                           run.stat("weir_match_evictions_total"), PACKETS / 2)

    def test_compression(self):
        run = self.attack("compression")
        self.assertEqual(run.drops("drop"), {})

    def test_large_messages(self):
        # Its last message is not whole.
        run = self.attack("large-messages")
        self.assertEqual(run.drops("drop"), {})
        self.assertLessEqual(run.drops("reject").get("tcp_unfinished", 0), 60)


if __name__ == "__main__":
    weir.main()
