#!/usr/bin/env python3
"""A real CoreDNS: its dnstap over each transport, in both directions; everything asked is logged once.

CoreDNS is built from its module with Go; COREDNS names one that is there already.
"""
import collections
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

# pylint: disable=wrong-import-position
import certificates
import frame_streams
import server_pages
import weir

VERSION = "v1.15.0"
QUERIES = 300  # over each of UDP and TCP
BOTH = ["CLIENT_QUERY", "CLIENT_RESPONSE"]
# CoreDNS writes to sinks that connected without a lock: what is tapped at one time comes out mixed. A query must
# not come before the last one's response has been tapped, which is after the client has it.
PAUSE = 0.02


def coredns():
    named = os.environ.get("COREDNS")
    if named:
        return named
    folder = ROOT / "build-peers"
    program = folder / f"coredns-{VERSION}"
    if not program.exists():
        folder.mkdir(exist_ok=True)
        subprocess.run(["go", "install", f"github.com/coredns/coredns@{VERSION}"], check=True,
                       env={**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"})
        (folder / "coredns").rename(program)
    return str(program)


class CoreDns(weir.WeirCase):
    def setUp(self):
        self.files = self.folder()
        self.ports = {}

    def port(self, name):
        return self.ports.setdefault(name, weir.free_port())

    def start_coredns(self, taps):
        corefile = self.files / "Corefile"
        corefile.write_text(f".:{self.port('dns')} {{\n  bind 127.0.0.1\n" + "".join(f"  {tap}\n" for tap in taps) +
                            "  template IN A . {\n    answer \"{{ .Name }} 60 IN A 192.0.2.1\"\n  }\n}\n")
        log = (self.files / "coredns.log").open("ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([coredns(), "-conf", str(corefile)], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        weir.wait_until(self.answers, self.coredns_log, 30)
        return process

    def coredns_log(self):
        return (self.files / "coredns.log").read_text()

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            try:
                client.sendto(frame_streams.dns_query("ready.test"), ("127.0.0.1", self.port("dns")))
                return client.recv(4096)
            except OSError:
                return None

    def start_weir(self, inputs):
        path = self.files / "weir.yaml"
        path.write_text("inputs:\n" + "".join(f"  - dnstap: {{ name: {name}, {keys} }}\n" for name, keys in inputs.items()) +
                        "outputs:\n  - json: { to: \"-\" }\n")
        return self.weir("-c", path).wait_ready()

    def ask(self, pause=0.0):
        """{name: transport} of all that was asked and answered."""
        asked = {}
        address = ("127.0.0.1", self.port("dns"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            for number in range(QUERIES):
                client.sendto(frame_streams.dns_query(f"udp-{number}.test", number), address)
                client.recv(4096)
                time.sleep(pause)
                asked[f"udp-{number}.test."] = "UDP"
        with socket.create_connection(address, timeout=10) as client:
            stream = client.makefile("rb")
            for number in range(QUERIES):
                query = frame_streams.dns_query(f"tcp-{number}.test", number)
                client.sendall(struct.pack(">H", len(query)) + query)
                stream.read(struct.unpack(">H", stream.read(2))[0])
                time.sleep(pause)
                asked[f"tcp-{number}.test."] = "TCP"
        return asked

    def check_logged(self, lines, asked):
        """Each name once as a query and once as a response, over its transport."""
        seen = collections.Counter((line["qname"], line["type"], line["transport"]) for line in lines
                                   if line["qname"] != "ready.test.")
        self.assertEqual(seen, {(name, kind, transport): 1 for name, transport in asked.items() for kind in BOTH})
        for line in lines:
            if line["type"] == "CLIENT_RESPONSE" and line["qname"] != "ready.test.":
                self.assertEqual(line["answers"][0]["data"], "192.0.2.1")
                self.assertIn("latency_ns", line)

    def end(self, run, inputs, asked):
        wanted = 2 * len(asked) * len(inputs)
        run.wait_metric("weir_output_written_events_total", wanted, 30)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        lines = collections.defaultdict(list)
        for line in run.lines():
            lines[line["input"]].append(line)
        return lines

    def test_outgoing(self):
        authority = certificates.Authority(self.files)
        certificate, key = authority.sign("weir", "IP:127.0.0.1")
        inputs = {"unix": f"listen: \"unix://{self.files}/full.sock\"",
                  "short": f"listen: \"unix://{self.files}/short.sock\"",
                  "tcp": f"listen: \"tcp://127.0.0.1:{self.port('tcp')}\"",
                  "tls": f"listen: \"tls://127.0.0.1:{self.port('tls')}\", tls_certificate: {certificate}, tls_key: {key}"}
        run = self.start_weir(inputs)
        self.start_coredns([
            f"dnstap unix://{self.files}/full.sock full",
            f"dnstap {self.files}/short.sock",
            f"dnstap tcp://127.0.0.1:{self.port('tcp')} full {{\n    identity core-1\n    version Core-9\n"
            "    extra \"proto: {proto}\"\n  }",
            f"dnstap tls://127.0.0.1:{self.port('tls')} full {{\n    skipverify\n  }}"])
        run.wait_metric("weir_dnstap_connections", len(inputs))
        asked = self.ask()
        lines = self.end(run, inputs, asked)
        for name in ("unix", "tcp", "tls"):
            self.check_logged(lines[name], asked)
        for line in lines["tcp"]:
            self.assertEqual((line["identity"], line["version"]), ("core-1", "Core-9"))
            self.assertIn("extra", line)
        self.assertTrue(lines["unix"][0]["version"].startswith("CoreDNS-"), lines["unix"][0])
        kinds = collections.Counter((line["type"], line["transport"]) for line in lines["short"])
        ready = kinds[("CLIENT_QUERY", "UDP")] - QUERIES
        self.assertEqual(kinds, {(kind, transport): QUERIES + (ready if transport == "UDP" else 0) for kind in BOTH
                                 for transport in ("UDP", "TCP")})
        for line in lines["short"]:
            self.assertNotIn("qname", line)
            self.assertNotIn("malformed", line)

    def test_listening(self):
        authority = certificates.Authority(self.files)
        certificate, key = authority.sign("coredns", "IP:127.0.0.1")
        own, own_key = authority.sign("weir", "DNS:weir.test")
        connect = {name: f"connect: \"tls://127.0.0.1:{self.port(name)}\", tls_ca: {authority.certificate}"
                   for name in ("tls", "mutual")}
        inputs = {"unix": f"connect: \"unix://{self.files}/listen.sock\"",
                  "tcp": f"connect: \"tcp://localhost:{self.port('tcp')}\"", "tls": connect["tls"],
                  "mutual": connect["mutual"] + f", tls_certificate: {own}, tls_key: {own_key}"}
        run = self.start_weir(inputs)
        tls = f"tls {certificate} {key}"
        taps = [f"dnstap listen unix://{self.files}/listen.sock full", f"dnstap listen tcp://127.0.0.1:{self.port('tcp')} full",
                f"dnstap listen tls://127.0.0.1:{self.port('tls')} full {{\n    {tls}\n  }}",
                f"dnstap listen tls://127.0.0.1:{self.port('mutual')} full {{\n    {tls} {authority.certificate}\n  }}"]
        server = self.start_coredns(taps)
        run.wait_metric("weir_dnstap_connections", len(inputs))
        asked = self.ask(PAUSE)
        run.wait_metric("weir_output_written_events_total", 2 * len(asked) * len(inputs))
        # It goes and comes back; so does Weir.
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_dnstap_connections") == 0, run.stderr)
        (self.files / "listen.sock").unlink(missing_ok=True)
        before = weir.total(run.metrics(), "weir_output_written_events_total")
        self.start_coredns(taps)
        run.wait_metric("weir_dnstap_connections", len(inputs), 60)
        again = self.ask(PAUSE)
        self.assertEqual(again, asked)
        run.wait_metric("weir_output_written_events_total", before + 2 * len(asked) * len(inputs))
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        for name in inputs:
            lines = [line for line in run.lines() if line["input"] == name and line["qname"] != "ready.test."]
            seen = collections.Counter((line["qname"], line["type"]) for line in lines)
            self.assertEqual(seen, {(asked_name, kind): 2 for asked_name in asked for kind in BOTH}, name)


    def test_the_page_for_users(self):
        """Each pair of docs/servers/coredns.md, with paths and ports of this test's."""
        authority = certificates.Authority(self.files)
        certificate, key = authority.sign("both", "IP:127.0.0.1")
        files = {"cert": certificate, "key": key, "ca": authority.certificate}
        pairs = server_pages.pairs("coredns")
        taps, inputs = [], {}
        for number, pair in enumerate(pairs):
            def here(text, number=number):
                return server_pages.place(text, self.port(number), self.files / f"{number}.sock", files)
            taps.append(here(pair.lines))
            inputs[f"pair{number}"] = here(pair.item)
        run = self.start_weir(inputs)
        self.start_coredns(taps)
        run.wait_metric("weir_dnstap_connections", len(inputs), 60)
        asked = self.ask(PAUSE)
        lines = self.end(run, inputs, asked)
        for number, pair in enumerate(pairs):
            with self.subTest(pair.heading):
                self.check_logged(lines[f"pair{number}"], asked)


if __name__ == "__main__":
    weir.main()
