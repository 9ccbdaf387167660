#!/usr/bin/env python3
"""The dnstap output: frames arrive byte for byte, wherever they are sent, and those that do not are counted."""
import os
import shutil
import signal
import subprocess
import time
import unittest

import frame_reader
import frame_streams
import weir

FRAMES = 20_000
LCORES = "lcores: { ingest: 1, decode: 2, export: 2 }\n"
IN_ORDER = "lcores: { ingest: 1, decode: 1, export: 1 }\n"
SAMPLE = weir.DATA / "dnstap/unbound-tcp.fstrm"


def payloads(prefix, count):
    return [frame_streams.dnstap(f"{prefix}-{number}.test", number & 0xFFFF, port=1024 + number % 60_000)
            for number in range(count)]


def frames_in(path):
    return list(frame_streams.frames_of(path.read_bytes()))


class RelayCase(weir.WeirCase):
    def relay(self, listen, output, rest=LCORES):
        path = self.folder() / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "{listen}" }}\n'
                        f"outputs:\n  - dnstap: {{ {output} }}\n{rest}")
        return self.weir("-c", path).wait_ready()

    def convert(self, source, output, rest=IN_ORDER):
        """A run that ends by itself: files into the output."""
        path = self.folder() / "weir.yaml"
        path.write_text(f'inputs:\n  - file: {{ paths: ["{source}"] }}\noutputs:\n  - dnstap: {{ {output} }}\n{rest}')
        run = self.weir("-c", path)
        self.assertEqual(run.wait(60), 0, run.stderr())
        self.check_balance(run)
        return run

    def send(self, target, batch):
        sender = frame_streams.Sender(target, timeout=120).start()
        for at in range(0, len(batch), 500):
            sender.send(batch[at:at + 500])
        sender.finish()

    def stop_evenly(self, run, code=0):
        self.assertEqual(run.stop(), code, run.stderr())
        return self.check_balance(run)["output dnstap"]

    def ldns(self, path):
        """What dnstap-ldns reads of a file, a line each."""
        read = subprocess.run(["dnstap-ldns", "-q", "-r", str(path)], capture_output=True, text=True, check=True)
        return read.stdout.splitlines()


