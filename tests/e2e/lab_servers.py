"""How the lab runs each server: its configuration but for the lines about dnstap, which docs/servers has."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    page: str      # docs/servers/PAGE.md
    files: dict    # {name: text}
    command: tuple
    sides: tuple = ("CLIENT_QUERY", "CLIENT_RESPONSE")  # what it logs of a client's query and its response
    # It logs what it asks, not what it is asked: over UDP, whatever its client took.
    upstream_only: bool = False


_UNBOUND = """server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: {address}
  outgoing-interface: {address}
  num-threads: 1
  access-control: 10.53.0.0/16 allow
  module-config: "iterator"
  qname-minimisation: no
  do-not-query-localhost: no
remote-control:
  control-enable: no
stub-zone:
  name: "lab."
  stub-addr: {upstream}
{tap}"""

_BIND = """controls {{ }};
logging {{ channel l {{ stderr; severity info; }}; category default {{ l; }}; }};
options {{
    directory "{folder}";
    pid-file none;
    session-keyfile "{folder}/session.key";
    listen-on {{ {address}; }};
    listen-on-v6 {{ none; }};
    query-source address {address};
    recursion yes;
    allow-query {{ any; }};
    allow-recursion {{ any; }};
    empty-zones-enable no;
    dnssec-validation no;
    qname-minimization off;
    clients-per-query 0;
{tap}}};
zone "lab" {{ type static-stub; server-addresses {{ {upstream}; }}; }};
"""

_KNOT = """server:
    rundir: {folder}
    user: root:root
    listen: {address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}
{tap}
zone:
  - domain: lab
    file: {zone}
"""

_KRESD = """net.listen('{address}', 53, {{ kind = 'dns' }})
cache.open(20 * MB, 'lmdb://{folder}')
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('priming')
trust_anchors.remove('.')
policy.add(policy.all(policy.STUB('{upstream}')))
{tap}"""

_NSD = """server:
  ip-address: {address}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/zonelist"
  xfrdfile: "{folder}/xfrd"
  xfrdir: "{folder}"
  pidfile: "{folder}/pid"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "lab."
  zonefile: "{zone}"
{tap}"""

_DNSDIST = """setLocal("{address}:53")
setACL("10.53.0.0/16")
setSecurityPollSuffix("")
newServer({{address="{upstream}:53", name="knot", healthCheckMode="up"}})
{tap}"""

_RECURSOR = """config-dir={folder}
socket-dir={folder}
local-address={address}
query-local-address={address}
allow-from=10.53.0.0/16
dont-query=
forward-zones=lab={upstream}
hint-file=no
lua-config-file={folder}/recursor.lua
dnssec=off
qname-minimization=no
threads=1
daemon=no
disable-syslog=yes
write-pid=no
server-id={identity}
public-suffix-list-file=/dev/null
security-poll-suffix=
setuid=root
setgid=root
"""

_AUTH = ("AUTH_QUERY", "AUTH_RESPONSE")

KINDS = (
    Kind("knot", {"knot.conf": _KNOT}, ("knotd", "-c", "{folder}/knot.conf"), _AUTH),
    Kind("nsd", {"nsd.conf": _NSD}, ("nsd", "-d", "-c", "{folder}/nsd.conf"), _AUTH),
    # It chooses the type by the RD bit; clients of the lab set it.
    Kind("bind", {"named.conf": _BIND}, ("named", "-f", "-g", "-n", "1", "-c", "{folder}/named.conf")),
    Kind("unbound", {"unbound.conf": _UNBOUND}, ("unbound", "-d", "-p", "-c", "{folder}/unbound.conf")),
    Kind("knot-resolver", {"kresd.conf": _KRESD}, ("kresd", "-n", "-q", "-c", "{folder}/kresd.conf", "{folder}")),
    Kind("pdns-recursor", {"recursor.conf": _RECURSOR, "recursor.lua": "{tap}"},
         ("pdns_recursor", "--config-dir={folder}", "--config-name="), ("RESOLVER_QUERY", "RESOLVER_RESPONSE"), True),
    Kind("dnsdist", {"dnsdist.lua": _DNSDIST}, ("dnsdist", "--supervised", "--disable-syslog", "-C", "{folder}/dnsdist.lua")),
)
PROGRAMS = tuple(kind.command[0] for kind in KINDS)
