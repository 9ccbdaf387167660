#!/usr/bin/env python3
"""SIGHUP reopens files: what was renamed keeps its lines, the new file gets the rest, none is lost or cut."""
import signal

import frame_streams
import weir


class Signals(weir.WeirCase):
    def test_sighup_reopens_a_renamed_file(self):
        folder, port = self.folder(), weir.free_port()
        log = folder / "dns.jsonl"
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", log, "--lcores", "1,2,1").wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sent, old = 0, []
        for turn in range(4):
            sender.send([frame_streams.dnstap(f"t{turn}-{n}.test", n) for n in range(5_000)])
            sent += 5_000
            run.wait_metric("weir_balance_in_units_total", sent - 2_500, stage="ingest")
            old.append(folder / f"dns.{turn}.jsonl")
            log.rename(old[-1])
            run.process.send_signal(signal.SIGHUP)
            weir.wait_until(log.exists, "the file to come back")
        sender.send([frame_streams.dnstap(f"last-{n}.test", n) for n in range(100)])
        sender.finish()
        sent += 100
        run.wait_metric("weir_balance_out_units_total", sent, stage="output json")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        files = [weir.read_lines(path) for path in [*old, log]]  # each ends with a whole line
        names = [line["qname"] for lines in files for line in lines]
        self.assertEqual(len(names), sent)
        self.assertEqual(len(set(names)), sent)
        self.assertTrue(any(name.startswith("last-") for name in (line["qname"] for line in files[-1])))
        self.assertGreater(len(files[0]), 0)

    def test_sigint_drains_too(self):
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "-").wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send([frame_streams.dnstap(f"{n}.test", n) for n in range(1_000)])
        run.wait_metric("weir_ingest_units_total", 1_000)
        self.assertEqual(run.stop(signal.SIGINT), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(len(run.lines()), 1_000)
        self.assertEqual(sender.socket.recv(100), b"", "the sender sees the end")
        sender.close()

    def test_a_file_appended_to_by_a_second_run(self):
        log = self.folder() / "dns.jsonl"
        for turn in range(1, 3):
            self.decode(weir.DATA / "dnstap/kdig-one.fstrm", "--json", log)
            self.assertEqual(len(weir.read_lines(log)), 2 * turn)


if __name__ == "__main__":
    weir.main()
