#!/usr/bin/env python3
"""The promise: each unit that came in is in the output or in a drop counter with a reason.

Each case counts on its own what it sent, and compares with the lines that came out, with the metrics and with
the final balance.
"""
import os
import signal
import threading
import time

import frame_streams
import line_receiver
import weir

FRAMES = 20_000
BLOCKED = ("weir_output_block_seconds_total", 0.2)


def payloads(prefix, count, start=0):
    return [frame_streams.dnstap(f"{prefix}-{number}.test", number & 0xFFFF, port=1024 + number % 60_000)
            for number in range(start, start + count)]


class Promise(weir.WeirCase):
    def configured(self, listen, output, rest="", overflow="backpressure"):
        path = self.folder() / "weir.yaml"
        path.write_text("inputs:\n"
                        f"  - dnstap: {{ listen: \"{listen}\", overflow: {overflow} }}\n"
                        f"outputs:\n  - json: {{ {output} }}\n{rest}\n")
        return self.weir("-c", path).wait_ready()

    def send(self, target, prefix, count, connections=3):
        """`count` frames over each of several connections, to the end of each stream."""
        batch = {number: payloads(f"{prefix}{number}", count) for number in range(connections)}
        errors = []

        def one(number):
            try:
                sender = frame_streams.Sender(target, timeout=120).start()
                for at in range(0, count, 500):
                    sender.send(batch[number][at:at + 500])
                sender.finish()
            except OSError as error:
                errors.append(error)

        threads = [threading.Thread(target=one, args=(number,)) for number in batch]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(errors)
        return count * connections

    def check_metrics(self, samples):
        """While it runs, and when it rests: the same equation from what Prometheus sees."""
        stages = {dict(labels)["stage"] for (name, labels) in samples if name == "weir_balance_in_units_total"}
        for stage in stages:
            parts = {part: weir.total(samples, f"weir_balance_{part}", stage=stage)
                     for part in ("in_units_total", "out_units_total", "dropped_units_total", "in_flight_units")}
            self.assertEqual(parts["in_units_total"], parts["out_units_total"] + parts["dropped_units_total"] +
                             parts["in_flight_units"], stage)
        return samples

    def test_normal_load_is_written_once_each(self):
        port = weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", 'to: "-"', "lcores: { ingest: 2, decode: 3, export: 2 }")
        sent = self.send(("127.0.0.1", port), "n", FRAMES)
        run.wait_metric("weir_balance_out_units_total", sent, stage="output json")
        self.check_metrics(run.metrics())
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        names = [line["qname"] for line in run.lines()]
        self.assertEqual(len(names), sent)
        self.assertEqual(len(set(names)), sent, "each frame has its own name")
        self.assertEqual(stages["ingest"]["in"], sent)
        self.assertEqual(run.drops(), {})

    def test_generated_load_over_tcp_and_unix_is_verified(self):
        """weir generate numbers what it sends, weir verify finds each number once and no gap in any lane."""
        port, folder = weir.free_port(), self.folder()
        config = folder / "weir.yaml"
        config.write_text(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}" }}\n'
                          f'  - dnstap: {{ name: local, listen: "unix://{folder}/tap.sock" }}\n'
                          f'outputs:\n  - json: {{ to: "file://{folder}/dns.jsonl", sequence: true }}\n'
                          "lcores: { ingest: 2, decode: 2, export: 2 }\n")
        for target, connections in ((f"tcp://127.0.0.1:{port}", 4), (f"unix://{folder}/tap.sock", 1)):
            run = self.weir("-c", config).wait_ready()
            count = 200_000 // weir.SLOWNESS
            load = self.weir("--dnstap", target, "--count", count, "--numbered", "--connections", connections, command="generate")
            self.assertEqual(load.wait(120), 0, load.stderr())
            run.wait_metric("weir_balance_out_units_total", count, stage="output json")
            self.assertEqual(run.stop(), 0, run.stderr())
            self.check_balance(run)
            verify = self.weir(folder / "dns.jsonl", "--expect", count, "--from-zero", command="verify")
            self.assertEqual(verify.wait(60), 0, verify.stdout_path.read_text() + verify.stderr())
            (folder / "dns.jsonl").unlink()

    def test_tiny_rings_and_pools_lose_nothing_under_backpressure(self):
        port = weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", 'to: "-"', "rings: { depth: 1, batch_bytes: 4KiB, large_batches: 1 }\n"
                              "lcores: { ingest: 1, decode: 2, export: 1 }")
        sent = self.send(("127.0.0.1", port), "t", FRAMES)
        run.wait_metric("weir_balance_out_units_total", sent, stage="output json")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(len({line["qname"] for line in run.lines()}), sent)
        self.assertEqual(run.drops(), {})

    def test_overflow_drop_counts_what_it_drops(self):
        port = weir.free_port()
        receiver = line_receiver.LineReceiver(rate=200_000)
        self.addCleanup(receiver.close)
        run = self.configured(f"tcp://127.0.0.1:{port}", f'to: "tcp://127.0.0.1:{receiver.port}", backlog: 64KiB, '
                              "when_full: block", "rings: { depth: 1, batch_bytes: 4KiB, large_batches: 1 }\n"
                              "lcores: { ingest: 1, decode: 1, export: 1 }\ndrain_timeout: 20s", overflow="drop")
        sent = self.send(("127.0.0.1", port), "o", FRAMES)
        samples = run.metrics()
        self.assertEqual(weir.total(samples, "weir_ingest_units_total"), sent)
        self.assertGreater(weir.total(samples, "weir_ingest_drops_total", kind="drop"), 0)
        run.stop()
        stages = self.check_balance(run)
        receiver.wait_closed()
        lines = weir.read_lines(b"".join(receiver.data()))
        dropped = run.drops("drop")
        self.assertLessEqual(set(dropped), {"ring_full", "pool_empty", "output_shutdown", "ingest_shutdown",
                                            "decode_shutdown"})
        self.assertEqual(len(lines), stages["output json"]["out"])
        self.assertEqual(len(lines) + sum(dropped.values()), sent)

    def test_slow_output_drops_are_counted(self):
        port = weir.free_port()
        receiver = line_receiver.LineReceiver(rate=500_000)
        self.addCleanup(receiver.close)
        run = self.configured(f"tcp://127.0.0.1:{port}", f'to: "tcp://127.0.0.1:{receiver.port}", backlog: 64KiB, '
                              "when_full: drop_newest", "drain_timeout: 20s")
        sent = self.send(("127.0.0.1", port), "s", FRAMES)
        run.stop()
        stages = self.check_balance(run)
        receiver.wait_closed()
        lines = weir.read_lines(b"".join(receiver.data()))
        self.assertGreater(run.drops().get("backlog_full", 0), 0)
        self.assertEqual(stages["ingest"]["drops"], 0, "a slow output with drop_newest never stops the street")
        self.assertEqual(len(lines), stages["output json"]["out"])
        self.assertEqual(len(lines) + stages["output json"]["drops"], sent)

    def test_dead_output_drops_are_counted(self):
        port, dead = weir.free_port(), weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", f'to: "tcp://127.0.0.1:{dead}", backlog: 64KiB',
                              "drain_timeout: 1s")
        sent = self.send(("127.0.0.1", port), "d", FRAMES)
        samples = run.metrics()
        self.assertEqual(weir.total(samples, "weir_output_up"), 0)
        run.stop()
        stages = self.check_balance(run)
        self.assertEqual(stages["output json"]["in"], sent)
        self.assertEqual(stages["output json"]["drops"], sent)
        self.assertLessEqual(set(run.drops()), {"backlog_full", "output_shutdown"})

    def test_output_that_dies_and_comes_back(self):
        port = weir.free_port()
        first = line_receiver.LineReceiver()
        run = self.configured(f"tcp://127.0.0.1:{port}", f'to: "tcp://127.0.0.1:{first.port}"')
        sent = self.send(("127.0.0.1", port), "b", 2_000)
        run.wait_metric("weir_balance_out_units_total", sent, stage="output json")
        # Acknowledged is what the reader's kernel has taken; the reader must have read it before it goes.
        weir.wait_until(lambda: sum(data.count(b"\n") for data in first.data()) == sent, "the first reader to have all")
        first.close()
        time.sleep(0.2)
        sent += self.send(("127.0.0.1", port), "c", 2_000)
        second = line_receiver.LineReceiver(port=first.port)
        self.addCleanup(second.close)
        run.wait_metric("weir_output_up", 1)
        run.stop()
        stages = self.check_balance(run)
        second.wait_closed()
        got = sum(len(weir.read_lines(data[:data.rfind(b"\n") + 1])) for data in first.data() + second.data())
        out = stages["output json"]["out"]
        # What was not acknowledged when the connection broke is sent again.
        self.assertEqual((out, stages["output json"]["drops"]), (sent, 0))
        self.assertGreaterEqual(got, sent)

    def test_reader_that_dies_under_load(self):
        port = weir.free_port()
        first = line_receiver.LineReceiver(rate=2_000_000)
        run = self.configured(f"tcp://127.0.0.1:{port}", f'to: "tcp://127.0.0.1:{first.port}", when_full: block')
        sent = self.send(("127.0.0.1", port), "d", 2_000)
        run.wait_metric("weir_balance_out_units_total", 100, stage="output json")
        first.close()
        second = line_receiver.LineReceiver(port=first.port)
        self.addCleanup(second.close)
        run.wait_metric("weir_balance_out_units_total", sent, stage="output json")
        run.stop()
        stages = self.check_balance(run)
        second.wait_closed()
        self.assertEqual((stages["output json"]["out"], stages["output json"]["drops"]), (sent, 0))
        whole = [data[:data.rfind(b"\n") + 1] for data in first.data() + second.data()]
        # Only what the first reader's kernel had acknowledged and the reader had not read yet is missing.
        names = {line["qname"] for data in whole for line in weir.read_lines(data)}
        self.assertLessEqual(sent - len(names), 300)

    def test_senders_killed_in_mid_frame(self):
        port = weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", 'to: "-"')
        whole, cut = 0, 0
        for number in range(40):
            sender = frame_streams.Sender(("127.0.0.1", port)).start()
            frames = payloads(f"k{number}", 50)
            sender.send(frames)
            last = frame_streams.frame(frames[0])
            sender.socket.sendall(last[:1 + number % (len(last) - 1)])
            whole += len(frames)
            cut += 1
            sender.close()
        run.wait_metric("weir_ingest_drops_total", cut, reason="frame_cut")
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        self.assertEqual(stages["ingest"]["in"], whole + cut)
        self.assertEqual(run.drops(), {"frame_cut": cut})
        self.assertEqual(len({line["qname"] for line in run.lines()}), whole)

    def test_senders_killed_under_load(self):
        port = weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", 'to: "-"')
        for number in range(6):
            pid = frame_streams.flood_process(("127.0.0.1", port), f"f{number}")
            time.sleep(0.3)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_dnstap_connections") == 0, "connections to end")
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        lines = run.lines()
        self.assertGreater(len(lines), 6)
        self.assertEqual(len({line["qname"] for line in lines}), len(lines))
        self.assertLessEqual(set(run.drops()), {"frame_cut"})
        self.assertEqual(stages["ingest"]["in"], len(lines) + sum(run.drops().values()))

    def flooded(self, output, rest="", until=("weir_ingest_units_total", 5_000)):
        port = weir.free_port()
        run = self.configured(f"tcp://127.0.0.1:{port}", output, rest)
        pids = [frame_streams.flood_process(("127.0.0.1", port), f"x{number}") for number in range(2)]

        def end():
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

        self.addCleanup(end)
        run.wait_metric(*until)
        return run

    def test_sigterm_under_load_drains(self):
        run = self.flooded('to: "-"')
        begin = time.monotonic()
        self.assertEqual(run.stop(signal.SIGTERM), 0, run.stderr())
        self.assertLess(time.monotonic() - begin, 8 * weir.SLOWNESS, "senders that go on do not hold the drain up")
        stages = self.check_balance(run)
        self.assertLessEqual(set(run.drops()), {"frame_cut"})
        self.assertEqual(len(run.lines()), stages["output json"]["out"])
        self.assertIn("the balance is even", run.stderr())

    def test_second_sigterm_ends_at_once_with_the_balance(self):
        receiver = line_receiver.LineReceiver(rate=0)
        self.addCleanup(receiver.close)
        run = self.flooded(f'to: "tcp://127.0.0.1:{receiver.port}", when_full: block, backlog: 64KiB',
                           "drain_timeout: 120s", until=BLOCKED)
        run.process.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        self.assertIsNone(run.process.poll(), "it waits for the output")
        begin = time.monotonic()
        run.process.send_signal(signal.SIGTERM)
        run.wait(20)
        self.assertLess(time.monotonic() - begin, 5 * weir.SLOWNESS)
        self.check_balance(run)
        self.assertIn("the balance is even", run.stderr())
        self.assertGreater(run.drops().get("output_shutdown", 0), 0)

    def test_drain_time_limit(self):
        receiver = line_receiver.LineReceiver(rate=0)
        self.addCleanup(receiver.close)
        run = self.flooded(f'to: "tcp://127.0.0.1:{receiver.port}", when_full: block, backlog: 64KiB',
                           "drain_timeout: 1s", until=BLOCKED)
        begin = time.monotonic()
        run.stop()
        self.assertLess(time.monotonic() - begin, 6 * weir.SLOWNESS)
        self.check_balance(run)
        self.assertIn("longer than 1000 ms", run.stderr())


if __name__ == "__main__":
    weir.main()
