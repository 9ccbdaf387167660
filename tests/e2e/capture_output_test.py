#!/usr/bin/env python3
"""The output `pcap`: what came in is in a file as it was, all of it or what was rejected, and nothing is lost unseen.

libwireshark (editcap, tshark) and libpcap (tcpdump) are the judges of what a file holds.
"""
import collections
import json
import os
import shutil
import signal
import subprocess
import unittest

import capture_reader
import namespace
import weir

INDEX = [json.loads(line) for line in (weir.DATA / "malformed/INDEX.jsonl").read_text().splitlines()]


def captures():
    """The captures of the repository and, where it is there, of the corpus."""
    folders = [weir.DATA / "pcap"] + ([weir.corpus() / "pcap"] if weir.corpus() else [])
    found = {path.name: path for folder in folders for path in sorted(folder.iterdir())}
    return [path for path in found.values() if path.suffix != ".snoop"]


def what(packets):
    return [packet[:3] for packet in packets]


class CaptureOutput(weir.WeirCase):
    def setUp(self):
        for program in ("editcap", "tshark"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed (scripts/setup e2e)")

    def config(self, source, output, rest=""):
        path = self.folder() / "weir.yaml"
        path.write_text(f"inputs:\n  - {source}\noutputs:\n  - pcap: {{ {output} }}\n{rest}")
        return path

    def copy(self, sources, output, rest="", expect=0, suffix="pcapng", options=""):
        """(the file, the run) after `weir run` has read the sources."""
        to = self.folder() / f"copy.{suffix}"
        paths = ", ".join(f'"{path}"' for path in sources)
        run = self.weir("-c", self.config(f"file: {{ paths: [{paths}] {options} }}", f'to: "file://{to}", {output}', rest),
                        metrics=False)
        self.assertEqual(run.wait(60), expect, run.stderr())
        self.check_balance(run)
        return to, run


class Files(CaptureOutput):
    def test_every_capture_comes_out_as_it_was(self):
        for source in captures():
            for form in ("pcapng", "pcap"):
                with self.subTest(source=source.name, format=form):
                    want = capture_reader.normalized(source, self.folder())
                    to, run = self.copy([source], f"format: {form}, snap_length: 256KiB", suffix=form)
                    got = capture_reader.read(to)
                    self.assertEqual(what(got), what(want))
                    self.assertEqual({packet.link for packet in got}, {packet.link for packet in want})
                    self.assertEqual(run.drops("drop"), {})
                    self.assertEqual(what(capture_reader.normalized(to, self.folder())), what(want))

    def test_decoding_the_copy_gives_the_same_lines(self):
        for source in captures():
            for form in ("pcapng", "pcap"):
                with self.subTest(source=source.name, format=form):
                    to, _ = self.copy([source], f"format: {form}", suffix=form)
                    self.assertEqual(self.decode(to).lines(), self.decode(source).lines())

    def test_lines_are_not_changed_by_a_capture_beside_them(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        to = self.folder() / "copy.pcapng"
        run = self.decode(source, "--pcap", to, "--json", "-")
        self.assertEqual(run.lines(), self.decode(source).lines())
        self.assertEqual(len(capture_reader.read(to)), 483)

    def test_a_capture_takes_the_place_of_the_lines(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        run = self.decode(source, "--pcap", self.folder() / "copy.pcap")
        self.assertEqual(run.stdout_path.read_bytes(), b"")
        words = subprocess.run([weir.WEIR, "decode", "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("takes the place of the lines", " ".join(words.split()))

    def test_no_compressed_captures(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        run = self.decode(source, "--pcap", self.folder() / "copy.pcap.gz", expect=2)
        self.assertIn("captures are not written compressed; write to", run.stderr())

    def test_captures_that_are_damaged(self):
        """Whatever Weir makes of a damaged file: it says so, and what it writes is whole."""
        for entry in INDEX:
            if entry["class"] != "pcap":
                continue
            for form in ("pcapng", "pcap"):
                with self.subTest(entry["file"], format=form):
                    to = self.folder() / f"copy.{form}"
                    config = self.config(f'file: {{ paths: ["{weir.DATA / "malformed" / entry["file"]}"] }}',
                                         f'to: "file://{to}", format: {form}, snap_length: 256KiB')
                    run = self.weir("-c", config, metrics=False)
                    self.assertIn(run.wait(60), (0, 1), run.stderr())
                    if not run.stats_path.exists():
                        continue
                    stages = self.check_balance(run)
                    got = capture_reader.read(to)
                    self.assertEqual(len(got), stages["copies pcap"]["out"])
                    self.assertIsNotNone(capture_reader.normalized(to, self.folder()))
                    want = capture_reader.normalized(weir.DATA / "malformed" / entry["file"], self.folder())
                    if want is not None:  # libwireshark's times of fractions over a second overflow
                        self.assertEqual([packet[1:3] for packet in got][:len(want)], [packet[1:3] for packet in want])

    def test_rejected_packets_have_their_reason(self):
        sources = [weir.DATA / "malformed" / entry["file"] for entry in INDEX if entry["class"] == "pcap"]
        total = collections.Counter()
        for source in sources:
            with self.subTest(source.name):
                to = self.folder() / "copy.pcapng"
                config = self.config(f'file: {{ paths: ["{source}"], verify_checksums: true }}',
                                     f'to: "file://{to}", pick: rejected')
                run = self.weir("-c", config, metrics=False)
                self.assertIn(run.wait(60), (0, 1), run.stderr())
                if not run.stats_path.exists():
                    continue
                self.check_balance(run)
                # Of reassembly, the packets are gone by then.
                known = {reason: n for reason, n in run.drops("reject").items()
                         if reason.startswith(("packet_", "tunnel_"))}
                told = collections.Counter(packet.comment.removeprefix("weir: ") for packet in capture_reader.read(to))
                if source.name.startswith(("frag-", "real-")):
                    # Of a datagram of fragments, the one that completed it.
                    self.assertEqual(set(told), set(known))
                    self.assertTrue(all(n <= known[reason] for reason, n in told.items()), (told, known))
                else:
                    self.assertEqual(told, known)
                total.update(known)
        self.assertEqual(set(total), {"packet_cut", "packet_bad_ip", "packet_bad_udp", "packet_bad_tcp", "packet_bad_checksum",
                                      "tunnel_too_deep"})

    def test_a_filter_picks_what_tshark_and_tcpdump_would(self):
        for name, expression in (("variant-base.pcap", "udp and greater 200"), ("variant-vlan.pcap", "vlan and tcp port 53"),
                                 ("variant-rawip.pcap", "ip6 or tcp")):
            with self.subTest(name):
                source = weir.DATA / "pcap" / name
                to, run = self.copy([source], f'pick: filter, filter: "{expression}"')
                theirs = self.folder() / "theirs.pcap"
                subprocess.run(["tcpdump", "-r", source, "-w", theirs, expression], check=True, capture_output=True)
                want = what(capture_reader.normalized(theirs, self.folder()))
                self.assertGreater(len(want), 0)
                self.assertEqual(what(capture_reader.read(to)), want)
                self.assertEqual(run.stat("weir_capture_packets_total"), len(want))

    def test_what_an_input_filters_is_not_copied(self):
        to, run = self.copy([weir.DATA / "pcap/variant-base.pcap"], "pick: all", options=', filter: "tcp"')
        filtered = run.drops()["packet_filtered"]
        self.assertGreater(filtered, 0)
        self.assertEqual(len(capture_reader.read(to)), 483 - filtered)

    def test_tshark_shows_the_reason_and_the_input(self):
        to, _ = self.copy([weir.DATA / "malformed/pcap/udp-bad-checksum.pcap"], "pick: rejected",
                          options=", verify_checksums: true, name: tap-7")
        shown = subprocess.run(["tshark", "-r", to, "-T", "fields", "-e", "frame.comment", "-e", "frame.interface_name"],
                               capture_output=True, text=True, check=True)
        self.assertEqual(shown.stdout, "weir: packet_bad_checksum\ttap-7\n")

    def test_a_file_without_packets_is_one_that_can_be_read(self):
        for form in ("pcapng", "pcap"):
            with self.subTest(form):
                to, _ = self.copy([weir.DATA / "pcap/variant-base.pcap"], f"pick: rejected, format: {form}")
                for reader in ("tcpdump", "tshark"):
                    shown = subprocess.run([reader, "-r", to], capture_output=True, text=True, check=True)
                    self.assertEqual(shown.stdout, "")

    def test_a_snap_length_cuts_the_bytes_and_not_the_length(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        to, _ = self.copy([source], "snap_length: 64")
        want = [(time, wire, data[:64]) for time, wire, data in what(capture_reader.normalized(source, self.folder()))]
        self.assertEqual(what(capture_reader.read(to)), want)

    def test_several_link_types(self):
        sources = [weir.DATA / "pcap" / name for name in ("variant-base.pcap", "variant-rawip.pcap", "variant-null.pcap")]
        to, run = self.copy(sources, "format: pcapng", rest="lcores: { ingest: 1 }\n")
        self.assertEqual(collections.Counter(packet.link for packet in capture_reader.read(to)), {1: 483, 101: 483, 0: 483})
        to, run = self.copy(sources, "format: pcap", rest="lcores: { ingest: 1 }\n", suffix="pcap")
        self.assertEqual(collections.Counter(packet.link for packet in capture_reader.read(to)), {1: 483})
        self.assertEqual(run.drops("drop"), {"capture_link_type": 966})

    def test_several_ingest_and_export_lcores_write_one_file(self):
        sources = [weir.DATA / "pcap" / name for name in ("variant-base.pcap", "variant-vlan.pcap", "variant-dup.pcap")]
        to, _ = self.copy(sources, "format: pcap", rest="lcores: { ingest: 3, decode: 2, export: 2 }\n", suffix="pcap")
        want = collections.Counter(packet for source in sources
                                   for packet in what(capture_reader.normalized(source, self.folder())))
        self.assertEqual(collections.Counter(what(capture_reader.read(to))), want)

    def test_rotation_loses_nothing_and_each_file_stands_alone(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        for form in ("pcapng", "pcap"):
            with self.subTest(form):
                folder = self.folder()
                to = folder / f"copy.{form}"
                config = self.config(f'file: {{ paths: [{", ".join([str(source)] * 20)}] }}',
                                     f'to: "file://{to}", format: {form}, rotate_size: 400KiB, backlog: 64KiB',
                                     "lcores: { ingest: 1 }\n")
                run = self.weir("-c", config, metrics=False)
                self.assertEqual(run.wait(60), 0, run.stderr())
                self.check_balance(run)
                files = sorted(folder.glob(f"copy*.{form}"), key=lambda path: (path == to, path.stat().st_mtime_ns))
                self.assertGreater(len(files), 4)
                got = [packet for path in files for packet in what(capture_reader.read(path))]
                want = what(capture_reader.normalized(source, self.folder())) * 20
                self.assertEqual(collections.Counter(got), collections.Counter(want))
                for path in files:
                    self.assertIsNotNone(capture_reader.normalized(path, self.folder()))

    def test_a_second_run_appends(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        want = what(capture_reader.normalized(source, self.folder()))
        for form in ("pcapng", "pcap"):
            with self.subTest(form):
                to = self.folder() / f"copy.{form}"
                config = self.config(f'file: {{ paths: ["{source}"] }}', f'to: "file://{to}", format: {form}')
                for cut in (0, 7):
                    run = self.weir("-c", config, metrics=False)
                    self.assertEqual(run.wait(60), 0, run.stderr())
                    if cut:  # as by a kill
                        to.write_bytes(to.read_bytes()[:-cut])
                run = self.weir("-c", config, metrics=False)
                self.assertEqual(run.wait(60), 0, run.stderr())
                self.assertIn("ended inside a packet", run.stderr())
                self.assertEqual(what(capture_reader.read(to)), want + want[:-1] + want)
                self.assertEqual(what(capture_reader.normalized(to, self.folder())), want + want[:-1] + want)

    def test_another_file_is_not_appended_to(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        for form, other in (("pcap", weir.DATA / "pcap/variant-bigendian.pcap"), ("pcap", source),
                            ("pcapng", source), ("pcapng", weir.DATA / "dnstap/kdig-one.fstrm")):
            with self.subTest(form=form, other=other.name):
                to = self.folder() / "copy"
                to.write_bytes(other.read_bytes())
                config = self.config(f'file: {{ paths: ["{source}"] }}', f'to: "file://{to}", format: {form}')
                run = self.weir("-c", config, metrics=False)
                self.assertEqual(run.wait(60), 1)
                self.assertIn("move it away, or name another file", run.stderr())
                self.assertEqual(to.read_bytes(), other.read_bytes())

    def test_a_full_disk_is_waited_for_and_counted(self):
        if subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout.strip() != "0":
            self.skipTest("mounting a small disk needs root")
        disk = self.folder()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "weir-e2e", disk], check=False).returncode:
            self.skipTest("this machine does not let root mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        source = weir.DATA / "pcap/variant-base.pcap"
        for when_full in ("block", "drop_newest"):
            with self.subTest(when_full):
                to = disk / "copy.pcapng"
                paths = ", ".join([str(source)] * 40)
                config = self.config(f"file: {{ paths: [{paths}] }}",
                                     f'to: "file://{to}", backlog: 64KiB, when_full: {when_full}', "drain_timeout: 1s\n")
                run = self.weir("-c", config).wait_ready()
                weir.wait_until(lambda run=run: "No space left" in run.stderr(), "the disk to be full")
                if when_full == "drop_newest":
                    run.wait_metric("weir_output_drops_total", 1_000, reason="backlog_full")
                self.assertEqual(run.stop(), 1, run.stderr())
                stages = self.check_balance(run)
                self.assertGreater(stages["copies pcap"]["drops"], 0)
                self.assertEqual(len(capture_reader.read(to)), stages["copies pcap"]["out"])
                self.assertIsNotNone(capture_reader.normalized(to, self.folder()))
                to.unlink()

    def test_a_signal_in_the_middle_leaves_a_whole_file(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        for form in ("pcapng", "pcap"):
            with self.subTest(form):
                to = self.folder() / f"copy.{form}"
                paths = ", ".join([str(source)] * 2_000)
                run = self.weir("-c", self.config(f"file: {{ paths: [{paths}] }}", f'to: "file://{to}", format: {form}')).wait_ready()
                run.wait_metric("weir_ingest_units_total", 10_000)
                self.assertIn(run.stop(), (0, 1), run.stderr())  # 1: not all was read
                stages = self.check_balance(run)
                self.assertEqual(stages["copies pcap"]["drops"], 0)
                self.assertEqual(len(capture_reader.read(to)), stages["copies pcap"]["out"])

    def test_standard_output_can_be_piped_into_tcpdump(self):
        source = weir.DATA / "pcap/variant-base.pcap"
        run = self.decode(source, "--pcap", "-")
        shown = subprocess.run(["tcpdump", "-nr", run.stdout_path], capture_output=True, text=True, check=True)
        self.assertEqual(len(shown.stdout.splitlines()), 483)

    def test_a_directory_is_done_when_its_copies_are_out(self):
        spool = self.folder()
        to = self.folder() / "copy.pcapng"
        source = weir.DATA / "pcap/variant-base.pcap"
        for number in range(10):
            shutil.copy(source, spool / f"{number}.pcap")
        run = self.weir("-c", self.config(f'directory: {{ path: "{spool}", after: delete, settle: 0, quiet: 100ms }}',
                                          f'to: "file://{to}"')).wait_ready()
        weir.wait_until(lambda: not list(spool.glob("*.pcap")), "the files to be deleted")
        want = what(capture_reader.normalized(source, self.folder()))
        self.assertEqual(what(capture_reader.read(to)), want * 10, "deleted, so it must be written")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)


class Live(CaptureOutput):
    def setUp(self):
        super().setUp()
        namespace.require("tcpreplay", "ip", "curl")
        self.net = namespace.Namespace(self)
        namespace.ip("link", "add", "wire0", "type", "veth", "peer", "name", "tap0", netns=self.net.name)
        for end in ("wire0", "tap0"):
            self.net.run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1", check=False)
            namespace.ip("link", "set", end, "mtu", "1600", "up", netns=self.net.name)

    def test_the_wire_is_in_the_file_with_its_tags(self):
        for name in ("variant-base.pcap", "variant-vlan.pcap", "variant-qinq.pcap"):
            for form in ("pcapng", "pcap"):
                with self.subTest(name=name, format=form):
                    source = weir.DATA / "pcap" / name
                    to = self.folder() / f"copy.{form}"
                    run = self.weir("-c", self.config("mirror: { interface: tap0 }", f'to: "file://{to}", format: {form}'),
                                    netns=self.net.name).wait_ready()
                    self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=2000", source)
                    run.wait_metric("weir_ingest_units_total", 483)
                    self.assertEqual(run.stop(), 0, run.stderr())
                    self.check_balance(run)
                    want = capture_reader.normalized(source, self.folder())
                    got = capture_reader.read(to)
                    self.assertEqual([packet[1:4] for packet in got], [packet[1:4] for packet in want])
                    times = [packet.time_ns for packet in got]
                    self.assertEqual(times, sorted(times))

    def test_rotation_by_the_clock_and_by_a_signal_loses_nothing(self):
        folder = self.folder()
        to = folder / "copy.pcapng"
        run = self.weir("-c", self.config("mirror: { interface: tap0 }", f'to: "file://{to}", rotate_every: 1s, flush: 50ms'),
                        netns=self.net.name).wait_ready()
        for number in range(5):
            self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=1000", weir.DATA / "pcap/variant-base.pcap")
            if number == 2:
                to.rename(folder / "copy-moved.pcapng")
                run.process.send_signal(signal.SIGHUP)
        run.wait_metric("weir_ingest_units_total", 5 * 483)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        files = list(folder.glob("*.pcapng"))
        self.assertGreater(len(files), 2)
        self.assertEqual(sum(len(capture_reader.read(path)) for path in files), 5 * 483)

    def test_the_street_does_not_wait_for_a_full_disk(self):
        """The copies are lost and counted, the lines are all there."""
        to = self.folder() / "fifo"
        subprocess.run(["mkfifo", to], check=True)
        reader = os.open(to, os.O_RDWR)  # which reads nothing
        self.addCleanup(os.close, reader)
        lines = self.folder() / "dns.jsonl"
        config = self.config("mirror: { interface: tap0 }", f'to: "file://{to}", backlog: 64KiB',
                             f'  - json: {{ to: "file://{lines}" }}\nrings: {{ depth: 2, batch_bytes: 4KiB }}\n'
                             "drain_timeout: 3s\n")  # longer than the lines wait for their flush
        run = self.weir("-c", config, netns=self.net.name).wait_ready()
        self.net.run("tcpreplay", "-q", "-i", "wire0", "--pps=5000", "--loop=20", "--preload-pcap",
                     weir.DATA / "pcap/variant-base.pcap")
        run.wait_metric("weir_ingest_units_total", 20 * 483)
        self.assertEqual(run.stop(), 1, run.stderr())
        stages = self.check_balance(run)
        self.assertGreater(run.drops()["capture_no_room"], 0)
        self.assertEqual(stages["copies pcap"]["in"], 20 * 483)
        self.assertEqual(stages["output json"]["drops"], 0)
        self.assertEqual(len(weir.read_lines(lines)), run.stat("weir_output_written_events_total", output="json"))


if __name__ == "__main__":
    weir.main()
