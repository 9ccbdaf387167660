#!/usr/bin/env python3
"""dnstap over TLS, in both directions: Python's ssl is the other end."""
import contextlib
import os
import re
import signal
import socket
import ssl
import threading
import time

import certificates
import frame_streams
import weir

FRAMES = 3_000


def payloads(prefix, count):
    return [frame_streams.dnstap(f"{prefix}-{number}.test", number & 0xFFFF, port=1024 + number % 60_000)
            for number in range(count)]


class TlsCase(weir.WeirCase):
    def setUp(self):
        self.files = self.folder()
        self.authority = certificates.Authority(self.files)
        self.certificate, self.key = self.authority.sign("weir", "IP:127.0.0.1,DNS:weir.test")

    def configured(self, item):
        path = self.files / "weir.yaml"
        path.write_text(f"inputs:\n  - dnstap: {{ {item} }}\noutputs:\n  - json: {{ to: \"-\" }}\n")
        return self.weir("-c", path).wait_ready()

    def end(self, run, names):
        self.assertEqual(run.stop(), 0, run.stderr())
        self.assertEqual(sorted(line["qname"] for line in run.lines()), sorted(names))
        self.check_balance(run)

    def refused(self, run, reason, count=1):
        run.wait_metric("weir_dnstap_connections_closed_total", count, reason=reason)


