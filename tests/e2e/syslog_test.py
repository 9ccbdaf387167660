#!/usr/bin/env python3
"""The syslog output: real rsyslog and syslog-ng receive every message whole."""
import json
import socket
import unittest

import certificates
import frame_streams
import syslog_daemons
import weir

MESSAGES = 3_000


class Syslog(weir.WeirCase):
    def setUp(self):
        self.home = self.folder()
        self.port = weir.free_port()
        self.input_port = weir.free_port()

    def run_weir(self, output):
        path = self.home / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{self.input_port}" }}\n'
                        f"outputs:\n  - syslog: {{ flush: 10ms, hostname: logger-1, {output} }}\n"
                        "lcores: { ingest: 1, decode: 1, export: 1 }\n")
        return self.weir("-c", path).wait_ready()

    def send(self, count=MESSAGES, at_once=200):
        sender = frame_streams.Sender(("127.0.0.1", self.input_port), timeout=120).start()
        for at in range(0, count, at_once):
            sender.send([frame_streams.dnstap(f"s-{n}.test", n & 0xFFFF, port=1024 + n % 60_000)
                         for n in range(at, min(at + at_once, count))])
        sender.finish()

    def check_all(self, daemon, run, facility="local0.info", app="weir", count=MESSAGES):
        weir.wait_until(lambda: len(daemon.messages()) >= count,
                        lambda: f"{len(daemon.messages())} of {count}: {daemon.said()} {run.stderr()}", 60)
        messages = daemon.messages()
        self.assertEqual({message[:3] for message in messages}, {(facility, "logger-1", app)})
        got = [json.loads(message[3])["qname"] for message in messages]
        self.assertEqual(sorted(got), sorted(f"s-{n}.test." for n in range(count)))
        self.assertEqual(run.stop(), 0, run.stderr())
        stages = self.check_balance(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(stages["output syslog"]["out"], count)

    def daemon(self, start, configuration):
        daemon = start(self.home, configuration)
        self.addCleanup(daemon.close)
        return daemon

    def wait_tcp(self, daemon):
        def there():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        weir.wait_until(there, daemon.said)

    def test_rsyslog_tcp_octets_and_both_headers(self):
        for protocol in ("rfc5424", "rfc3164"):
            with self.subTest(protocol):
                self.setUp()
                daemon = self.daemon(syslog_daemons.rsyslog,
                                     f'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{self.port}")')
                self.wait_tcp(daemon)
                run = self.run_weir(f'to: "tcp://127.0.0.1:{self.port}", protocol: {protocol}, facility: daemon, '
                                    'severity: notice, app_name: dns-log')
                self.send()
                self.check_all(daemon, run, "daemon.notice", "dns-log")

    def test_rsyslog_tcp_lines(self):
        daemon = self.daemon(syslog_daemons.rsyslog,
                             f'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{self.port}" '
                             'supportOctetCountedFraming="off")')
        self.wait_tcp(daemon)
        run = self.run_weir(f'to: "tcp://127.0.0.1:{self.port}", framing: lines')
        self.send()
        self.check_all(daemon, run)

    def test_rsyslog_tls(self):
        authority = certificates.Authority(self.home)
        certificate, key = authority.sign("server", "IP:127.0.0.1")
        daemon = self.daemon(syslog_daemons.rsyslog,
                             f'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{authority.certificate}" '
                             f'defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")\n'
                             'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" '
                             f'streamDriver.authMode="anon")\ninput(type="imtcp" address="127.0.0.1" port="{self.port}")')
        self.wait_tcp(daemon)
        run = self.run_weir(f'to: "tls://127.0.0.1:{self.port}", tls_ca: "{authority.certificate}"')
        self.send()
        self.check_all(daemon, run)

    def test_rsyslog_local_socket(self):
        path = self.home / "log.sock"
        daemon = self.daemon(syslog_daemons.rsyslog,
                             f'module(load="imuxsock" sysSock.use="off")\ninput(type="imuxsock" socket="{path}" '
                             'rateLimit.interval="0" useSpecialParser="off" parseHostname="on" ignoreTimestamp="off")')
        weir.wait_until(path.exists, daemon.said)
        run = self.run_weir(f'to: "unix-dgram://{path}"')
        self.send()
        self.check_all(daemon, run)

    def test_rsyslog_udp(self):
        daemon = self.daemon(syslog_daemons.rsyslog,
                             f'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{self.port}" rcvbufSize="4m")')
        run = self.run_weir(f'to: "udp://127.0.0.1:{self.port}"')
        weir.wait_until(lambda: "0.0.0.0" is not None and f":{self.port:04X} " in open("/proc/net/udp").read(), daemon.said)
        self.send(1000, 50)
        self.check_all(daemon, run, count=1000)

    def test_syslog_ng_tcp_and_local_socket(self):
        if not syslog_daemons.has_syslog_ng():
            self.skipTest("syslog-ng-core is not unpacked; scripts/setup e2e does it")
        path = self.home / "log.sock"
        for to, source in ((f"tcp://127.0.0.1:{self.port}",
                            f'syslog(ip("127.0.0.1") port({self.port}) transport("tcp"));'),
                           (f"unix-dgram://{path}", f'unix-dgram("{path}" flags(syslog-protocol));')):
            with self.subTest(to):
                folder = self.home
                daemon = self.daemon(syslog_daemons.syslog_ng, source)
                weir.wait_until(lambda: path.exists() if to.startswith("unix") else
                                socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, daemon.said)
                run = self.run_weir(f'to: "{to}"')
                self.send()
                self.check_all(daemon, run)
                daemon.close()
                (folder / "syslog-ng.out").unlink()

    def test_long_messages_are_refused_and_counted(self):
        path = self.home / "log.sock"
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(str(path))
        receiver.settimeout(20)
        run = self.run_weir(f'to: "unix-dgram://{path}", max_message: 480, fields: [qname]')
        sender = frame_streams.Sender(("127.0.0.1", self.input_port)).start()
        long = ".".join(["\x01" * 60] * 4)  # each byte is \001 in the line
        sender.send([frame_streams.dnstap("a.test"), frame_streams.dnstap(long), frame_streams.dnstap("b.test")])
        sender.finish()
        got = [receiver.recv(65536) for _ in range(2)]
        self.assertRegex(got[0].decode(), r'^<134>1 \S+Z logger-1 weir \d+ dns - \{"qname":"a.test."\}$')
        self.assertRegex(got[1].decode(), r'"b.test."')
        run.wait_metric("weir_output_drops_total", 1, reason="refused")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {"refused": 1})

    def test_a_socket_that_goes_away_and_comes_back(self):
        path = self.home / "log.sock"
        run = self.run_weir(f'to: "unix-dgram://{path}", fields: [qname]')
        self.send(100)
        run.wait_metric("weir_output_backlog_events", 100)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(str(path))
        receiver.settimeout(40)
        got = [receiver.recv(65536) for _ in range(100)]
        self.assertEqual(len(set(got)), 100)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)


if __name__ == "__main__":
    weir.main()
