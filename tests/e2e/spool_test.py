#!/usr/bin/env python3
"""The spool: what a receiver does not take is kept on disk, across kills, and arrives when it is back."""
import os
import random
import signal
import subprocess
import time
import unittest

import frame_streams
import line_receiver
import weir

IN_ORDER = "lcores: { ingest: 1, decode: 1, export: 1 }\ndrain_timeout: 2s\n"
FRAMES = 20_000


def payload(prefix, number):
    return frame_streams.dnstap(f"{prefix}-{number}.test", number & 0xFFFF, port=1024 + number % 60_000)


def names(data):
    """The names in what connections brought; of one that broke, the last line may be cut."""
    found = []
    for connection in data:
        whole = connection[:connection.rfind(b"\n") + 1]
        found += [line["qname"] for line in weir.read_lines(whole)]
    return found


class SpoolCase(weir.WeirCase):
    def setUp(self):
        self.home = self.folder()
        self.port = weir.free_port()
        self.input_port = weir.free_port()

    def write(self, output="", inputs=None, rest=IN_ORDER):
        inputs = inputs or f'  - dnstap: {{ listen: "tcp://127.0.0.1:{self.input_port}" }}\n'
        path = self.home / "weir.yaml"
        path.write_text(f"inputs:\n{inputs}outputs:\n"
                        f'  - json: {{ to: "tcp://127.0.0.1:{self.port}", flush: 10ms, backlog: 256KiB, '
                        f'fields: [qname], spool: "{self.home}/spool"{output} }}\n{rest}')
        return path

    def start(self, path):
        return self.weir("-c", path).wait_ready()

    def receiver(self, **kwargs):
        receiver = line_receiver.LineReceiver(port=self.port, **kwargs)
        self.addCleanup(receiver.close)
        return receiver

    def send(self, prefix, first, count):
        sender = frame_streams.Sender(("127.0.0.1", self.input_port), timeout=120).start()
        for at in range(first, first + count, 500):
            sender.send([payload(prefix, number) for number in range(at, min(at + 500, first + count))])
        sender.finish()

    def expected(self, prefix, count):
        return [f"{prefix}-{number}.test." for number in range(count)]


