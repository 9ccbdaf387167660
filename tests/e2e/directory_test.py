#!/usr/bin/env python3
"""A directory as an input: files as they come, what is done with them, and nothing lost however weir ends."""
import gzip
import os
import random
import shutil
import signal
import threading
import time

import frame_streams
import weir

MALFORMED = weir.DATA / "malformed/fstrm"


def stream(names, cut=0):
    """A dnstap file with one message for each name, without its last `cut` bytes."""
    payloads = [frame_streams.dnstap(name, n & 0xFFFF, port=1024 + n % 60_000) for n, name in enumerate(names)]
    data = (frame_streams.control(frame_streams.START) + b"".join(map(frame_streams.frame, payloads)) +
            frame_streams.control(frame_streams.STOP))
    return data[:len(data) - cut]


def whole_names(path):
    """QNAMEs of the lines, of which a killed run may have cut the last one."""
    if not path.exists():
        return []
    data = path.read_bytes()
    return [line["qname"] for line in weir.read_lines(data[:data.rfind(b"\n") + 1])]


class Directory(weir.WeirCase):
    def setUp(self):
        self.home = self.folder()
        self.inbox = self.home / "in put"
        self.inbox.mkdir()
        self.out = self.home / "out.jsonl"

    def run_weir(self, after="keep", keys="", outputs="", ready=True, lcores="1,2,2", rescan="1s"):
        config = self.home / "weir.yaml"
        config.write_text(f"inputs:\n  - directory: {{ path: '{self.inbox}', after: '{after}', quiet: 300ms, rescan: {rescan}{keys} }}\n"
                          f"outputs:\n  - json: {{ to: 'file://{self.out}', flush: 20ms }}\n{outputs}")
        run = self.weir("-c", config, "--lcores", lcores)
        return run.wait_ready() if ready else run

    def put(self, name, data):
        """As a careful writer does: under another name first."""
        temporary = self.home / "being-written"
        temporary.write_bytes(data)
        os.rename(temporary, os.path.join(os.fsencode(self.inbox), os.fsencode(name)))

    def wait_files(self, run, count, result="done", seconds=20.0):
        run.wait_metric("weir_directory_files_total", count, seconds, result=result)

    def end(self, run, expect=0):
        self.assertEqual(run.stop(), expect, run.stderr())
        self.check_balance(run)

    def check_names(self, expected):
        """Each exactly once."""
        self.assertEqual(sorted(whole_names(self.out)), sorted(name + "." for name in expected))

    def test_files_that_are_there_closed_and_renamed_in(self):
        self.put("old.fstrm", stream(["old.test"]))
        for name in (".hidden.fstrm", "written.fstrm.part", "written.fstrm.tmp", "notes.txt"):
            (self.inbox / name).write_bytes(stream(["never.test"]))
        (self.inbox / "empty.fstrm").touch()
        (self.inbox / "folder.fstrm").mkdir()
        os.mkfifo(self.inbox / "fifo.fstrm")
        outside = self.home / "outside"
        outside.write_bytes(stream(["never.test"]))
        (self.inbox / "link.fstrm").symlink_to(outside)
        run = self.run_weir()
        self.wait_files(run, 1)
        self.put("renamed.fstrm", stream(["renamed.test"]))
        self.put("packed.fstrm.gz", gzip.compress(stream(["packed.test"])))
        with (self.inbox / "closed.fstrm").open("wb") as file:
            data = stream(["closed.test"])
            file.write(data[:50])
            file.flush()
            self.wait_files(run, 3)
            time.sleep(1.2)  # a look at the directory, too
            self.assertNotIn("closed.test.", whole_names(self.out))
            file.write(data[50:])
        self.wait_files(run, 4)
        samples = run.metrics()
        self.assertEqual(weir.total(samples, "weir_directory_up"), 1)
        self.assertEqual(weir.total(samples, "weir_directory_pending_files"), 0)
        self.assertEqual(weir.total(samples, "weir_directory_unsettled_files"), 0)
        self.end(run)
        self.check_names(["old.test", "renamed.test", "packed.test", "closed.test"])
        self.assertTrue((self.inbox / "old.fstrm").exists())

    def test_a_file_open_at_the_start_waits_for_its_close(self):
        with (self.inbox / "open.fstrm").open("wb") as file:
            data = stream(["a.test", "b.test"])
            file.write(data[:60])
            file.flush()
            os.utime(file.fileno(), (1, 1))
            run = self.run_weir(keys=", settle: 0")
            time.sleep(0.5)
            file.write(data[60:])
        self.wait_files(run, 1)
        self.end(run)
        self.check_names(["a.test", "b.test"])

    def test_delete_and_move(self):
        for after, left in (("delete", set()), ("move:done", {"same.fstrm", "same.fstrm.1"})):
            with self.subTest(after=after):
                run = self.run_weir(after)
                self.put("same.fstrm", stream(["one.test"]))
                self.wait_files(run, 1)
                self.put("same.fstrm", stream(["two.test"]))
                self.wait_files(run, 2)
                weir.wait_until(lambda: not (self.inbox / "same.fstrm").exists(), "the file to go")
                self.end(run)
                self.check_names(["one.test", "two.test"])
                done = self.inbox / "done"
                self.assertEqual({path.name for path in done.iterdir()} if done.exists() else set(), left)
                self.out.unlink()

    def test_what_is_done_stays_done(self):
        self.put("a.fstrm", stream(["a.test"]))
        self.put("bad.fstrm", b"no such format at all")
        for turn in range(2):
            run = self.run_weir()
            if turn == 0:
                self.wait_files(run, 1)
                self.wait_files(run, 1, "failed")
                # A rename, as by log rotation, makes no new file of it.
                (self.inbox / "a.fstrm").rename(self.inbox / "a.1.fstrm")
                self.put("b.fstrm", stream(["b.test"]))
                self.wait_files(run, 2)
            time.sleep(1.2)
            self.end(run)
            self.check_names(["a.test", "b.test"])
        with (self.inbox / "b.fstrm").open("ab") as file:  # written again: taken again, whole
            file.write(frame_streams.control(frame_streams.STOP))
        run = self.run_weir()
        self.wait_files(run, 1)
        self.end(run)
        self.check_names(["a.test", "b.test", "b.test"])

    def test_bad_files_are_set_aside_with_the_reason(self):
        bad = {"no-start.fstrm", "data-cut-119.fstrm", "random-1.fstrm", "content-type-path.fstrm", "start-cut-07.fstrm"}
        for name in bad:
            shutil.copy(MALFORMED / name, self.inbox)
        packed = gzip.compress(stream([f"gz-{n}.test" for n in range(3_000)]))
        self.put("packed.fstrm.gz", packed[:len(packed) // 2])
        self.put("cut.fstrm", stream(["kept.test", "lost.test"], cut=20))
        capture = (weir.DATA / "pcap/variant-base.pcap").read_bytes()
        self.put("cut.pcap", capture[:5_001])
        bad |= {"packed.fstrm.gz", "cut.fstrm", "cut.pcap"}
        run = self.run_weir("delete")
        self.wait_files(run, len(bad), "failed")
        run.wait_metric("weir_directory_unsettled_files", 0)
        self.end(run)
        failed = self.inbox / "failed"
        self.assertEqual({path.name for path in failed.iterdir()}, bad | {name + ".reason" for name in bad})
        for name in bad:
            self.assertIn(name, (failed / (name + ".reason")).read_text())
        self.assertIn("inside its gzip data", (failed / "packed.fstrm.gz.reason").read_text())
        names = whole_names(self.out)
        self.assertIn("kept.test.", names)
        self.assertIn("gz-0.test.", names)
        self.assertIn("failed: '", run.stderr())
        # Put back, one is taken again, after a restart too: here it fails again.
        (failed / "cut.fstrm.reason").unlink()
        (failed / "cut.fstrm").rename(self.inbox / "cut.fstrm")
        run = self.run_weir("delete")
        self.wait_files(run, 1, "failed")
        self.end(run)
        self.assertEqual(whole_names(self.out).count("kept.test."), 2)
        self.assertTrue((failed / "cut.fstrm.reason").exists())

    def test_a_thousand_files_at_once_beside_a_stream(self):
        ready = self.home / "ready"
        ready.mkdir()
        for n in range(1_000):
            (ready / f"{n:04}.fstrm").write_bytes(stream([f"f{n}-{i}.test" for i in range(5)]))
        port = weir.free_port()
        run = self.run_weir("delete", f", pair: true }}\n  - dnstap: {{ listen: 'tcp://127.0.0.1:{port}'")
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        for path in sorted(ready.iterdir()):
            path.rename(self.inbox / path.name)
        for n in range(10):
            sender.send([frame_streams.dnstap(f"s{n}-{i}.test", i) for i in range(5)])
        sender.finish()
        self.wait_files(run, 1_000, seconds=30)
        weir.wait_until(lambda: not list(self.inbox.glob("*.fstrm")), "all files to go")
        self.end(run)
        self.check_names([f"f{n}-{i}.test" for n in range(1_000) for i in range(5)] +
                         [f"s{n}-{i}.test" for n in range(10) for i in range(5)])

    def test_the_last_queries_of_a_capture_do_not_hold_its_file(self):
        capture = weir.DATA / "pcap/variant-base.pcap"
        expected = self.decode(capture).lines()
        run = self.run_weir("delete")
        self.put("a.pcap", capture.read_bytes())
        self.wait_files(run, 1)
        lines = weir.read_lines(self.out)  # while it runs: all are out before the file counts as done
        self.assertEqual(len(lines), len(expected))
        self.assertEqual(sum(line["type"] == "TRANSACTION" for line in lines),
                         sum(line["type"] == "TRANSACTION" for line in expected))
        self.end(run)

    def test_captures_that_follow_each_other_are_matched_across_their_ends(self):
        capture = (weir.DATA / "pcap/variant-base.pcap").read_bytes()
        expected = [(line["type"], line["qname"]) for line in self.decode(weir.DATA / "pcap/variant-base.pcap").lines()
                    if "qname" in line]
        at, parts = 24, [capture[:24]]
        while at < len(capture):  # a file for each 100 packets
            for _ in range(100):
                if at >= len(capture):
                    break
                at_end = at + 16 + int.from_bytes(capture[at + 8:at + 12], "little")
                parts[-1] += capture[at:at_end]
                at = at_end
            parts.append(capture[:24])
        for n, part in enumerate(parts):
            self.put(f"{n:03}.pcap", part)
            os.utime(self.inbox / f"{n:03}.pcap", (1_000 + n, 1_000 + n))
        run = self.run_weir("delete")
        self.wait_files(run, len(parts))
        self.end(run)
        got = [(line["type"], line["qname"]) for line in weir.read_lines(self.out) if "qname" in line]
        self.assertEqual(sorted(got), sorted(expected))

    def test_an_output_that_takes_nothing_holds_the_files(self):
        port = weir.free_port()
        run = self.run_weir("delete", outputs=f"  - json: {{ name: far, to: 'tcp://127.0.0.1:{port}', when_full: block }}\ndrain_timeout: 500ms\n")
        self.put("a.fstrm", stream(["a.test"]))
        run.wait_metric("weir_directory_unsettled_files", 1)
        time.sleep(0.5)
        self.assertTrue((self.inbox / "a.fstrm").exists())
        self.assertEqual(weir.total(run.metrics(), "weir_directory_files_total"), 0)
        self.assertEqual(run.stop(), 1, "lines were lost")
        self.assertTrue((self.inbox / "a.fstrm").exists())
        os.unlink(self.out)
        run = self.run_weir("delete")
        self.wait_files(run, 1)
        self.end(run)
        self.check_names(["a.test"])

    def ended_at_random_points(self, how, turns):
        """Files come all the time while weir is ended and started again: every message is in the lines."""
        rng = random.Random(how)
        expected, stop = [], threading.Event()

        def feed():
            n = 0
            while not stop.is_set():
                names = [f"k{n}-{i}.test" for i in range(rng.choice((1, 50, 4_000)))]
                expected.extend(names)
                self.put(f"{n}.fstrm", stream(names))
                n += 1
                time.sleep(0.02)

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            for _ in range(turns):
                run = self.run_weir("delete", ready=False)
                time.sleep(rng.uniform(0.05, 0.9))
                run.process.send_signal(how)
                run.wait()
        finally:
            stop.set()
            feeder.join()
        run = self.run_weir("delete")
        weir.wait_until(lambda: not list(self.inbox.glob("*.fstrm")), lambda: f"all files to go: {run.stderr()}", 40)
        self.end(run)
        names = set()
        for line in self.out.read_bytes().split(b"\n"):  # a killed run may have cut one in the middle
            if line.startswith(b"{") and line.endswith(b"}") and line.count(b'{"time"') == 1:
                names |= {entry["qname"] for entry in weir.read_lines(line + b"\n")}
        self.assertEqual({name + "." for name in expected} - names, set())

    def test_killed_again_and_again(self):
        self.ended_at_random_points(signal.SIGKILL, 6)

    def test_ended_again_and_again(self):
        self.ended_at_random_points(signal.SIGTERM, 3)

    def test_a_directory_that_goes_and_comes_back(self):
        shutil.rmtree(self.inbox)
        run = self.run_weir("delete")
        self.assertIn("cannot open", run.stderr())
        for turn in range(2):
            self.inbox.mkdir()
            self.put(f"{turn}.fstrm", stream([f"turn{turn}.test"]))
            self.wait_files(run, turn + 1)
            weir.wait_until(lambda turn=turn: not (self.inbox / f"{turn}.fstrm").exists(), "the file to go")
            if turn == 0:
                self.inbox.rename(self.home / "elsewhere")
            else:
                shutil.rmtree(self.inbox)
            weir.wait_until(lambda: weir.total(run.metrics(), "weir_directory_up") == 0, "weir to notice")
        self.end(run)
        self.check_names(["turn0.test", "turn1.test"])

    def test_a_damaged_state_file(self):
        for name in ("a", "b", "c"):
            self.put(f"{name}.fstrm", stream([f"{name}.test"]))
        run = self.run_weir()
        self.wait_files(run, 3)
        self.end(run)
        state = self.inbox / ".weir-state"
        lines = state.read_bytes().split(b"\n")
        lines[2] = lines[2][:20] + b"\xff" + lines[2][21:]
        state.write_bytes(b"\n".join(lines) + b"0badcafe done 1")  # and a line that was cut
        run = self.run_weir()
        self.wait_files(run, 1)
        time.sleep(0.3)
        self.end(run)
        self.assertEqual(len(whole_names(self.out)), 4)  # one file again
        self.assertIn("damaged", run.stderr())
        self.assertTrue((self.inbox / ".weir-state.damaged").exists())
        # What is no state file is left alone, and nothing is taken.
        state.write_bytes(b"root:x:0:0\n")
        run = self.run_weir(ready=False)
        self.assertEqual(run.wait(), 1)
        self.assertIn("is no state file", run.stderr())
        self.assertEqual(state.read_bytes(), b"root:x:0:0\n")

    def test_names_of_any_bytes(self):
        names = [b"a b.fstrm", b"line\nbreak.fstrm", b"back\\slash\\x41.fstrm", b"\xff\xfe\x80.fstrm", "ü€.fstrm".encode(),
                 b"x" * 249 + b".fstrm", b"-.fstrm", b"%s%n{}.fstrm"]
        for n, name in enumerate(names):
            self.put(name, stream([f"n{n}.test"]))
        for turn in range(2):
            run = self.run_weir()
            if turn == 0:
                self.wait_files(run, len(names))
            self.end(run)
        self.check_names([f"n{n}.test" for n in range(len(names))])
        self.out.unlink()
        for name in names:
            self.put(name, b"no format at all")
        run = self.run_weir("move:done")
        self.wait_files(run, len(names), "failed")
        self.end(run)
        self.assertEqual(len(os.listdir(os.fsencode(self.inbox / "failed"))), 2 * len(names))
        self.assertEqual({path.name for path in self.inbox.iterdir()}, {".weir-state", "done", "failed"})

    def test_what_cannot_work_is_refused(self):
        elsewhere = "/dev/shm" if os.path.isdir("/dev/shm") else None
        cases = [("move:" + str(self.inbox), "", 2, "so that what is moved there would be taken again"),
                 ("delete", ", failed: '/dev/null'", 1, "is no directory")]
        if elsewhere and os.stat(elsewhere).st_dev != self.inbox.stat().st_dev:
            cases.append(("move:" + elsewhere, "", 1, "is on another file system"))
        for after, keys, code, message in cases:
            with self.subTest(after=after):
                run = self.run_weir(after, keys, ready=False)
                self.assertEqual(run.wait(), code)
                self.assertIn(message, run.stderr())

    def test_sighup_looks_at_the_directory(self):
        outside = self.home / "x"
        outside.write_bytes(stream(["linked.test"]))
        self.put("first.fstrm", stream(["first.test"]))
        run = self.run_weir(rescan="1h")
        self.wait_files(run, 1)
        os.link(outside, self.inbox / "linked.fstrm")  # nothing is closed and nothing renamed
        time.sleep(0.3)
        self.assertEqual(weir.total(run.metrics(), "weir_directory_files_total"), 1)
        run.process.send_signal(signal.SIGHUP)
        self.wait_files(run, 2)
        self.end(run)

    def test_two_runs_do_not_share_a_directory(self):
        run = self.run_weir("delete")
        config = self.home / "second.yaml"
        config.write_text((self.home / "weir.yaml").read_text().replace("out.jsonl", "second.jsonl"))
        second = self.weir("-c", config).wait_ready()
        self.assertIn("is read by another process", second.stderr())
        self.put("a.fstrm", stream(["a.test"]))
        self.wait_files(run, 1)
        self.end(run)
        self.put("b.fstrm", stream(["b.test"]))
        self.wait_files(second, 1, seconds=40)
        self.end(second)
        self.check_names(["a.test"])
        self.assertEqual(whole_names(self.home / "second.jsonl"), ["b.test."])


if __name__ == "__main__":
    weir.main()
