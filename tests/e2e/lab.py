"""A small DNS world in a network namespace: every server of docs/servers that Debian has, once for each way its page
names to send dnstap, set up with the page's lines.

    10.53.0.10…  the servers: Knot DNS and NSD are authoritative for lab.; the others ask Knot
    10.53.0.1    clients

Every name under lab. exists (a wildcard), so each query can carry a name that nobody asked before.
"""
import dataclasses
import pathlib
import socket
import struct
import time

import certificates
import frame_streams
import lab_servers
import namespace
import server_pages
import weir

PROGRAMS = (*lab_servers.PROGRAMS, "dnsperf", "kdig", "curl", "openssl", "ip")
QTYPES = {"A": 1, "AAAA": 28, "TXT": 16, "MX": 15, "HTTPS": 65}

ZONE = """$ORIGIN lab.
$TTL 300
@ SOA ns.lab. admin.lab. 1 3600 900 86400 300
@ NS ns
ns A 10.53.0.10
* A 198.18.0.1
* A 198.18.0.2
* AAAA 2001:2::1
* TXT "every name exists" "and has two strings"
* MX 10 mail
* HTTPS 1 . alpn=h2,h3 ipv4hint=198.18.0.1
"""


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    address: str
    kind: lab_servers.Kind
    pair: server_pages.Pair

    @property
    def identity(self):
        return f"{self.name}.lab"


@dataclasses.dataclass(frozen=True)
class Door:
    """Where servers look for an input of Weir; they use one of the two."""
    socket: pathlib.Path
    port: int


class Lab:
    def __init__(self, case):
        self.case = case
        self.folder = pathlib.Path(case.folder())
        self.net = namespace.Namespace(case)
        pairs = [(kind, pair) for kind in lab_servers.KINDS for pair in server_pages.pairs(kind.page)]
        self.servers = [Server(f"{kind.page}-{pair.way}", f"10.53.0.{number}", kind, pair)
                        for number, (kind, pair) in enumerate(pairs, 10)]
        self.by_name = {server.name: server for server in self.servers}
        # Pairs with the same lines for Weir meet at the same input.
        self.inputs = {}
        for server in self.servers:
            item = server.pair.item
            name = server.pair.way if server.pair.way not in self.inputs.values() else server.name
            self.inputs.setdefault(item, name)
        self.doors = {name: self.door(name) for name in self.inputs.values()}
        authority = certificates.Authority(self.folder)
        self.certificates = {}
        for who in ("weir", "servers"):
            certificate, key = authority.sign(who, f"DNS:{who}.example")
            self.certificates[who] = {"cert": certificate, "key": key, "ca": authority.certificate}
        for address in ("10.53.0.1", *(server.address for server in self.servers)):
            namespace.ip("addr", "add", f"{address}/32", "dev", "lo", netns=self.net.name)

    def door(self, name):
        return Door(self.folder / f"{name}.sock", weir.free_port())

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def weir_config(self, doors=None):
        """The inputs as the pages have them; JSON lines to standard output. doors: others than servers look for."""
        inputs = ""
        for item, name in self.inputs.items():
            door = (doors or self.doors)[name]
            item = server_pages.place(item, door.port, door.socket, self.certificates["weir"])
            inputs += f"  - dnstap: {{ name: {name}, {item} }}\n"
        return self.write("weir.yaml", f"inputs:\n{inputs}outputs:\n  - json: {{ to: \"-\" }}\n")

    def start(self):
        self.write("lab.zone", ZONE)
        for server in self.servers:
            folder, door = self.folder / server.name, self.doors[self.inputs[server.pair.item]]
            folder.mkdir()
            tap = server_pages.place(server.pair.lines, door.port, door.socket, self.certificates["servers"], server.identity)
            values = {"folder": folder, "address": server.address, "upstream": self.servers[0].address, "tap": tap,
                      "identity": server.identity, "zone": self.folder / "lab.zone"}
            for name, text in server.kind.files.items():
                (folder / name).write_text(text.format(**values))
            self.net.start(self.case, *(word.format(**values) for word in server.kind.command), log=folder / "log")
        for server in self.servers:
            weir.wait_until(lambda at=server: self.answers(at),
                            lambda at=server: f"{at.name} to answer: {self.log_of(at)}", 30)

    def log_of(self, server):
        return (self.folder / server.name / "log").read_text(errors="replace")[-2000:]

    # -- asking; each name is asked once

    def client(self):
        client = self.net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.case.addCleanup(client.close)
        client.settimeout(1)
        return client

    def answers(self, server):
        with self.net.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.3)
            return self.ask(client, server, f"warm-{time.monotonic_ns()}.{server.name}.lab")

    @staticmethod
    def ask(client, server, name, message_id=1):
        """True: answered in time, and with an address."""
        try:
            client.sendto(frame_streams.dns_query(name, message_id), (server.address, 53))
            while True:
                answer, peer = client.recvfrom(4096)
                if peer[0] == server.address and answer[:2] == struct.pack(">H", message_id):
                    return answer[3] & 0xF == 0 and b"\xc6\x12\x00" in answer
        except OSError:
            return False

    def dnsperf(self, server, names, mode):
        """At a rate at which servers on a busy machine do not yet drop what they tap: they have room for 512 messages."""
        queries = self.write(f"queries-{server.name}-{mode}", "".join(f"{name} {kind}\n" for name, kind in names))
        run = self.net.run("dnsperf", "-m", mode, "-s", server.address, "-d", queries, "-n", "1", "-t", "5", "-Q", "300",
                           "-c", "3", "-q", "30", timeout=120)
        completed = [line for line in run.stdout.splitlines() if "Queries completed" in line]
        self.case.assertIn(f" {len(names)} ", completed[0], run.stdout)

    def kdig(self, server, name, kind, *options):
        run = self.net.run("kdig", "+time=5", "+retry=0", f"@{server.address}", name, kind, *options)
        self.case.assertIn("NOERROR", run.stdout)
