#!/usr/bin/env python3
"""DPDK's virtual devices as ports, each fed by somebody else: a second DPDK process, tcpreplay, a file.

net_ring and net_null are ports of tests/dataplane/mirror_port_test.cpp; net_af_packet is refused (decision 0005).
"""
import collections
import re
import subprocess

import namespace
import veth_test
import weir

CAPTURE = weir.DATA / "pcap/variant-base.pcap"
TRANSMITTED = re.compile(r"TX-packets: (\d+)")


class Testpmd:
    """DPDK's own test program: plays a capture without end into a memif, as fast as it can."""

    def __init__(self, case, capture, socket, packets, log):
        self.log = log
        command = ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0-1", "--no-huge", "-m", "256", "--no-shconf", "--no-pci", "--no-telemetry",
                   "--vdev", f"net_pcap0,rx_pcap={capture},infinite_rx=1",
                   "--vdev", f"net_memif0,role=server,socket={socket},socket-abstract=no",
                   "--", "-i", "--nb-cores=1", f"--total-num-mbufs={2 * packets + 8192}", "--port-topology=paired"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log.open("wb"), stderr=subprocess.STDOUT,
                                        cwd=log.parent)
        case.addCleanup(self.end)
        weir.wait_until(lambda: "testpmd>" in self.said(), lambda: f"testpmd to be ready: {self.said()}")

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tell(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def stop(self):
        """Packets that the memif's ring took."""
        self.tell("stop")
        weir.wait_until(lambda: "Done." in self.said(), lambda: f"testpmd to stop: {self.said()}")
        of_memif = self.said().partition("statistics for port 1")[2]
        return int(TRANSMITTED.search(of_memif)[1])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Memif(weir.WeirCase):
    def flood(self, *flags):
        namespace.require("dpdk-testpmd")
        folder = self.folder()
        subprocess.run([weir.WEIR, "generate", "--pcap", folder / "load.pcap", "-n", "5000"], check=True,
                       capture_output=True)
        sender = Testpmd(self, folder / "load.pcap", folder / "memif.sock", 5000, folder / "testpmd.log")
        port = f"net_memif0,role=client,socket={folder}/memif.sock,socket-abstract=no,rsize=11"
        run = self.weir("--mirror", port, "--json", "null:", *flags).wait_ready()
        run.wait_metric("weir_mirror_link_up", 1)
        sender.tell("start")
        run.wait_metric("weir_ingest_units_total", 1_000_000)
        sent = sender.stop()
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_ingest_units_total") >= sent,
                        lambda: f"all of {sent}: {run.metrics()}")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        return run, sent

    def test_more_than_can_be_decoded_is_lost_in_counters_only(self):
        run, sent = self.flood()
        # The driver's own greeting is no packet of the sender's.
        self.assertEqual(run.stat("weir_ingest_units_total"), sent)
        self.assertGreater(run.drops("drop").get("ring_full", 0), 0)
        self.assertEqual(set(run.drops("drop")) - {"ring_full", "pool_empty"}, set())

    def test_a_peer_that_dies_and_comes_back(self):
        namespace.require("dpdk-testpmd")
        folder = self.folder()
        subprocess.run([weir.WEIR, "generate", "--pcap", folder / "load.pcap", "-n", "5000"], check=True,
                       capture_output=True)

        def start_peer(log):
            return Testpmd(self, folder / "load.pcap", folder / "memif.sock", 5000, folder / log)

        sender = start_peer("first.log")
        port = f"net_memif0,role=client,socket={folder}/memif.sock,socket-abstract=no,rsize=11"
        other = f"net_pcap1,rx_pcap={folder}/load.pcap"
        run = self.weir("--mirror", port, "--mirror", other, "--json", "null:").wait_ready()
        run.wait_metric("weir_mirror_link_up", 2)
        sender.tell("start")
        run.wait_metric("weir_ingest_units_total", 50_000)
        sender.end()
        run.wait_metric("weir_mirror_gone_total", 1)
        self.assertEqual(weir.total(run.metrics(), "weir_mirror_link_up"), 1)
        (folder / "memif.sock").unlink(missing_ok=True)
        weir.wait_until(lambda: "tried again at growing pauses" in run.stderr(), run.stderr)
        sender = start_peer("second.log")
        run.wait_metric("weir_mirror_reopened_total", 1, 90)
        run.wait_metric("weir_mirror_link_up", 2)
        before = weir.total(run.metrics(), "weir_ingest_units_total")
        sender.tell("start")
        run.wait_metric("weir_ingest_units_total", before + 50_000)
        sender.stop()
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)

    def test_with_lcores_of_their_own(self):
        run, sent = self.flood("--lcores", "1,1,1")
        self.assertEqual(run.stat("weir_ingest_units_total"), sent)