class Listen(TlsCase):
    def listening(self, more=""):
        self.port = weir.free_port()
        return self.configured(f"listen: \"tls://127.0.0.1:{self.port}\", tls_certificate: {self.certificate}, "
                               f"tls_key: {self.key}{more}")

    def test_the_name_in_the_certificate_is_a_field_and_a_label(self):
        path, port = self.files / "named.yaml", weir.free_port()
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tls://127.0.0.1:{port}", tls_certificate: {self.certificate}, '
                        f"tls_key: {self.key}, tls_ca: {self.authority.certificate}, connection_metrics: 2 }}\n"
                        'outputs:\n  - json: { to: "-", stream: true, flush: 10ms }\n')
        run = self.weir("-c", path).wait_ready()
        self.port = port
        for number, name in enumerate(("first.test", "second.test", "third.test"), start=1):
            sender = self.sender(self.authority.sign(name, f"DNS:{name}")).start()
            sender.send(payloads(name, 3))
            run.wait_metric("weir_balance_out_units_total", 3 * number, stage="output json")
        shown = {(dict(labels)["peer_name"], value) for (metric, labels), value in run.metrics().items()
                 if metric == "weir_dnstap_connection_frames_total"}
        self.assertEqual(shown, {("first.test", 3.0), ("second.test", 3.0)})
        self.assertEqual(run.stop(), 0, run.stderr())
        for line in run.lines():
            prefix, number = line["qname"].split(".test-")
            self.assertEqual(line["peer_name"], prefix + ".test")
            self.assertEqual(line["connection_seq"], int(number.split(".")[0]) + 1)
            self.assertNotIn("peer_pid", line)
        self.assertEqual(len({line["connection"] for line in run.lines()}), 3)

    def test_a_name_that_is_no_text_is_escaped(self):
        path, port = self.files / "odd.yaml", weir.free_port()
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tls://127.0.0.1:{port}", tls_certificate: {self.certificate}, '
                        f"tls_key: {self.key}, tls_ca: {self.authority.certificate}, connection_metrics: 2 }}\n"
                        'outputs:\n  - json: { to: "-", stream: true, flush: 10ms }\n')
        run = self.weir("-c", path).wait_ready()
        self.port = port
        name = b'a\xff\n"\\b.test'
        odd = self.authority.sign("odd", "DER:" + (bytes([0x30, len(name) + 2, 0x82, len(name)]) + name).hex(":"))
        sender = self.sender(odd).start()
        sender.send(payloads("odd", 1))
        run.wait_metric("weir_balance_out_units_total", 1, stage="output json")
        shown = [dict(labels)["peer_name"] for metric, labels in run.metrics() if metric == "weir_dnstap_connection_frames_total"]
        # The exposition doubles each backslash.
        self.assertEqual(shown, ['a' + r"\\255\\010" + r'\"' + r"\\\\b.test"])
        self.assertEqual(run.stop(), 0, run.stderr())
        self.assertEqual(run.lines()[0]["peer_name"], 'a\\255\n"\\\\b.test')

    def sender(self, client=None, version=None, ca=None):
        """A connected Sender over TLS. client: (certificate, key)."""
        context = ssl.create_default_context(cafile=str(ca or self.authority.certificate))
        if client:
            context.load_cert_chain(*map(str, client))
        if version:
            context.maximum_version = version
        sender = frame_streams.Sender(("127.0.0.1", self.port))
        sender.socket = context.wrap_socket(sender.socket, server_hostname="127.0.0.1")
        self.addCleanup(sender.close)
        return sender

    def test_streams_over_each_version_are_whole(self):
        run = self.listening()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            sender = self.sender(version=version).start()
            sender.send(payloads(version.name.lower(), FRAMES))
            sender.finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 2, reason="finished")
        self.end(run, [f"{version}-{number}.test." for version in ("tlsv1_2", "tlsv1_3") for number in range(FRAMES)])

    def test_records_cut_at_any_place_and_small_ones_are_read(self):
        run = self.listening(", read_buffer: 4KiB")
        sender = self.sender().start_one_way()
        data = b"".join(map(frame_streams.frame, payloads("cut", 500)))
        at = 0
        for number in range(10_000):
            size = 1 + number * 7919 % 300
            sender.socket.sendall(data[at:at + size])
            at += size
        self.assertGreaterEqual(at, len(data))
        big = payloads("big", 200)
        sender.socket.sendall(b"".join(map(frame_streams.frame, big)))
        sender.socket.sendall(frame_streams.control(frame_streams.STOP))
        run.wait_metric("weir_output_written_events_total", 700)
        self.end(run, [f"cut-{n}.test." for n in range(500)] + [f"big-{n}.test." for n in range(200)])

    def test_what_a_handshake_lacks_is_said(self):
        run = self.listening(", handshake_timeout: 300ms")
        silent = frame_streams.Sender(("127.0.0.1", self.port))
        self.refused(run, "handshake_timeout")
        self.assertIn("TLS's handshake did not end within 300 ms", run.stderr())
        unbegun = self.sender()
        self.refused(run, "handshake_timeout", 2)
        self.assertIn("no START within 300 ms", run.stderr())
        for closed in (silent, unbegun):
            closed.close()
        self.end(run, [])

    def test_only_the_first_bytes_tell_plain_text(self):
        run = self.listening()
        for junk in (frame_streams.control(frame_streams.READY), b"GET / HTTP/1.1\r\n\r\n", bytes(range(64))):
            plain = frame_streams.Sender(("127.0.0.1", self.port))
            plain.socket.sendall(junk)
            self.assertFalse(plain.socket.recv(1 << 16).startswith(b"\0"))
            plain.close()
        self.refused(run, "tls_plain_text", 3)
        for number, junk in enumerate((frame_streams.control(frame_streams.READY), b"GET / HTTP/1.1\r\n\r\n"), 1):
            out = ssl.MemoryBIO()
            client = ssl.create_default_context(cafile=str(self.authority.certificate)).wrap_bio(
                ssl.MemoryBIO(), out, server_hostname="127.0.0.1")
            with self.assertRaises(ssl.SSLWantReadError):
                client.do_handshake()
            begun = frame_streams.Sender(("127.0.0.1", self.port))
            begun.socket.sendall(out.read())
            begun.socket.recv(1 << 16)
            begun.socket.sendall(junk)
            self.refused(run, "tls", number)
            begun.close()
        self.assertEqual(weir.total(run.metrics(), "weir_dnstap_connections_closed_total", reason="tls_plain_text"), 3)
        self.end(run, [])

    def test_who_is_killed_in_mid_frame_is_counted(self):
        run = self.listening()
        sender = self.sender().start()
        sender.send(payloads("before", 10))
        sender.socket.sendall(frame_streams.frame(b"x" * 100)[:50])
        run.wait_metric("weir_output_written_events_total", 10)
        sender.reset()
        run.wait_metric("weir_ingest_drops_total", 1, reason="frame_cut")
        self.assertEqual(run.stop(), 0)
        self.check_balance(run)

    def test_a_term_loses_nothing_that_waits_behind_a_rate_limit(self):
        run = self.listening(", rate_limit: 4KiB")
        sender = self.sender().start()
        for payload in payloads("limited", 400):
            sender.send([payload])  # a record each
        run.wait_metric("weir_dnstap_rate_limited_total", 1)
        time.sleep(0.3)
        self.assertLess(weir.total(run.metrics(), "weir_ingest_units_total"), 400)
        self.end(run, [f"limited-{number}.test." for number in range(400)])

    def test_a_term_under_load_loses_nothing_that_came(self):
        run = self.listening()
        stop = threading.Event()
        sent = []

        def flood():
            sender = self.sender().start()
            number = 0
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    sender.send(payloads(f"load{number}", 100))
                    number += 1
            sent.append(number)

        thread = threading.Thread(target=flood)
        thread.start()
        run.wait_metric("weir_output_written_events_total", 2_000)
        self.assertEqual(run.stop(), 0, run.stderr())
        stop.set()
        thread.join()
        self.check_balance(run)

    def test_plain_text_is_refused_and_named(self):
        run = self.listening()
        plain = frame_streams.Sender(("127.0.0.1", self.port))
        plain.socket.sendall(frame_streams.control(frame_streams.READY))
        self.refused(run, "tls_plain_text")
        self.assertIn("it does not speak TLS", run.stderr())
        with socket.create_connection(("127.0.0.1", self.port)) as web:
            web.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.refused(run, "tls_plain_text", 2)
        self.end(run, [])

    def test_a_silent_client_runs_into_the_handshake_timeout(self):
        run = self.listening(", handshake_timeout: 300ms")
        with socket.create_connection(("127.0.0.1", self.port)):
            self.refused(run, "handshake_timeout")
        self.end(run, [])

    def test_clients_must_show_a_good_certificate(self):
        run = self.listening(f", tls_ca: {self.authority.certificate}")
        other = certificates.Authority(self.files, "other")
        for number, client in enumerate((None, other.sign("stranger", "DNS:stranger.test"),
                                         self.authority.sign("late", "DNS:late.test", days=-1)), 1):
            with contextlib.suppress(OSError, ConnectionError):
                self.sender(client=client).start()
                self.fail("was let in")
            self.refused(run, "tls_certificate", number)
        self.assertIn("its certificate is not accepted: certificate has expired", run.stderr())
        sender = self.sender(client=self.authority.sign("resolver", "DNS:resolver.test")).start()
        sender.send(payloads("good", 10))
        sender.finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="finished")
        self.end(run, [f"good-{number}.test." for number in range(10)])

    def test_optional_certificates(self):
        run = self.listening(f", tls_ca: {self.authority.certificate}, tls_clients: optional")
        for number, client in enumerate((None, self.authority.sign("resolver", "DNS:resolver.test"))):
            sender = self.sender(client=client).start()
            sender.send(payloads(f"c{number}", 5))
            sender.finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 2, reason="finished")
        self.end(run, [f"c{client}-{number}.test." for client in range(2) for number in range(5)])

    def test_a_client_that_refuses_our_certificate_is_counted(self):
        run = self.listening()
        other = certificates.Authority(self.files, "other")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.sender(ca=other.certificate)
        self.refused(run, "tls_certificate")
        self.end(run, [])

    def test_hup_reads_certificates_again_and_connections_stay(self):
        run = self.listening()
        before = self.sender().start()
        before.send(payloads("before", 5))
        run.wait_metric("weir_output_written_events_total", 5)
        other = certificates.Authority(self.files, "next")
        certificate, key = other.sign("weir2", "IP:127.0.0.1")
        os.replace(certificate, self.certificate)
        os.replace(key, self.key)
        run.process.send_signal(signal.SIGHUP)
        weir.wait_until(lambda: "certificates were read again" in run.stderr(), "the reload")
        after = self.sender(ca=other.certificate).start()
        after.send(payloads("after", 5))
        after.finish()
        before.send(payloads("still", 5))
        before.finish()
        self.certificate.write_text("no certificate\n")
        run.process.send_signal(signal.SIGHUP)
        weir.wait_until(lambda: "the certificates read before stay in use" in run.stderr(), "the refusal")
        again = self.sender(ca=other.certificate).start()
        again.send(payloads("again", 5))
        again.finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 3, reason="finished")
        self.end(run, [f"{name}-{number}.test." for name in ("before", "after", "still", "again") for number in range(5)])

    def test_files_that_cannot_be_used_are_a_fault_of_the_configuration(self):
        broken, gone = self.files / "broken.pem", self.files / "gone.pem"
        broken.write_text("nothing\n")
        good = f"tls_certificate: {self.certificate}, tls_key: {self.key}"
        for keys, *said in ((f"tls_certificate: {gone}", "tls_certificate", "No such file"),
                            (f"tls_certificate: {broken}", "tls_certificate"),
                            (f"tls_certificate: {self.certificate}, tls_key: {gone}", "tls_key", "No such file"),
                            (f"tls_certificate: {self.certificate}, tls_key: {broken}", "tls_key"),
                            (f"tls_certificate: {self.certificate}, tls_key: {self.authority.key}", "tls_key", "mismatch"),
                            (f"{good}, tls_ca: {gone}", "tls_ca", "No such file"),
                            (f"{good}, tls_ca: {broken}", "tls_ca")):
            for command in ("plan", "run"):
                path = self.files / "weir.yaml"
                path.write_text(f"inputs:\n  - dnstap: {{ listen: \"tls://127.0.0.1:{weir.free_port()}\", {keys} }}\n"
                                "outputs:\n  - json: { to: \"null:\" }\n")
                run = self.weir("-c", path, command=command, metrics=False)
                self.assertEqual(run.wait(), 2, keys)
                for words in ("inputs[0].dnstap", *said):
                    self.assertIn(words, run.stderr())


