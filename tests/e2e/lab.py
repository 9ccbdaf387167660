"""A small DNS world in a network namespace: real servers that send dnstap, and real tools that ask them.

    10.53.0.10  Knot DNS    authoritative for lab.          AUTH_*
    10.53.0.20  BIND        resolver, asks Knot             CLIENT_*, RESOLVER_*
    10.53.0.30  unbound     resolver, asks Knot             CLIENT_*, RESOLVER_*
    10.53.0.40  dnsdist     in front of Knot                CLIENT_*
    10.53.0.1   clients

Every name under lab. exists (a wildcard), so each query can carry a name that nobody asked before.
"""
import pathlib
import time

import namespace
import weir

ADDRESS = {"knot": "10.53.0.10", "bind": "10.53.0.20", "unbound": "10.53.0.30", "dnsdist": "10.53.0.40"}
IDENTITY = {"knot": "knot.lab", "bind": "bind.lab", "unbound": "unbound.lab", "dnsdist": "dnsdist.lab"}
PROGRAMS = ("knotd", "named", "unbound", "dnsdist", "dnsperf", "kdig", "curl", "ip")

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

KNOT = """server:
    rundir: {folder}/knot
    user: root:root
    listen: 10.53.0.10@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}/knot
mod-dnstap:
  - id: tap
    sink: "unix:{socket}"
    log-queries: on
    log-responses: on
    identity: knot.lab
template:
  - id: default
    storage: {folder}
    global-module: mod-dnstap/tap
zone:
  - domain: lab
    file: lab.zone
"""

BIND = """controls {{ }};
logging {{ channel l {{ stderr; severity info; }}; category default {{ l; }}; }};
options {{
    directory "{folder}/bind";
    pid-file none;
    session-keyfile "{folder}/bind/session.key";
    listen-on {{ 10.53.0.20; }};
    listen-on-v6 {{ none; }};
    query-source address 10.53.0.20;
    recursion yes;
    allow-query {{ any; }};
    allow-recursion {{ any; }};
    empty-zones-enable no;
    dnssec-validation no;
    qname-minimization off;
    clients-per-query 0;
    dnstap {{ all; }};
    dnstap-output unix "{socket}";
    dnstap-identity "bind.lab";
}};
zone "lab" {{ type static-stub; server-addresses {{ 10.53.0.10; }}; }};
"""

UNBOUND = """server:
  directory: "{folder}/unbound"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: 10.53.0.30
  outgoing-interface: 10.53.0.30
  num-threads: 1
  access-control: 10.53.0.0/16 allow
  module-config: "iterator"
  qname-minimisation: no
  do-not-query-localhost: no
remote-control:
  control-enable: no
stub-zone:
  name: "lab."
  stub-addr: 10.53.0.10
dnstap:
  dnstap-enable: yes
  {tap}
  dnstap-send-identity: yes
  dnstap-send-version: yes
  dnstap-identity: "unbound.lab"
  dnstap-log-client-query-messages: yes
  dnstap-log-client-response-messages: yes
  dnstap-log-resolver-query-messages: yes
  dnstap-log-resolver-response-messages: yes
"""

DNSDIST = """setLocal("10.53.0.40:53")
setACL("10.53.0.0/16")
setSecurityPollSuffix("")
newServer({{address="10.53.0.10:53", name="knot", healthCheckMode="up"}})
tap = {tap}
addAction(AllRule(), DnstapLogAction("dnsdist.lab", tap))
addResponseAction(AllRule(), DnstapLogResponseAction("dnsdist.lab", tap))
"""


class Lab:
    """sinks: where unbound and dnsdist send, "unix" or "tcp"; Knot and BIND know UNIX sockets only."""

    def __init__(self, case, socket, port, sinks):
        self.case = case
        self.folder = case.folder()
        self.net = namespace.Namespace(case)
        for address in ("10.53.0.1", *ADDRESS.values()):
            namespace.ip("addr", "add", f"{address}/32", "dev", "lo", netns=self.net.name)
        self.socket, self.port, self.sinks = socket, port, sinks

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self):
        for name in ("knot", "bind", "unbound"):
            (self.folder / name).mkdir()
        self.write("lab.zone", ZONE)
        values = {"folder": self.folder, "socket": self.socket}
        unbound_tap = (f'dnstap-socket-path: "{self.socket}"' if self.sinks["unbound"] == "unix" else
                       f'dnstap-ip: "127.0.0.1@{self.port}"\n  dnstap-tls: no')
        dnsdist_tap = (f'newFrameStreamUnixLogger("{self.socket}")' if self.sinks["dnsdist"] == "unix" else
                       f'newFrameStreamTcpLogger("127.0.0.1:{self.port}")')
        for name, command in (
                ("knot", ["knotd", "-c", self.write("knot.conf", KNOT.format(**values))]),
                ("bind", ["named", "-f", "-g", "-n", "1", "-c", self.write("bind.conf", BIND.format(**values))]),
                ("unbound", ["unbound", "-d", "-p", "-c", self.write("unbound.conf", UNBOUND.format(tap=unbound_tap, **values))]),
                ("dnsdist", ["dnsdist", "--supervised", "--disable-syslog", "-C",
                             self.write("dnsdist.lua", DNSDIST.format(tap=dnsdist_tap))])):
            self.net.start(self.case, *command, log=self.folder / f"{name}.log")
        for name in ADDRESS:
            weir.wait_until(lambda name=name: self.answers(name), lambda name=name: f"{name} to answer: {self.log_of(name)}", 30)

    def log_of(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.is_file() else ""

    def answers(self, name):
        run = self.net.run("kdig", "+time=1", "+retry=0", "+short", f"@{ADDRESS[name]}", f"warm-{time.monotonic_ns()}.lab", "A",
                           check=False)
        return run.returncode == 0 and "198.18.0." in run.stdout

    # -- asking; each name is asked once

    def dnsperf(self, server, names, mode):
        queries = self.write(f"queries-{server}-{mode}", "".join(f"{name} {kind}\n" for name, kind in names))
        run = self.net.run("dnsperf", "-m", mode, "-s", ADDRESS[server], "-d", queries, "-n", "1", "-t", "5", "-Q", "1000",
                           "-c", "3", "-q", "30", timeout=120)
        completed = [line for line in run.stdout.splitlines() if "Queries completed" in line]
        self.case.assertIn(f" {len(names)} ", completed[0], run.stdout)

    def kdig(self, server, name, kind, *options):
        run = self.net.run("kdig", "+time=5", "+retry=0", f"@{ADDRESS[server]}", name, kind, *options)
        self.case.assertIn("NOERROR", run.stdout)


def weir_paths(case):
    """A socket path short enough for sun_path, and a free port."""
    return pathlib.Path(case.folder()) / "tap.sock", weir.free_port()
