#!/usr/bin/env python3
"""What goes wrong at a user's hands: each gives a clear message or a counter, nothing is lost silently, nothing crashes."""
import fcntl
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

import frame_streams
import weir

GOOD = 'inputs:\n  - dnstap: { listen: "tcp://127.0.0.1:0" }\noutputs:\n  - json: { to: "null:" }\n'
SAMPLE = weir.DATA / "dnstap/kdig-one.fstrm"


def without(*capabilities):
    """Words before a command that take capabilities away from root; nothing to take from others."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        raise unittest.SkipTest("setpriv is not installed")
    return ("setpriv", "--bounding-set", ",".join(f"-{name}" for name in capabilities))


def is_full(peer):
    """Whether bytes that were sent and not read have become no more for half a second."""
    def waiting():
        return struct.unpack("i", fcntl.ioctl(peer, termios.FIONREAD, b"\0" * 4))[0]

    before = waiting()
    time.sleep(0.5)
    return before == waiting() > 0


class BadInput(weir.WeirCase):
    def refused(self, *args, code, says, command="run", **kwargs):
        run = self.weir(*args, command=command, metrics=False, **kwargs)
        self.assertEqual(run.wait(60), code, run.stderr())
        for part in says:
            self.assertIn(part, run.stderr())
        self.assertEqual(run.stdout_path.read_bytes(), b"", "faults are not told on standard output")
        return run

    def config(self, text, mode=0o644):
        path = self.folder() / "weir.yaml"
        path.write_text(text)
        path.chmod(mode)
        return path

    # -- the configuration

    def test_missing_configuration(self):
        self.refused("-c", "/nowhere/weir.yaml", code=2, says=["/nowhere/weir.yaml", "No such file"])

    def test_unreadable_configuration(self):
        path = self.config(GOOD, 0)
        self.refused("-c", path, code=2, says=[str(path), "Permission denied"],
                     wrapper=without("dac_override", "dac_read_search"))

    def test_directory_as_configuration(self):
        folder = self.folder()
        self.refused("-c", folder, code=2, says=[str(folder), "directory"])

    def test_empty_configuration(self):
        self.refused("-c", self.config(""), code=2, says=["weir.yaml", "inputs"])

    def test_half_written_configuration(self):
        self.refused("-c", self.config(GOOD[:-25]), code=2, says=["weir.yaml:"])
        self.refused("-c", self.config(GOOD[:70]), code=2, says=["weir.yaml"])

    def test_mistyped_key_and_value(self):
        self.refused("-c", self.config(GOOD.replace("outputs", "output")), code=2, says=["weir.yaml:3", "output", "outputs"])
        self.refused("-c", self.config(GOOD.replace("listen", "lissten")), code=2, says=["weir.yaml:2", "lissten", "listen"])
        self.refused("-c", self.config(GOOD + "lcores: { decode: many }\n"), code=2, says=["weir.yaml:5", "decode", "many"])
        self.refused("-c", self.config(GOOD.replace("tcp://", "tpc://")), code=2, says=["weir.yaml:2", "tpc://"])
        self.refused("-c", self.config(GOOD + "drain_timeout: 10 parsecs\n"), code=2, says=["weir.yaml:5", "drain_timeout"])

    def test_binary_configuration(self):
        path = self.folder() / "weir.yaml"
        path.write_bytes(SAMPLE.read_bytes())
        self.refused("-c", path, code=2, says=["weir.yaml"])

    def test_unknown_flag_and_command(self):
        self.refused("--dnstapp", "tcp://127.0.0.1:1", code=2, says=["--dnstapp"])
        run = self.weir(command="rnu")
        self.assertEqual(run.wait(), 2, run.stderr())

    # -- ports, files, permissions

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refused("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "null:", code=1, says=[str(port), "in use"])
            self.refused("--dnstap", f"tcp://127.0.0.1:{weir.free_port()}", "--json", "null:", "--metrics",
                         f"127.0.0.1:{port}", code=1, says=[str(port), "in use"])

    def test_stale_socket_is_replaced_and_a_live_one_refused(self):
        path = self.folder() / "weir.sock"
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        run = self.weir("--dnstap", f"unix://{path}", "--json", "-").wait_ready()
        self.refused("--dnstap", f"unix://{path}", "--json", "null:", code=1, says=[str(path), "another process"])
        sender = frame_streams.Sender(str(path)).start()
        sender.send([frame_streams.dnstap("alive.test")])
        sender.finish()
        run.wait_metric("weir_ingest_units_total", 1)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.assertEqual(len(run.lines()), 1)
        self.assertFalse(path.exists(), "the socket goes with its owner")

    def test_a_file_where_a_socket_should_be_is_kept(self):
        path = self.folder() / "precious"
        path.write_text("data")
        self.refused("--dnstap", f"unix://{path}", "--json", "null:", code=1, says=[str(path)])
        self.assertEqual(path.read_text(), "data")

    def test_directory_as_file(self):
        folder = self.folder()
        self.refused(folder, code=1, says=[str(folder), "directory"], command="decode")
        self.refused("--dnstap", f"tcp://127.0.0.1:{weir.free_port()}", "--json", folder, code=1, says=[str(folder), "directory"])

    def test_missing_file(self):
        self.refused("/nowhere/a.fstrm", code=1, says=["/nowhere/a.fstrm", "No such file"], command="decode")

    def test_neither_pcap_nor_fstrm(self):
        path = self.folder() / "text"
        path.write_text("just some text, longer than a header is. " * 10)
        self.refused(path, code=1, says=[str(path), "neither"], command="decode")

    def test_output_folder_is_missing(self):
        self.refused("--dnstap", f"tcp://127.0.0.1:{weir.free_port()}", "--json", "/nowhere/dns.jsonl", code=1,
                     says=["/nowhere/dns.jsonl", "directory"])

    def test_closed_standard_streams(self):
        sample = weir.DATA / "dnstap/unbound-unix.fstrm"
        for words, says in (((sample, "--json", "-"), "standard output is closed"),
                            (("-", "--json", "null:"), "standard input")):
            run = self.weir(*words, command="decode", wrapper=("sh", "-c", 'exec "$@" <&- >&-', "sh"))
            self.assertEqual(run.wait(), 1, run.stderr())
            self.assertIn(says, run.stderr())

    def test_a_load_ends_in_time_though_nobody_reads_it(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            target = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            for more in (("--seconds", "1"), ()):
                with self.subTest(more):
                    run = self.weir("--dnstap", target, "--unidirectional", *more, command="generate")
                    peer, _ = server.accept()
                    self.addCleanup(peer.close)
                    if not more:
                        weir.wait_until(lambda peer=peer: is_full(peer), "the load to be stuck")
                        run.process.send_signal(signal.SIGTERM)
                    self.assertEqual(run.wait(20), 1)
                    self.assertIn("takes nothing more", run.stderr())

    def test_what_a_command_prints_must_get_there(self):
        for command in (("verify", "/dev/null"), ("plan",), ("--help",), ("--version",)):
            with open("/dev/full", "wb") as full:
                run = subprocess.run([weir.WEIR, *command], stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual((run.returncode, run.stderr), (1, b"weir: standard output could not be written\n"), command)

    def test_units_lost_while_it_drains_are_a_failure(self):
        port = weir.free_port()
        path = self.folder() / "weir.yaml"
        path.write_text(f"inputs:\n  - dnstap: {{ listen: \"tcp://127.0.0.1:{port}\" }}\n"
                        "outputs:\n  - statsd: { to: \"udp://statsd.invalid:8125\", interval: 1m }\n")
        run = self.weir("-c", path).wait_ready()
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send([frame_streams.dnstap("lost.test")] * 50)
        sender.finish()
        run.wait_metric("weir_output_events_total", 50)
        self.assertEqual(run.stop(), 1, run.stderr())
        self.assertEqual(run.drops(), {"write_failed": 50})
        self.check_balance(run)

    def test_a_terminal_that_nobody_reads_does_not_hold_the_end(self):
        controller, terminal = os.openpty()
        self.addCleanup(os.close, controller)
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "-", stdout=terminal).wait_ready()
        os.close(terminal)
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send([frame_streams.dnstap(f"t{n}.test", n) for n in range(500)])
        run.wait_metric("weir_ingest_units_total", 500)
        run.process.terminate()
        time.sleep(0.3)
        run.process.terminate()
        self.assertEqual(run.wait(10), 1, run.stderr())
        self.check_balance(run)
        sender.close()

    def test_the_end_of_files_before_a_dead_peer(self):
        config = self.config(f"inputs:\n  - file: {{ paths: [{weir.DATA / 'dnstap/unbound-unix.fstrm'}] }}\noutputs:\n"
                             f"  - json: {{ to: tcp://127.0.0.1:{weir.free_port()} }}\ndrain_timeout: 1s\n")
        run = self.weir("-c", config)
        self.assertEqual(run.wait(20), 1, run.stderr())
        self.assertIn("giving up", run.stderr())
        self.assertEqual(self.check_balance(run)["output json"]["drops"], 351)

    def test_what_decode_does_not_write_is_told(self):
        run = self.decode(weir.DATA / "pcap/variant-vlan-snap60.pcap")
        self.assertIn("not written, in units:", run.stderr())
        whole = (weir.DATA / "dnstap/unbound-unix.fstrm").read_bytes()
        cut = self.folder() / "cut.fstrm"
        cut.write_bytes(whole[:-100])
        self.assertIn("reject frame_cut 1", self.decode(cut).stderr())

    def test_more_senders_than_open_files(self):
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "null:",
                        wrapper=("sh", "-c", 'ulimit -n 300; exec "$@"', "sh")).wait_ready()
        senders = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for sender in senders:
            self.addCleanup(sender.close)
        run.wait_metric("weir_dnstap_connections_refused_total", 50)
        self.assertIn("raise the limit", run.stderr())
        self.assertEqual(run.stop(), 0, run.stderr())

    def test_flags_follow_the_rules_of_their_keys(self):
        self.refused("--dnstap", f"tcp://127.0.0.1:{weir.free_port()}", "--json", "null:",
                     "--lcores", "-1,1,1", code=2, says=["--lcores", "'-1'"])
        self.refused("-c", "", code=2, says=["--config: is empty"])

    def test_full_disk_is_told_and_counted(self):
        """/dev/full refuses each write as a full disk does: Weir says so, waits, and counts what it could not write."""
        run = self.weir(weir.DATA / "dnstap/unbound-unix.fstrm", "--json", "/dev/full", command="decode")
        weir.wait_until(lambda: "No space left" in run.stderr(), "the message")
        run.process.terminate()
        time.sleep(0.3)
        run.process.terminate()
        run.wait()
        stages = self.check_balance(run)
        self.assertEqual(stages["output json"]["out"], 0)
        self.assertEqual(stages["output json"]["drops"], 351)

    def test_full_disk_with_room_again_loses_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root")
        disk = self.folder()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "weir-e2e", disk], check=False).returncode:
            self.skipTest("this machine does not let root mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        run = self.weir(weir.DATA / "dnstap/unbound-unix.fstrm", "--json", disk / "dns.jsonl", command="decode")
        weir.wait_until(lambda: "No space left" in run.stderr(), "the message")
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        self.assertEqual(run.wait(30), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(weir.read_lines(disk / "dns.jsonl")), 351)

    def test_closed_standard_output(self):
        reader, writer = os.pipe()
        run = self.weir(weir.DATA / "dnstap/unbound-unix.fstrm", command="decode", stdout=writer)
        os.close(writer)
        os.close(reader)
        self.assertIn(run.wait(), (0, 1), run.stderr())
        self.check_balance(run)
        # And in the middle of a long stream.
        port = weir.free_port()
        reader, writer = os.pipe()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "-", stdout=writer).wait_ready()
        os.close(writer)
        sender = frame_streams.Sender(("127.0.0.1", port)).start()
        sender.send([frame_streams.dnstap(f"{n}.test") for n in range(2000)])
        self.assertTrue(os.read(reader, 100))
        os.close(reader)
        try:
            for _ in range(50):
                sender.send([frame_streams.dnstap(f"{n}.test") for n in range(2000)])
        except OSError:
            pass  # it may have ended already
        self.assertEqual(run.wait(30), 1, run.stderr())
        self.assertIn("closed by its reader", run.stderr())
        self.check_balance(run)

    def test_no_permission_for_af_packet(self):
        self.refused("--mirror", "lo", "--json", "null:", code=1, says=["CAP_NET_RAW"], wrapper=without("net_raw"))

    def test_interface_that_does_not_exist(self):
        self.refused("--mirror", "nosuchif0", "--json", "null:", code=1, says=["nosuchif0"])

    def test_pci_address_that_does_not_exist(self):
        self.refused("--mirror", "0000:fe:1f.7", "--json", "null:", code=2, says=["0000:fe:1f.7"])

    def test_a_vdev_that_hides_losses(self):
        for command in ("plan", "run"):
            self.refused("--mirror", "net_af_packet0,iface=lo", "--json", "null:", code=2, command=command,
                         says=["inputs[0].mirror.port", "write interface: lo instead"])

    def test_eal_arguments_that_are_weirs_own(self):
        text = f'inputs: [ dnstap: {{ listen: "tcp://127.0.0.1:{weir.free_port()}" }} ]\noutputs: [ json: {{ to: "null:" }} ]\n'
        for words, named in (("--help", "eal.args[0]: --help"), ("--log-level=8, --lcores=0-1", "eal.args[1]: --lcores"),
                             ("--proc-type, secondary", "eal.args[0]: --proc-type"), ("-l, '0'", "eal.args[0]: -l")):
            for command in ("plan", "run"):
                self.refused("-c", self.config(text + f"eal: {{ args: [{words}] }}\n"), code=2, command=command,
                             says=[named, "is Weir's own"])

    # -- sizes

    def test_ports_that_cannot_be_opened_are_refused_by_the_plan(self):
        """What `plan` prints, `run` starts."""
        capture = weir.DATA / "pcap/variant-base.pcap"
        for inputs, says in (("mirror: { port: net_null0, mbufs: 1100 }", "needs at least 1280"),
                             ("mirror: { port: net_null0, mbufs: 300, rx_descriptors: 32 }", "needs at least 384"),
                             ("mirror: { port: net_null }, mirror: { port: net_null0 }", "net_null0 is already used"),
                             (f"mirror: {{ port: 'net_pcap0,rx_pcap={capture}', queues: 4 }}", "mirror.queues: 4 are more")):
            path = self.config(f'inputs: [ {inputs} ]\noutputs: [ json: {{ to: "null:" }} ]\n')
            for command in ("plan", "run"):
                self.refused("-c", path, code=2, command=command, says=[says])
        for inputs in ("mirror: { port: net_null0, mbufs: 1280 }", "mirror: { port: net_null0, mbufs: 384, rx_descriptors: 32 }",
                       "mirror: { port: net_null }, mirror: { port: net_null1 }",
                       *(["mirror: { interface: lo, mbufs: 256 }"] if os.geteuid() == 0 else [])):
            path = self.config(f'inputs: [ {inputs} ]\noutputs: [ json: {{ to: "null:" }} ]\n')
            run = self.weir("-c", path).wait_ready()
            self.assertEqual(run.stop(), 0, run.stderr())

    def test_eal_memory_that_is_too_much_or_too_little(self):
        port = 'inputs: [ mirror: { port: net_null0 } ]\noutputs: [ json: { to: "null:" } ]\n'
        for command in ("plan", "run"):
            self.refused("-c", self.config(port + "eal: { memory: 1TiB }\n"), code=2, command=command,
                         says=["may need", "lower eal.memory"])
            self.refused("-c", self.config(port + "eal: { memory: 24MiB, hugepages: off }\n"), code=2, command=command,
                         says=["eal.memory: 24 MiB are too few", "write eal.memory: auto"])
        run = self.weir("-c", self.config(port + "eal: { memory: 36MiB, hugepages: off }\n")).wait_ready()
        self.assertEqual(run.stop(), 0, run.stderr())

    def test_more_lcores_than_cpus(self):
        run = self.decode(SAMPLE, "--lcores", "4,12,4")
        self.assertEqual(len(run.lines()), 2)
        self.check_balance(run)

    def test_no_lcores(self):
        self.refused(SAMPLE, "--lcores", "1,0", code=2, says=["--lcores"], command="decode")

    def test_ten_thousand_connections(self):
        """Those within the limit are served, the rest are refused and counted."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 12_000:
            self.skipTest(f"RLIMIT_NOFILE is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        port = weir.free_port()
        config = self.config(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}", max_connections: 6000 }}\n'
                             'outputs:\n  - json: { to: "-" }\n')
        run = self.weir("-c", config).wait_ready()
        senders = []
        self.addCleanup(lambda: [sender.close() for sender in senders])
        for _ in range(10_000):
            sender = frame_streams.Sender(("127.0.0.1", port))
            senders.append(sender)
        served = 0
        for number, sender in enumerate(senders):
            try:
                sender.start_one_way()
                sender.send([frame_streams.dnstap(f"c{number}.test")])
                served += 1
            except OSError:
                pass
        self.assertGreaterEqual(served, 6_000)
        run.wait_metric("weir_ingest_units_total", 6_000)
        samples = run.metrics()
        self.assertEqual(weir.total(samples, "weir_dnstap_connections"), 6_000)
        self.assertGreaterEqual(weir.total(samples, "weir_dnstap_connections_refused_total"), 4_000)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(len(run.lines()), 6_000)

    def test_a_sender_of_one_byte_a_second(self):
        """It holds nobody else up; before START it is closed after the handshake's time, after START it may be slow."""
        port = weir.free_port()
        config = self.config(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}", handshake_timeout: 2s }}\n'
                             'outputs:\n  - json: { to: "-" }\n')
        run = self.weir("-c", config).wait_ready()
        slow = frame_streams.Sender(("127.0.0.1", port)).start()
        never = frame_streams.Sender(("127.0.0.1", port))
        frame, hello = frame_streams.frame(frame_streams.dnstap("slow.test")), frame_streams.control(frame_streams.READY)
        closed_after = None
        begin = time.monotonic()
        for second in range(5):
            slow.socket.sendall(frame[second:second + 1])
            try:
                never.socket.sendall(hello[second:second + 1])
                never.socket.settimeout(0.01)
                if never.socket.recv(100) == b"":
                    closed_after = closed_after or time.monotonic() - begin
            except TimeoutError:
                pass
            except OSError:
                closed_after = closed_after or time.monotonic() - begin
            quick = frame_streams.Sender(("127.0.0.1", port)).start()
            quick.send([frame_streams.dnstap("quick.test")])
            quick.finish()
            time.sleep(1.0)
        self.assertIsNotNone(closed_after, "the handshake has a time limit")
        self.assertEqual(weir.total(run.metrics(), "weir_ingest_units_total"), 5)
        slow.socket.sendall(frame[5:])
        slow.finish()
        run.wait_metric("weir_ingest_units_total", 6)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(len(run.lines()), 6)

    def test_version_and_help(self):
        for words in (["--version"], ["--help"], ["run", "--help"], ["decode", "--help"], ["plan", "--help"],
                      ["generate", "--help"], ["verify", "--help"]):
            run = subprocess.run([weir.WEIR, *words], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(run.returncode, 0, words)
            self.assertTrue(run.stdout)


if __name__ == "__main__":
    weir.main()