class Vdev(weir.WeirCase):
    def setUp(self):
        namespace.require("tcpreplay", "ip", "curl")
        self.net = namespace.Namespace(self)
        # Else the kernel sends packets of its own over a new link.
        self.net.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", check=False)

    def make_wire(self):
        namespace.ip("link", "add", "wire0", "type", "veth", "peer", "name", "tap0", netns=self.net.name)
        for end in ("wire0", "tap0"):
            namespace.ip("link", "set", end, "up", netns=self.net.name)

    def replay(self, port, interface):
        expected = self.decode(CAPTURE)
        packets = expected.stat("weir_ingest_units_total")
        run = self.weir("--mirror", port, "--json", "-", netns=self.net.name).wait_ready()
        self.net.run("tcpreplay", "-q", "-i", interface, "--pps=2000", CAPTURE)
        run.wait_metric("weir_ingest_units_total", packets)
        ended = run.stop()
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), packets, "the wire carries nothing else")
        if run.drops().get("nic_missed"):  # libpcap's buffer is small, and a busy machine late: it counts what it lost
            return run
        self.assertEqual(ended, 0, run.stderr())
        self.assertEqual(run.drops("drop"), {})
        self.assertEqual(veth_test.transactions(run.lines()), veth_test.transactions(expected.lines()))
        return run

    def test_net_tap(self):
        self.replay("net_tap0,iface=weirtap0", "weirtap0")

    def replay_anew(self, run, interface, packets, reopened):
        before = run.metrics()
        run.wait_metric("weir_mirror_reopened_total", reopened, 90)
        run.wait_metric("weir_mirror_link_up", 1)
        self.net.run("tcpreplay", "-q", "-i", interface, "--pps=2000", CAPTURE)
        run.wait_metric("weir_ingest_units_total", weir.total(before, "weir_ingest_units_total") + packets)

    def check_end(self, run, packets):
        ended = run.stop()
        self.check_balance(run)
        self.assertEqual(run.stat("weir_ingest_units_total"), packets)
        if not run.drops().get("nic_missed"):
            self.assertEqual(ended, 0, run.stderr())

    def test_net_tap_whose_interface_is_deleted(self):
        packets = self.decode(CAPTURE).stat("weir_ingest_units_total")
        run = self.weir("--mirror", "net_tap0,iface=weirtap0", "--json", "-", netns=self.net.name).wait_ready()
        self.net.run("tcpreplay", "-q", "-i", "weirtap0", "--pps=2000", CAPTURE)
        run.wait_metric("weir_ingest_units_total", packets)
        for times in (1, 2):
            namespace.ip("link", "del", "weirtap0", netns=self.net.name)
            run.wait_metric("weir_mirror_gone_total", times)
            self.replay_anew(run, "weirtap0", packets, times)
        self.check_end(run, 3 * packets)

    def test_net_pcap_whose_interface_is_made_anew(self):
        packets = self.decode(CAPTURE).stat("weir_ingest_units_total")
        self.make_wire()
        run = self.weir("--mirror", "net_pcap0,rx_iface=tap0", "--json", "-", netns=self.net.name).wait_ready()
        namespace.ip("link", "del", "tap0", netns=self.net.name)
        run.wait_metric("weir_mirror_gone_total", 1)
        weir.wait_until(lambda: "tried again at growing pauses" in run.stderr(), run.stderr)
        self.make_wire()
        self.replay_anew(run, "wire0", packets, 1)
        self.check_end(run, packets)

    def test_ends_while_its_port_is_gone(self):
        self.make_wire()
        run = self.weir("--mirror", "net_pcap0,rx_iface=tap0", "--json", "-", netns=self.net.name).wait_ready()
        namespace.ip("link", "del", "tap0", netns=self.net.name)
        run.wait_metric("weir_mirror_gone_total", 1)
        self.check_end(run, 0)

    def test_net_pcap_on_an_interface(self):
        self.make_wire()
        self.replay("net_pcap0,rx_iface=tap0", "wire0")

    def test_net_af_xdp(self):
        self.make_wire()
        run = self.replay("net_af_xdp0,iface=tap0", "wire0")
        self.assertGreater(run.stat("weir_mirror_nic_total", counter="rx_good_packets"), 0)

    def test_net_pcap_plays_a_file_in_its_own_time(self):
        expected = self.decode(CAPTURE)
        run = self.weir("--mirror", f"net_pcap0,rx_pcap={CAPTURE}", "--json", "-").wait_ready()
        run.wait_metric("weir_ingest_units_total", expected.stat("weir_ingest_units_total"))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(veth_test.transactions(run.lines()), veth_test.transactions(expected.lines()))

        def times(lines):  # the vdev has them in microseconds
            return collections.Counter(line["time"][:26] for line in lines)

        self.assertEqual(times(run.lines()), times(expected.lines()))


if __name__ == "__main__":
    weir.main()
