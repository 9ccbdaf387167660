#!/usr/bin/env python3
"""Compressed files: readable at any time, nothing twice and nothing cut after kill -9, a full disk as a state."""
import ctypes
import os
import pathlib
import signal
import subprocess
import unittest

import frame_streams
import weir

KINDS = {"zstd": ["zstd", "-qdc"], "gzip": ["gzip", "-dc"]}


def payloads(prefix, count):
    return [frame_streams.dnstap(f"{prefix}-{number}.test", number & 0xFFFF, port=1024 + number % 60_000)
            for number in range(count)]


def unpack(kind, path):
    """What users' own tools make of the file; they must find no fault in it."""
    with pathlib.Path(path).open("rb") as source:
        run = subprocess.run(KINDS[kind], stdin=source, capture_output=True, check=False)
    if run.returncode != 0:
        raise AssertionError(f"{path}: {run.stderr.decode()}")
    return run.stdout


class OutputFiles(weir.WeirCase):
    def configured(self, folder, output, rest="lcores: { ingest: 1, decode: 2, export: 2 }"):
        port = weir.free_port()
        path = self.folder() / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}", overflow: backpressure }}\n'
                        f"outputs:\n  - {output}\n{rest}\n")
        return self.weir("-c", path).wait_ready(), ("127.0.0.1", port)

    def send(self, target, prefix, count):
        sender = frame_streams.Sender(target, timeout=120).start()
        frames = payloads(prefix, count)
        for at in range(0, count, 500):
            sender.send(frames[at:at + 500])
        sender.finish()

    def test_json_of_two_lcores_is_whole_frames(self):
        for kind in KINDS:
            with self.subTest(kind):
                folder = self.folder()
                run, target = self.configured(folder, f'json: {{ to: "file://{folder}/dns", compress: {kind}, flush: 50ms }}')
                self.send(target, "a", 3_000)
                run.wait_metric("weir_balance_out_units_total", 3_000, stage="output json")
                self.assertEqual(len(weir.read_lines(unpack(kind, folder / "dns"))), 3_000, "readable while it is open")
                self.assertGreater(weir.total(run.metrics(), "weir_output_compressed_bytes_total"), 0)
                self.assertEqual(run.stop(), 0, run.stderr())
                self.check_balance(run)
                names = [line["qname"] for line in weir.read_lines(unpack(kind, folder / "dns"))]
                self.assertEqual((len(names), len(set(names))), (3_000, 3_000))

    def test_kill_in_a_loop_leaves_whole_lines_once(self):
        for kind in KINDS:
            with self.subTest(kind):
                folder = self.folder()
                for number in range(6):
                    run, target = self.configured(
                        folder, f'json: {{ to: "file://{folder}/dns", compress: {kind}, flush: 1ms }}')
                    pid = frame_streams.flood_process(target, f"k{number}")
                    run.wait_metric("weir_balance_out_units_total", 1_000, stage="output json")
                    run.process.send_signal(signal.SIGKILL)
                    run.process.wait()
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                run, target = self.configured(folder, f'json: {{ to: "file://{folder}/dns", compress: {kind} }}')
                self.send(target, "last", 100)
                self.assertEqual(run.stop(), 0, run.stderr())
                self.check_balance(run)
                names = [line["qname"] for line in weir.read_lines(unpack(kind, folder / "dns"))]
                self.assertEqual(len(names), len(set(names)), "lines twice")
                self.assertGreater(len(names), 6_000)
                self.assertEqual(sum(name.startswith("last") for name in names), 100)

    def test_frames_are_rotated_by_the_clock_though_nothing_comes(self):
        folder = self.folder()
        run, target = self.configured(
            folder, f'dnstap: {{ to: "file://{folder}/dns.fstrm.zst", compress: zstd, flush: 50ms, rotate_every: 1s }}')
        self.send(target, "r", 1_000)
        weir.wait_until(lambda: sum(len(unpack("zstd", path)) > 1_000 for path in folder.glob("dns.fstrm-*.zst")) > 0,
                        "a file to be rotated")
        run.wait_metric("weir_balance_out_units_total", 1_000, stage="output dnstap")
        weir.wait_until(lambda: (folder / "dns.fstrm.zst").stat().st_size == 0, "the last file to be rotated")
        rotated = list(folder.glob("dns.fstrm-*.zst"))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        units = 0
        for number, path in enumerate(rotated):
            plain = folder / f"plain{number}.fstrm"
            plain.write_bytes(unpack("zstd", path))
            units += len(self.decode(plain).lines())
        self.assertEqual(units, 1_000)

    def test_names_with_the_time_in_them(self):
        folder = self.folder()
        run, target = self.configured(
            folder, f'json: {{ to: "file://{folder}/dns-%H%M%S.gz", compress: gzip, flush: 50ms, rotate_every: 1s }}')
        for number in range(3):
            self.send(target, f"t{number}", 500)
            run.wait_metric("weir_balance_out_units_total", 500 * (number + 1), stage="output json")
            files = len(list(folder.glob("dns-??????.gz")))
            weir.wait_until(lambda: len(list(folder.glob("dns-??????.gz"))) > files, "the next file")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        names = [line["qname"] for path in folder.glob("dns-??????.gz") if path.stat().st_size
                 for line in weir.read_lines(unpack("gzip", path))]
        self.assertEqual((len(names), len(set(names))), (1_500, 1_500))

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount a small file system")
    def test_a_full_disk_is_a_state(self):
        folder = self.folder()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=1m") != 0:
            self.skipTest("may not mount")
        self.addCleanup(libc.umount2, str(folder).encode(), 2)
        (folder / "ballast").write_bytes(bytes(900 << 10))
        run, target = self.configured(folder, f'json: {{ to: "file://{folder}/dns.zst", compress: zstd, backlog: 64KiB }}',
                                      "lcores: { ingest: 1, decode: 1, export: 1 }")
        pid = frame_streams.flood_process(target, "f")
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_output_up") == 0, "the disk to be full")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.assertGreater(weir.total(run.metrics(), "weir_output_faults_total"), 0)
        full = weir.total(run.metrics(), "weir_balance_out_units_total", stage="output json")
        (folder / "ballast").unlink()
        run.wait_metric("weir_balance_out_units_total", full + 1, stage="output json")
        run.stop()
        out = self.check_balance(run)["output json"]["out"]
        names = [line["qname"] for line in weir.read_lines(unpack("zstd", folder / "dns.zst"))]
        self.assertEqual((len(names), len(set(names))), (out, out))


if __name__ == "__main__":
    weir.main()
