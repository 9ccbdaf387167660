#!/usr/bin/env python3
"""Outputs over TLS: Python's ssl, or a second Weir, is the other end."""
import json
import signal
import socket
import ssl
import time

import certificates
import frame_reader
import frame_streams
import line_receiver
import weir
import relay_test
from relay_test import FRAMES, LCORES, SAMPLE, frames_in, payloads


class RelayTls(relay_test.RelayCase):
    def setUp(self):
        self.files = self.folder()
        self.authority = certificates.Authority(self.files)
        self.certificate, self.key = self.authority.sign("server", "IP:127.0.0.1,DNS:sink.test")
        self.client = self.authority.sign("client", "DNS:client.test")
        self.shown = f"tls_certificate: {self.certificate}, tls_key: {self.key}"
        self.ca = f"tls_ca: {self.authority.certificate}"

    def server_side(self, asks=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority.certificate)
        return context

    def client_side(self, client=None):
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if client:
            context.load_cert_chain(*map(str, client))
        return context

    def test_a_receiver_is_dialed_with_and_without_a_certificate_of_ours(self):
        for asks in (False, True):
            with self.subTest(asks=asks):
                port = weir.free_port()
                receiver = frame_reader.FrameReceiver(("127.0.0.1", port), tls=self.server_side(asks))
                mine = f", tls_certificate: {self.client[0]}, tls_key: {self.client[1]}" if asks else ""
                run = self.convert(SAMPLE, f'to: "tls://127.0.0.1:{port}", {self.ca}{mine}')
                self.assertEqual(receiver.wait()[0], frames_in(SAMPLE))
                self.assertTrue(receiver.stopped)
                self.assertIn("connected (TLSv1.3", run.stderr())

    def test_a_receiver_that_reads_late_and_slowly_gets_every_byte(self):
        """Records that the socket takes in part have to be offered again, the same."""
        source, out = weir.free_port(), weir.free_port()
        listener = socket.create_server(("127.0.0.1", out))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(listener.close)
        run = self.relay(f"tcp://127.0.0.1:{source}", f'to: "tls://127.0.0.1:{out}", {self.ca}, flush: 10ms',
                         "lcores: { ingest: 1, decode: 1, export: 1 }\n")
        context = self.server_side()
        reader = frame_reader.FrameReader(context.wrap_socket(listener.accept()[0], server_side=True))
        sent = payloads("slow", FRAMES)
        self.send(("127.0.0.1", source), sent)
        time.sleep(0.5)
        got = []
        for frame in reader.frames(FRAMES):
            got.append(frame)
            if len(got) % 1_000 == 0:
                time.sleep(0.01)
        self.assertEqual(got, sent)
        run.process.send_signal(signal.SIGTERM)
        self.assertEqual(list(reader.frames()), [])
        self.assertEqual(run.wait(30), 0, run.stderr())
        self.assertEqual(self.check_balance(run)["output dnstap"]["out"], FRAMES)

    def test_a_receiver_that_is_not_trusted_gets_nothing(self):
        other = certificates.Authority(self.files, "other")
        for name, tls, port_tls, says in (
                ("wrong CA", f"tls_ca: {other.certificate}", self.server_side(), "certificate is not accepted"),
                ("wrong name", f"{self.ca}, tls_name: other.test", self.server_side(), "certificate is not accepted"),
                ("plain text", self.ca, None, "does not speak TLS")):
            with self.subTest(name):
                source, out = weir.free_port(), weir.free_port()
                # Without TLS, a server that speaks first.
                receiver = line_receiver.LineReceiver(port=out, tls=port_tls,
                                                      greeting=b"" if port_tls else b"220 mail.test\r\n" * 4)
                self.addCleanup(receiver.close)
                run = self.relay(f"tcp://127.0.0.1:{source}", f'to: "tls://127.0.0.1:{out}", {tls}',
                                 LCORES + "drain_timeout: 200ms\n")
                weir.wait_until(lambda: says in run.stderr(), says)
                self.send(("127.0.0.1", source), payloads("x", 100))
                run.stop()
                self.assertEqual(self.check_balance(run)["output dnstap"]["out"], 0)
                self.assertEqual(run.stat("weir_output_connects_total"), 0)
                self.assertFalse(any(b"dnstap" in data for data in receiver.data()))

    def test_receivers_connect_over_mutual_tls(self):
        source, out = weir.free_port(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{source}",
                         f'listen: "tls://127.0.0.1:{out}", {self.shown}, {self.ca}, flush: 10ms, stall_timeout: 30s')
        readers = [frame_reader.BackgroundReader(("127.0.0.1", out), tls=self.client_side(self.client))
                   for _ in range(3)]
        run.wait_metric("weir_output_receivers", 3)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            frame_reader.FrameReader.dial(("127.0.0.1", out), tls=self.client_side())
        run.wait_metric("weir_output_receivers_closed_total", 1, reason="tls")
        with socket.create_connection(("127.0.0.1", out)) as plain:
            plain.sendall(frame_streams.control(frame_streams.READY) * 3)
            run.wait_metric("weir_output_receivers_closed_total", 2, reason="tls")
        time.sleep(0.2)
        sent = payloads("mutual", FRAMES)
        self.send(("127.0.0.1", source), sent)
        run.wait_metric("weir_balance_out_units_total", FRAMES, stage="output dnstap")
        self.assertEqual(self.stop_evenly(run)["out"], FRAMES)
        for reader in readers:
            self.assertEqual(sorted(reader.wait()), sorted(sent))
        self.assertIn("peer did not return a certificate", run.stderr())
        self.assertIn("does not speak TLS", run.stderr())

    def test_two_relays_in_a_row_change_no_byte(self):
        source, between = weir.free_port(), weir.free_port()
        out = self.folder() / "out.fstrm"
        path = self.folder() / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tls://127.0.0.1:{between}", {self.shown}, {self.ca} }}\n'
                        f'outputs:\n  - dnstap: {{ to: "{out}" }}\n')
        last = self.weir("-c", path).wait_ready()
        first = self.relay(f"tcp://127.0.0.1:{source}",
                           f'to: "tls://127.0.0.1:{between}", {self.ca}, tls_certificate: {self.client[0]}, '
                           f"tls_key: {self.client[1]}, flush: 50ms")
        sent = payloads("chain", FRAMES) + frames_in(SAMPLE)
        self.send(("127.0.0.1", source), sent)
        last.wait_metric("weir_balance_out_units_total", len(sent), stage="output dnstap")
        self.assertEqual(self.stop_evenly(first)["out"], len(sent))
        self.assertEqual(self.stop_evenly(last)["out"], len(sent))
        self.assertEqual(sorted(frames_in(out)), sorted(sent))

    def test_sighup_reads_the_certificate_again_and_receivers_stay(self):
        source, out = weir.free_port(), weir.free_port()
        run = self.relay(f"tcp://127.0.0.1:{source}", f'listen: "tls://127.0.0.1:{out}", {self.shown}, flush: 10ms')
        old = frame_reader.BackgroundReader(("127.0.0.1", out), tls=self.client_side())
        run.wait_metric("weir_output_receivers", 1)
        fresh = self.authority.sign("fresh", "IP:127.0.0.1")
        for there, new in zip((self.certificate, self.key), fresh):
            there.write_bytes(new.read_bytes())
        run.process.send_signal(signal.SIGHUP)
        weir.wait_until(lambda: "certificates were read again" in run.stderr(), "reload")
        new = frame_reader.BackgroundReader(("127.0.0.1", out), tls=self.client_side())
        self.assertEqual(dict(pair[0] for pair in new.reader.socket.getpeercert()["subject"])["commonName"], "fresh")
        run.wait_metric("weir_output_receivers", 2)
        time.sleep(0.2)
        sent = payloads("hup", 1_000)
        self.send(("127.0.0.1", source), sent)
        run.wait_metric("weir_balance_out_units_total", 1_000, stage="output dnstap")
        self.certificate.write_text("broken")
        run.process.send_signal(signal.SIGHUP)
        weir.wait_until(lambda: "stay in use" in run.stderr(), "a broken file")
        self.stop_evenly(run)
        for reader in (old, new):
            self.assertEqual(sorted(reader.wait()), sorted(sent))

    def test_lines_go_over_tls_and_unix_sockets(self):
        folder = self.folder()
        for name in ("tls", "unix"):
            with self.subTest(name):
                how = {"tls": self.server_side()} if name == "tls" else {"path": f"{folder}/lines.sock"}
                receiver = line_receiver.LineReceiver(**how)
                self.addCleanup(receiver.close)
                to = f'"tls://127.0.0.1:{receiver.port}", {self.ca}' if name == "tls" else f'"unix://{folder}/lines.sock"'
                path = folder / "weir.yaml"
                path.write_text(f'inputs:\n  - file: {{ paths: ["{SAMPLE}"] }}\noutputs:\n  - json: {{ to: {to} }}\n')
                run = self.weir("-c", path)
                self.assertEqual(run.wait(60), 0, run.stderr())
                receiver.wait_closed()
                lines = b"".join(receiver.data()).splitlines()
                self.assertEqual(len(lines), len(frames_in(SAMPLE)))
                self.assertTrue(all(json.loads(line) for line in lines))


if __name__ == "__main__":
    weir.main()