class Listening:
    """A sender that listens, as CoreDNS's `dnstap listen`: it writes READY, waits for ACCEPT, and sends."""

    def __init__(self, case, target, context=None):
        self.case, self.context = case, context
        family = socket.AF_INET if isinstance(target, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(target)
        self.socket.listen()
        self.socket.settimeout(30)
        case.addCleanup(self.socket.close)

    def accept(self):
        peer, _ = self.socket.accept()
        peer.settimeout(30)
        self.case.addCleanup(peer.close)
        sender = frame_streams.Sender.__new__(frame_streams.Sender)
        sender.socket = self.context.wrap_socket(peer, server_side=True) if self.context else peer
        return sender

    def close(self):
        self.socket.close()


class Connect(TlsCase):
    def server_context(self, clients=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(self.certificate), str(self.key))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.authority.certificate))
        return context

    def check_stream(self, run, server):
        sender = server.accept().start()
        sender.send(payloads("dialled", FRAMES))
        sender.finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="finished")
        server.close()
        self.end(run, [f"dialled-{number}.test." for number in range(FRAMES)])

    def test_unix(self):
        path = str(self.files / "sock")
        server = Listening(self, path)
        self.check_stream(self.configured(f"connect: \"unix://{path}\""), server)

    def test_tcp_by_name(self):
        server = Listening(self, ("127.0.0.1", 0))
        port = server.socket.getsockname()[1]
        self.check_stream(self.configured(f"connect: \"tcp://localhost:{port}\""), server)

    def test_tls(self):
        server = Listening(self, ("127.0.0.1", 0), self.server_context())
        port = server.socket.getsockname()[1]
        self.check_stream(self.configured(f"connect: \"tls://127.0.0.1:{port}\", tls_ca: {self.authority.certificate}"),
                          server)

    def test_mutual_tls_and_another_name(self):
        server = Listening(self, ("127.0.0.1", 0), self.server_context(clients=True))
        port = server.socket.getsockname()[1]
        certificate, key = self.authority.sign("reader", "DNS:reader.test")
        self.check_stream(
            self.configured(f"connect: \"tls://localhost:{port}\", tls_ca: {self.authority.certificate}, tls_name: weir.test,"
                            f" tls_certificate: {certificate}, tls_key: {key}"), server)

    def test_certificates_that_are_not_the_peers_are_refused(self):
        other = certificates.Authority(self.files, "other")
        for keys in (f"tls_ca: {self.authority.certificate}, tls_name: other.test", f"tls_ca: {other.certificate}",
                     "tls_verify: true"):
            server = Listening(self, ("127.0.0.1", 0), self.server_context())
            run = self.configured(f"connect: \"tls://127.0.0.1:{server.socket.getsockname()[1]}\", {keys}")
            with self.assertRaises(ssl.SSLError):
                server.accept()
            self.refused(run, "tls_certificate")
            self.assertIn("its certificate is not accepted", run.stderr(), keys)
            self.end(run, [])
        server = Listening(self, ("127.0.0.1", 0), self.server_context())
        port = server.socket.getsockname()[1]
        self.check_stream(self.configured(f"connect: \"tls://127.0.0.1:{port}\", tls_verify: false"), server)

    def test_it_comes_back_whatever_the_server_does(self):
        server = Listening(self, ("127.0.0.1", 0))
        target = server.socket.getsockname()
        run = self.configured(f"connect: \"tcp://127.0.0.1:{target[1]}\"")
        names = []
        for number, end in enumerate(("close", "reset", "garbage", "cut")):
            sender = server.accept().start()
            sender.send(payloads(f"round{number}", 20))
            names += [f"round{number}-{n}.test." for n in range(20)]
            run.wait_metric("weir_output_written_events_total", 20 * (number + 1))
            if end == "garbage":
                sender.socket.sendall(b"\xff" * 64)
            if end == "cut":
                sender.socket.sendall(frame_streams.frame(b"x" * 100)[:50])
            sender.reset() if end == "reset" else sender.close()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="fault")
        run.wait_metric("weir_ingest_drops_total", 1, reason="frame_cut")
        server.close()
        run.wait_metric("weir_dnstap_connect_failures_total", 1)
        server = Listening(self, target)
        sender = server.accept().start()
        sender.send(payloads("last", 5))
        sender.finish()
        run.wait_metric("weir_output_written_events_total", 85)
        self.end(run, names + [f"last-{n}.test." for n in range(5)])

    def test_sessions_that_brought_frames_are_no_failures(self):
        server = Listening(self, ("127.0.0.1", 0))
        run = self.configured(f"connect: \"tcp://127.0.0.1:{server.socket.getsockname()[1]}\"")
        for number in range(7):
            sender = server.accept().start()
            sender.send(payloads(f"session{number}", 1))
            sender.close()
            run.wait_metric("weir_output_written_events_total", number + 1)
        run.wait_metric("weir_dnstap_connections_closed_total", 7, reason="eof")
        pauses = [int(pause) for pause in re.findall(r"next try in (\d+) ms", run.stderr())]
        self.assertEqual(len(pauses), 7)
        self.assertLessEqual(max(pauses), 100)
        self.end(run, [f"session{number}-0.test." for number in range(7)])

    def test_a_server_that_is_not_there_is_said_and_tried_again(self):
        path = str(self.files / "later")
        run = self.configured(f"connect: \"unix://{path}\"")
        run.wait_metric("weir_dnstap_connect_failures_total", 1)
        self.assertIn("cannot connect to unix://", run.stderr())
        self.check_stream(run, Listening(self, path))

    def test_a_silent_server_is_left_and_dialled_again(self):
        server = Listening(self, ("127.0.0.1", 0))
        run = self.configured(f"connect: \"tcp://127.0.0.1:{server.socket.getsockname()[1]}\", handshake_timeout: 200ms")
        silent, _ = server.socket.accept()
        self.refused(run, "handshake_timeout")
        time.sleep(0.1)
        silent.close()
        self.check_stream(run, server)


if __name__ == "__main__":
    weir.main()