class Spool(SpoolCase):
    def test_an_outage_is_kept_and_sent_in_order(self):
        run = self.start(self.write())
        receiver = self.receiver()
        self.send("x", 0, 1000)
        weir.wait_until(lambda: len(names(receiver.data())) == 1000, "what comes before the outage")
        receiver.close()
        self.send("x", 1000, FRAMES - 1000)
        run.wait_metric("weir_spool_put_units_total", FRAMES // 2)
        run.wait_metric("weir_balance_in_units_total", FRAMES, stage="output json")
        back = self.receiver()
        weir.wait_until(lambda: len(set(names(receiver.data() + back.data()))) == FRAMES, run.stderr, 60)
        got = names(receiver.data() + back.data())
        in_order = list(dict.fromkeys(got))
        self.assertEqual(in_order, self.expected("x", FRAMES))
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_spool_units") == 0, "an empty spool")
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(stages["spool json"]["in"], stages["spool json"]["out"])
        self.assertEqual(list((self.home / "spool/lane-0").glob("*.spool")), [])

    def test_a_stop_keeps_all_for_the_next_start(self):
        path = self.write()
        run = self.start(path)
        self.send("x", 0, FRAMES)
        run.wait_metric("weir_balance_in_units_total", FRAMES, stage="output json")
        self.assertEqual(run.stop(), 0, run.stderr())
        left = self.check_balance(run)["spool json"]["in_flight"]
        self.assertEqual(left, FRAMES)
        receiver = self.receiver()
        second = self.start(path)
        weir.wait_until(lambda: len(names(receiver.data())) >= FRAMES, second.stderr, 60)
        self.assertEqual(names(receiver.data()), self.expected("x", FRAMES))
        self.assertEqual(second.stop(), 0, second.stderr())
        self.assertEqual(self.check_balance(second)["spool json"]["in_flight"], 0)

    def test_kills_at_random_lose_nothing_that_was_taken(self):
        """A directory's file is deleted once its lines are out: sent, or in the spool."""
        rng = random.Random(11)
        drop = self.home / "in"
        drop.mkdir()
        path = self.write(inputs=f'  - directory: {{ path: "{drop}", after: delete, rescan: 1s }}\n')
        receivers, made = [], 0
        run = self.start(path)
        for round_ in range(12):
            for _ in range(3):
                frames = [payload("k", number) for number in range(made, made + 700)]
                made += 700
                self.write_file(drop / f"{made:08}.fstrm", frames)
            if round_ % 3 == 0:
                receivers.append(self.receiver())
            time.sleep(rng.uniform(0.02, 0.8))
            if round_ % 3 == 1 and receivers:
                receivers[-1].close()
            run.process.send_signal(signal.SIGKILL)
            run.wait()
            run = self.start(path)
        if receivers:
            receivers[-1].close()
        receivers.append(self.receiver())

        def got():
            return set().union(*(names(receiver.data()) for receiver in receivers))

        weir.wait_until(lambda: len(got()) == made, lambda: f"{len(got())} of {made}: {run.stderr()}", 90)
        self.assertEqual(got(), set(self.expected("k", made)))
        weir.wait_until(lambda: not list(drop.glob("*.fstrm")), "every file deleted")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)

    def write_file(self, target, frames):
        part = target.with_suffix(".part")
        part.write_bytes(frame_streams.control(frame_streams.START) +
                         b"".join(frame_streams.frame(each) for each in frames) +
                         frame_streams.control(frame_streams.STOP, None))
        part.rename(target)

    def test_a_power_cut_costs_what_was_not_on_disk_and_sends_nothing_corrupt(self):
        rng = random.Random(5)
        path = self.write()
        run = self.start(path)
        self.send("p", 0, FRAMES)
        run.wait_metric("weir_spool_put_units_total", FRAMES // 2)
        run.process.send_signal(signal.SIGKILL)
        run.wait()
        segments = sorted((self.home / "spool/lane-0").glob("*.spool"))
        last = segments[-1]
        os.truncate(last, rng.randrange(last.stat().st_size))
        with last.open("ab") as file:
            file.write(bytes(5000))
        receiver = self.receiver()
        second = self.start(path)
        found = weir.total(second.metrics(), "weir_spool_found_units_total")
        weir.wait_until(lambda: len(names(receiver.data())) >= found, second.stderr)
        got = names(receiver.data())
        self.assertEqual(got, self.expected("p", len(got)))
        self.assertEqual(second.stop(), 0, second.stderr())
        self.check_balance(second)

    def test_a_full_disk_is_counted_and_gone_on_with(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root")
        small = self.home / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(small)], check=False)
        path = self.write()
        path.write_text(path.read_text().replace(f"{self.home}/spool", f"{small}/spool"))
        run = self.start(path)
        self.send("f", 0, 100_000)
        run.wait_metric("weir_balance_in_units_total", 100_000, stage="output json")
        run.wait_metric("weir_spool_faults_total", 1)
        receiver = self.receiver()

        def settled():
            now = run.metrics()
            return (weir.total(now, "weir_spool_units") == 0 and
                    weir.total(now, "weir_balance_in_flight_units", stage="output json") == 0)

        weir.wait_until(settled, run.stderr, 60)
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        lost = run.drops().get("backlog_full", 0)
        self.assertGreater(lost, 0)
        got = names(receiver.data())
        self.assertEqual(len(set(got)) + lost, 100_000)
        self.assertEqual(list(dict.fromkeys(got)), sorted(set(got), key=lambda name: int(name[2:-6])))
        self.assertGreater(stages["spool json"]["out"], 0)

    def test_a_spool_that_is_full_gives_up_the_oldest(self):
        run = self.start(self.write(", spool_size: 1MiB"))
        self.send("o", 0, 100_000)
        run.wait_metric("weir_balance_in_units_total", 100_000, stage="output json")
        receiver = self.receiver()
        weir.wait_until(lambda: "o-99999.test." in names(receiver.data()), run.stderr, 60)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        got = set(names(receiver.data()))
        self.assertEqual(len(got) + run.drops()["spool_full"], 100_000)

    def test_one_spool_has_one_owner(self):
        path = self.write()
        self.start(path)
        other = self.weir("-c", path, metrics=False)
        self.assertEqual(other.wait(30), 1)
        self.assertIn("is in use by another output or process; give each its own directory", other.stderr())


class Several(SpoolCase):
    def test_another_receiver_takes_over(self):
        second_port = weir.free_port()
        run = self.start(self.write(f', alternatives: ["tcp://127.0.0.1:{second_port}"]'))
        first = self.receiver()
        second = line_receiver.LineReceiver(port=second_port)
        self.addCleanup(second.close)
        self.send("a", 0, 1000)
        weir.wait_until(lambda: len(names(first.data())) + len(names(second.data())) >= 1000, run.stderr)
        (first if names(first.data()) else second).close()
        self.send("a", 1000, 1000)
        weir.wait_until(lambda: len(set(names(first.data() + second.data()))) == 2000, run.stderr, 60)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {})

    def test_balance_gives_each_its_part(self):
        second_port = weir.free_port()
        first = self.receiver()
        second = line_receiver.LineReceiver(port=second_port)
        self.addCleanup(second.close)
        run = self.start(self.write(f', alternatives: ["tcp://127.0.0.1:{second_port}"], choose: balance'))
        run.wait_metric("weir_output_connects_total", 2)
        self.send("b", 0, FRAMES)
        weir.wait_until(lambda: len(names(first.data() + second.data())) >= FRAMES, run.stderr, 60)
        self.assertGreater(len(names(first.data())), 100)
        self.assertGreater(len(names(second.data())), 100)
        self.assertEqual(sorted(names(first.data() + second.data())), sorted(self.expected("b", FRAMES)))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)


if __name__ == "__main__":
    weir.main()