class Relay(RelayCase):
    def test_a_file_comes_out_as_it_went_in(self):
        out = self.folder() / "out.fstrm"
        self.convert(SAMPLE, f'to: "{out}"')
        self.assertEqual(out.read_bytes(), SAMPLE.read_bytes())
        self.convert(SAMPLE, f'to: "{out}"')
        self.assertEqual(frames_in(out), 2 * frames_in(SAMPLE))
        self.assertEqual(self.ldns(out), 2 * self.ldns(SAMPLE))

    def test_a_file_that_is_something_else_is_refused(self):
        path = self.folder() / "weir.yaml"
        other = self.folder() / "dns.jsonl"
        other.write_text("{}\n")
        path.write_text(f'inputs:\n  - file: {{ paths: ["{SAMPLE}"] }}\noutputs:\n  - dnstap: {{ to: "{other}" }}\n')
        run = self.weir("-c", path)
        self.assertEqual(run.wait(30), 1)
        self.assertIn("name another file", run.stderr())
        self.assertEqual(other.read_text(), "{}\n")

    def test_rotated_files_are_taken_by_another_from_the_directory(self):
        folder, port = self.folder(), weir.free_port()
        out, path = folder / "out.fstrm", folder / "last.yaml"
        path.write_text(f"inputs:\n  - directory: {{ path: {folder}, pattern: [\"out-*.fstrm\"], after: delete }}\n"
                        f'outputs:\n  - json: {{ to: "{folder}/lines.jsonl" }}\n')
        last = self.weir("-c", path).wait_ready()
        first = self.relay(f"tcp://127.0.0.1:{port}", f'to: "{out}", rotate_size: 300KiB, rotate_every: 1s, flush: 20ms')
        sent = payloads("rotates", FRAMES)
        self.send(("127.0.0.1", port), sent)
        first.wait_metric("weir_balance_out_units_total", FRAMES, stage="output dnstap")
        last.wait_metric("weir_balance_out_units_total", FRAMES, stage="output json")
        self.assertEqual(self.stop_evenly(first)["out"], FRAMES)
        self.assertGreaterEqual(first.stat("weir_output_rotations_total"), 3)
        weir.wait_until(lambda: not list(folder.glob("out-*")), "every file deleted")
        self.assertEqual(last.stop(), 0, last.stderr())
        names = sorted(line["qname"] for line in weir.read_lines(folder / "lines.jsonl"))
        self.assertEqual(names, sorted(f"rotates-{number}.test." for number in range(FRAMES)))
        self.assertEqual(frames_in(out), [])

    def test_two_relays_in_a_row_change_no_byte(self):
        folder, port = self.folder(), weir.free_port()
        last = self.relay(f"unix://{folder}/tap.sock", f'to: "{folder}/out.fstrm"')
        first = self.relay(f"tcp://127.0.0.1:{port}", f'to: "unix://{folder}/tap.sock", flush: 50ms')
        sent = payloads("chain", FRAMES) + frames_in(SAMPLE)
        self.send(("127.0.0.1", port), sent)
        last.wait_metric("weir_balance_out_units_total", len(sent), stage="output dnstap")
        self.assertEqual(self.stop_evenly(first)["out"], len(sent))
        self.assertEqual(self.stop_evenly(last)["out"], len(sent))
        self.assertEqual(sorted(frames_in(folder / "out.fstrm")), sorted(sent))
        self.assertEqual(first.drops() | last.drops(), {})
        self.assertEqual(last.stat("weir_dnstap_connections_closed_total", reason="finished"), 2, "an export lcore each")

    def test_fstrm_capture_takes_it_over_unix_and_tcp(self):
        folder, port = self.folder(), weir.free_port()
        for name, target, where in (("unix", f"unix://{folder}/cap.sock", ["-u", f"{folder}/cap.sock"]),
                                    ("tcp", f"tcp://localhost:{port}", ["-a", "127.0.0.1", "-p", str(port)])):
            with self.subTest(name):
                out = folder / f"{name}.fstrm"
                capture = subprocess.Popen(["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", *where, "-w", str(out)],
                                           stderr=subprocess.DEVNULL)
                self.addCleanup(capture.kill)
                run = self.convert(SAMPLE, f'to: "{target}"')
                capture.terminate()
                capture.wait(30)
                self.assertEqual(out.read_bytes(), SAMPLE.read_bytes())
                self.assertEqual(run.drops(), {})

    def test_a_receiver_that_dies_misses_nothing_over_unix(self):
        folder, port = self.folder(), weir.free_port()
        receiver = frame_reader.FrameReceiver(f"{folder}/tap.sock", most=(1_000, 3_000, None))
        run = self.relay(f"tcp://127.0.0.1:{port}", f'to: "unix://{folder}/tap.sock", flush: 10ms', IN_ORDER)
        sent = payloads("dies", FRAMES)
        self.send(("127.0.0.1", port), sent)
        run.wait_metric("weir_balance_out_units_total", FRAMES, stage="output dnstap")
        self.assertEqual(self.stop_evenly(run)["out"], FRAMES)
        got = receiver.wait()
        self.assertEqual(set(sum(got, [])), set(sent))
        self.assertTrue(receiver.stopped)
        self.assertEqual(run.stat("weir_output_connects_total"), 3)

    def test_a_receiver_that_is_away_is_a_counted_loss(self):
        folder, port = self.folder(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{port}", f'to: "unix://{folder}/tap.sock", backlog: 64KiB',
                         IN_ORDER + "drain_timeout: 500ms\n")
        self.send(("127.0.0.1", port), payloads("away", FRAMES))
        run.stop()
        line = self.check_balance(run)["output dnstap"]
        self.assertEqual((line["in"], line["out"]), (FRAMES, 0))
        self.assertEqual(set(run.drops("drop")), {"backlog_full", "output_shutdown"})

    def test_every_receiver_that_connects_gets_every_frame(self):
        for name in ("unix", "tcp"):
            with self.subTest(name):
                folder, port, out = self.folder(), weir.free_port(), weir.free_port()
                at = f"{folder}/out.sock" if name == "unix" else ("127.0.0.1", out)
                listen = f"unix://{at}" if name == "unix" else f"tcp://127.0.0.1:{out}"
                run = self.relay(f"tcp://127.0.0.1:{port}", f'listen: "{listen}", flush: 10ms')
                readers = [frame_reader.BackgroundReader(at) for _ in range(3)]
                run.wait_metric("weir_output_receivers", 3)
                sent = payloads("all", FRAMES)
                self.send(("127.0.0.1", port), sent)
                run.wait_metric("weir_balance_out_units_total", FRAMES, stage="output dnstap")
                line = self.stop_evenly(run)
                self.assertEqual((line["in"], line["out"], line["drops"]), (FRAMES, FRAMES, 0))
                for reader in readers:
                    self.assertEqual(sorted(reader.wait()), sorted(sent))
                    self.assertTrue(reader.reader.stopped)
                self.assertEqual(run.stat("weir_output_receivers_closed_total", reason="finished"), 3)

    def test_slow_and_killed_receivers_hold_up_nobody(self):
        port, out = weir.free_port(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{port}",
                         f'listen: "tcp://127.0.0.1:{out}", flush: 10ms, backlog: 2MiB, stall_timeout: 5s', IN_ORDER)
        at = ("127.0.0.1", out)
        good = frame_reader.BackgroundReader(at)
        asleep = frame_reader.FrameReader.dial(at, receive_buffer=4096)
        self.addCleanup(asleep.close)
        dying = frame_reader.FrameReader.dial(at, receive_buffer=4096)
        run.wait_metric("weir_output_receivers", 3)
        sent = []
        for number in range(100):
            batch = payloads(f"slow{number}", 4_000)
            self.send(("127.0.0.1", port), batch)
            sent += batch
            run.wait_metric("weir_output_written_events_total", len(sent))
            if number == 5:
                list(dying.frames(100))
                dying.close()
            if number > 5 and weir.total(run.metrics(), "weir_output_receivers_lost_events_total"):
                break
        run.wait_metric("weir_output_receivers_closed_total", 1, reason="stalled")
        self.assertEqual(weir.total(run.metrics(), "weir_ingest_drops_total"), 0)
        line = self.stop_evenly(run)
        self.assertEqual(good.wait(), sent)
        self.assertEqual((line["in"], line["out"], line["drops"]), (len(sent), len(sent), 0))
        self.assertGreater(run.stat("weir_output_receivers_lost_events_total"), 0)
        self.assertEqual(run.stat("weir_output_receivers_closed_total", reason="stalled"), 1)
        self.assertEqual(run.stat("weir_output_receivers_closed_total", reason="left"), 1)

    def test_without_receivers_all_is_counted(self):
        port, out = weir.free_port(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{port}", f'listen: "tcp://127.0.0.1:{out}", backlog: 64KiB', IN_ORDER)
        self.send(("127.0.0.1", port), payloads("none", FRAMES))
        line = self.stop_evenly(run, code=1)
        self.assertEqual((line["in"], line["out"], line["drops"]), (FRAMES, 0, FRAMES))
        self.assertEqual(set(run.drops()), {"no_receiver", "output_shutdown"})

    def test_mirrored_packets_become_messages(self):
        capture = weir.DATA / "pcap/variant-base.pcap"
        for as_, types in (("client", ("CQ", "CR")), ("auth", ("AQ", "AR"))):
            with self.subTest(as_):
                out = self.folder() / "out.fstrm"
                run = self.convert(capture, f'to: "{out}", as: {as_}, identity: "{{input}}.tap"')
                lines = self.ldns(out)
                self.assertEqual({line.split()[2] for line in lines}, set(types))
                source = self.decode(capture).lines()
                legs = sum(2 if line["type"] == "TRANSACTION" else 1 for line in source)
                self.assertEqual(len(lines), legs)
                made = self.decode(out).lines()
                self.assertEqual({line["identity"] for line in made}, {"file.tap"})
                keys = ("client_ip", "client_port", "server_ip", "id", "qname", "query_time", "response_time", "answers")
                responses = [line for line in made if line["type"].endswith("RESPONSE")]
                joined = [line for line in source if line["type"] != "QUERY"]
                self.assertEqual(sorted(repr([line.get(key) for key in keys]) for line in responses),
                                 sorted(repr([line.get(key) for key in keys]) for line in joined))
                self.assertEqual(run.stat("weir_output_written_events_total"), len(source))

    def test_fields_are_written_anew(self):
        out = self.folder() / "out.fstrm"
        self.convert(SAMPLE, f'to: "{out}", identity: "relay", version: "{{version}} by {{input}}", extra: "{{identity}}"')
        before, after = self.decode(SAMPLE).lines(), self.decode(out).lines()
        self.assertEqual(len(before), len(after))
        for old, new in zip(before, after):
            self.assertEqual(new["identity"], "relay")
            self.assertEqual(new["version"], f"{old.get('version', '')} by file")
            self.assertEqual(new.get("extra", ""), old.get("identity", ""))
            for line in (old, new):
                for key in ("identity", "version", "extra"):
                    line.pop(key, None)
            self.assertEqual(old, new)

    def test_pairs_go_out_as_the_frames_that_they_came_in(self):
        folder = self.folder()
        source = frames_in(SAMPLE)
        receiver = frame_reader.FrameReceiver(f"{folder}/tap.sock")
        config = folder / "weir.yaml"
        config.write_text(f'inputs:\n  - file: {{ paths: ["{SAMPLE}"], pair: true }}\noutputs:\n'
                          f'  - dnstap: {{ name: file, to: "{folder}/out.fstrm" }}\n'
                          f'  - dnstap: {{ name: peer, to: "unix://{folder}/tap.sock" }}\n'
                          f'  - dnstap: {{ name: anew, to: "{folder}/anew.fstrm", version: "{{identity}}!" }}\n{IN_ORDER}')
        run = self.weir("-c", config)
        self.assertEqual(run.wait(60), 0, run.stderr())
        stages = self.check_balance(run)
        joined = run.stat("weir_pair_joined_total")
        self.assertGreater(joined, 100)
        for name in ("file", "peer", "anew"):
            self.assertEqual(stages[f"output {name}"]["out"], len(source))
            self.assertEqual(run.stat("weir_output_written_events_total", output=name), len(source) - joined)
        out = frames_in(folder / "out.fstrm")
        self.assertEqual(sorted(out), sorted(source))
        self.assertEqual(sum(receiver.wait(), []), out)
        self.assertEqual(len(self.ldns(folder / "out.fstrm")), len(source))
        before, after = (self.decode(folder / name).lines() for name in ("out.fstrm", "anew.fstrm"))
        self.assertEqual([line["version"] for line in after], [f"{line.get('identity', '')}!" for line in before])

    def test_receivers_that_connect_get_both_frames_of_a_pair(self):
        port, out = weir.free_port(), weir.free_port()
        path = self.folder() / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}", pair: true }}\n'
                        f'outputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{out}" }}\n{LCORES}'
                        "match: { timeout: 1h, reorder: 10s }\n")
        run = self.weir("-c", path).wait_ready()
        reader = frame_reader.BackgroundReader(("127.0.0.1", out))
        run.wait_metric("weir_output_receivers", 1)
        sent = [frame_streams.dnstap(f"n{number}.test", number, port=1024 + number, kind=kind)
                for number in range(2_000) for kind in (5, 6)]
        self.send(("127.0.0.1", port), sent)
        run.wait_metric("weir_pair_joined_total", 2_000)
        self.assertEqual(self.stop_evenly(run)["out"], 4_000)
        got = reader.wait()
        self.assertEqual(sorted(got), sorted(sent))
        at = {frame: index for index, frame in enumerate(sent)}
        self.assertTrue(all(at[response] == at[query] + 1 for query, response in zip(got[::2], got[1::2])))

    def test_sighup_ends_one_file_and_begins_another(self):
        folder, port = self.folder(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{port}", f'to: "{folder}/out.fstrm", flush: 10ms')
        sent = payloads("hup", 2_000)
        self.send(("127.0.0.1", port), sent[:1_000])
        run.wait_metric("weir_balance_out_units_total", 1_000, stage="output dnstap")
        os.rename(folder / "out.fstrm", folder / "old.fstrm")
        run.process.send_signal(signal.SIGHUP)
        weir.wait_until((folder / "out.fstrm").exists, "the new file")
        self.send(("127.0.0.1", port), sent[1_000:])
        run.wait_metric("weir_balance_out_units_total", 2_000, stage="output dnstap")
        self.stop_evenly(run)
        self.assertEqual(sorted(frames_in(folder / "old.fstrm")), sorted(sent[:1_000]))
        self.assertEqual(sorted(frames_in(folder / "out.fstrm")), sorted(sent[1_000:]))
        for name in ("old.fstrm", "out.fstrm"):
            self.assertEqual(len(self.ldns(folder / name)), 1_000)

    @unittest.skipUnless(shutil.which("dnstap"), "golang-dnstap's dnstap is not installed")
    def test_golang_dnstap_reads_it(self):
        folder = self.folder()
        tool = subprocess.Popen(["dnstap", "-u", f"{folder}/go.sock", "-y", "-w", f"{folder}/go.yaml"],
                                stderr=subprocess.DEVNULL)
        self.addCleanup(tool.kill)
        weir.wait_until((folder / "go.sock").exists, "golang-dnstap to listen")
        self.convert(weir.DATA / "pcap/variant-base.pcap", f'to: "unix://{folder}/go.sock"')
        time.sleep(0.5)
        tool.terminate()
        tool.wait(30)
        self.assertIn("type: CLIENT_RESPONSE", (folder / "go.yaml").read_text())


if __name__ == "__main__":
    weir.main()
