#!/usr/bin/env python3
"""Hostile inputs: no crash, no hang, no invalid JSON, an even balance, and every sound unit beside a fault.

tests/data/malformed/INDEX.jsonl says of each file what is wrong and how many sound units stand around it.
"""
import concurrent.futures
import json
import os
import socket

import frame_streams
import weir

FOLDER = weir.DATA / "malformed"
INDEX = [json.loads(line) for line in (FOLDER / "INDEX.jsonl").read_text().splitlines()]
TIME_LIMIT = 30.0
# The index calls it sound, but its label is one byte shorter than its length says; no other decoder takes it.
NOT_SOUND_AFTER_ALL = "dns/name-hostile-bytes.fstrm"


class MalformedFiles(weir.WeirCase):
    """`weir decode FILE` for each; they run before the cases look at what came of them."""

    @classmethod
    def setUpClass(cls):
        files = [entry["file"] for entry in INDEX if entry["class"] != "stream"]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.runs = dict(zip(files, pool.map(cls.run_one, files)))

    @staticmethod
    def run_one(file):
        run = weir.Weir(FOLDER / file, "--lcores", "1,1,1", command="decode")
        try:
            run.wait(TIME_LIMIT)
        except Exception:  # judged by the case
            pass
        return run

    @classmethod
    def tearDownClass(cls):
        for run in cls.runs.values():
            run.close()

    def check(self, entry):
        run = self.runs[entry["file"]]
        code = run.process.returncode
        self.assertIsNotNone(code, f"{entry['what']}: still running after {TIME_LIMIT} s")
        self.assertIn(code, (0, 1, 2), f"{entry['what']}: {run.stderr()}")
        lines = run.lines()
        if not run.stats_path.exists():
            self.assertNotEqual(code, 0, "it ended well but wrote no numbers")
            self.assertIn("error", run.stderr(), "it was refused without a sentence")
            self.assertEqual(entry.get("good_before", 0) + entry.get("good_after", 0), 0)
            return
        self.check_balance(run)
        self.check_verified(run)
        good = entry.get("good_before", 0) + entry.get("good_after", 0)
        if entry["class"] == "pcap":
            # The sound packets are one query that is repeated: lines may be joined, frames are not.
            self.assertGreaterEqual(run.stat("weir_ingest_frames_total"), good, run.stderr())
            if good:
                self.assertTrue([line for line in lines if line.get("id") == 0x1234], "the sound query has no line")
        else:
            sound = [line for line in lines if line.get("identity") != "mutant.lab" and "malformed" not in line]
            self.assertGreaterEqual(len(sound), good, f"{entry['what']}: {lines}")
        if entry["class"] == "dns":
            self.assertEqual(len(lines), good + 1, "a malformed DNS message gives a line, too")
        if entry["class"] == "dns" and entry.get("decodes") and entry["file"] != NOT_SOUND_AFTER_ALL:
            self.assertFalse([line for line in lines if "malformed" in line], "it is sound")


class MalformedStreams(weir.WeirCase):
    """Senders that break the protocol: the listener lives on, and what came whole is in the output."""

    def check(self, entry):
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "-", "--lcores", "1,1,1").wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port))
        sender.socket.sendall((FOLDER / entry["file"]).read_bytes())
        sender.socket.shutdown(socket.SHUT_WR)
        sender.socket.settimeout(TIME_LIMIT)
        try:
            while sender.socket.recv(4096):
                pass
        except ConnectionError:
            pass
        sender.close()
        after = frame_streams.Sender(("127.0.0.1", port)).start()
        after.send([frame_streams.dnstap("after.test", identity=b"after")])
        after.finish()
        run.wait_metric("weir_ingest_frames_total", entry.get("good_before", 0) + 1)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        lines = run.lines()
        self.assertEqual(len([line for line in lines if line.get("identity") == "after"]), 1)
        self.assertGreaterEqual(len(lines) - 1, entry.get("good_before", 0))


def add_cases():
    for entry in INDEX:
        case = MalformedStreams if entry["class"] == "stream" else MalformedFiles
        name = "test_" + "".join(c if c.isalnum() else "_" for c in entry["file"])

        def test(self, entry=entry):
            self.check(entry)

        test.__doc__ = entry["what"]
        setattr(case, name, test)


add_cases()
if __name__ == "__main__":
    weir.main()
