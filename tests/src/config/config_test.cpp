#include "src/config/config.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/net/listen_socket.h"

namespace weir {
namespace {

const std::string kLeast =
    "inputs: [ dnstap: { listen: 'tcp://127.0.0.1:6000' } ]\noutputs: [ json: { to: '-' } ]\n";

// The error of a text, which must have one.
std::string fault_of(const std::string& yaml) {
  const auto config = parse_config(yaml, "weir.yaml");
  return config ? "(no fault)" : config.error().message;
}

// The error of one item of `inputs`, with an output beside it.
std::string fault_of_input(const std::string& item) {
  return fault_of("outputs: [ json: { to: '-' } ]\ninputs:\n  - " + item + "\n");
}
std::string fault_of_output(const std::string& item) {
  return fault_of("inputs: [ file: { paths: ['-'] } ]\noutputs:\n  - " + item + "\n");
}

Config config_of(const std::string& yaml) {
  auto config = parse_config(yaml, "weir.yaml");
  if (config) return *config;
  ADD_FAILURE() << config.error().message;
  return {};
}

TEST(Config, ReadsTheShapeOfTheDocumentation) {
  const Config config = config_of(R"(
inputs:
  - dnstap: { listen: "tcp://0.0.0.0:6000", overflow: drop, pair: true, frame_limit: 64KiB, idle_timeout: 5m }
  - dnstap: { listen: "unix:///run/weir/dnstap.sock", socket_mode: 0600, socket_owner: "unbound:weir" }
  - mirror: { port: "0000:3b:00.0", queues: 4, filter: 'port 53 or (vlan and port 53)' }
  - file:   { paths: [a.fstrm, b.pcap.gz, "-"], dns_ports: [53, 5353], pair: true }
  - directory: { path: /spool, pattern: ["*.pcap"], after: "move:done", quiet: 2m, dns_ports: [5353], filter: ip6 }
outputs:
  - json:   { to: "file:///var/log/weir/dns.jsonl", authority: true, omit: [edns] }
  - json:   { to: "tcp://logs.example:5170" }
  - statsd: { to: "udp://[::1]:8125", interval: 30s }
lcores: { ingest: 2, decode: 4, export: 1, idle: adaptive, cpus: [2, 3, 4] }
metrics: { listen: "127.0.0.1:9953" }
match: { timeout: 2s }
rings: { depth: 8, batch_bytes: 32KiB }
eal: { hugepages: off, memory: 1GiB, args: ["--log-level=8"] }
drain_timeout: 2s
log: { level: warning }
)");
  ASSERT_EQ(config.inputs.size(), 5U);
  const auto& tcp = std::get<DnstapInputOptions>(config.inputs[0]);
  EXPECT_EQ(to_string(*tcp.listen), "tcp://0.0.0.0:6000");
  EXPECT_EQ(tcp.overflow, Overflow::drop);
  EXPECT_TRUE(tcp.pair);
  EXPECT_EQ(tcp.frame_limit, 64U << 10U);
  EXPECT_EQ(tcp.idle_timeout_ms, 300'000U);
  EXPECT_EQ(tcp.name, "dnstap");
  const auto& unix_socket = std::get<DnstapInputOptions>(config.inputs[1]);
  EXPECT_EQ(unix_socket.socket_mode, 0600U);
  EXPECT_EQ(unix_socket.socket_owner, "unbound:weir");
  EXPECT_EQ(unix_socket.name, "dnstap-2");
  EXPECT_FALSE(unix_socket.pair);
  const auto& mirror = std::get<MirrorOptions>(config.inputs[2]);
  EXPECT_EQ(mirror.port, "0000:3b:00.0");
  EXPECT_EQ(mirror.queues, 4U);
  EXPECT_EQ(mirror.packets.filter, "port 53 or (vlan and port 53)");
  EXPECT_EQ(mirror.overflow, Overflow::drop);
  const auto& file = std::get<FileOptions>(config.inputs[3]);
  EXPECT_EQ(file.paths, (std::vector<std::string>{"a.fstrm", "b.pcap.gz", "-"}));
  EXPECT_EQ(file.packets.dns_ports, (std::vector<uint16_t>{53, 5353}));
  EXPECT_TRUE(file.pair);

  const auto& directory = std::get<DirectoryOptions>(config.inputs[4]);
  EXPECT_EQ(directory.path, "/spool");
  EXPECT_EQ(directory.pattern, std::vector<std::string>{"*.pcap"});
  EXPECT_EQ(directory.below_path(directory.move_to()), "/spool/done");
  EXPECT_EQ(directory.failed_to(), "failed");
  EXPECT_EQ(directory.quiet_ms, 120'000U);
  EXPECT_EQ(directory.file_options().packets.dns_ports, std::vector<uint16_t>{5353});
  EXPECT_EQ(directory.file_options().packets.filter, "ip6");

  ASSERT_EQ(config.outputs.size(), 3U);
  const auto& json = std::get<JsonOptions>(config.outputs[0]);
  EXPECT_EQ(json.delivery.to->path, "/var/log/weir/dns.jsonl");
  EXPECT_TRUE(json.json.authority);
  EXPECT_EQ(json.json.omit, std::vector<std::string>{"edns"});
  EXPECT_EQ(std::get<StatsdOptions>(config.outputs[2]).interval_ms, 30'000U);

  EXPECT_EQ(config.lcores.ingest, 2U);
  EXPECT_EQ(config.lcores.decode, 4U);
  EXPECT_EQ(config.lcores.export_, 1U);
  EXPECT_EQ(config.lcores.idle, IdlePolicy::adaptive);
  EXPECT_EQ(config.lcores.cpus, (std::vector<unsigned>{2, 3, 4}));
  EXPECT_EQ(to_string(*config.metrics.listen), "tcp://127.0.0.1:9953");
  EXPECT_EQ(config.match.match_timeout_ms, 2'000U);
  EXPECT_EQ(config.rings.depth, 8U);
  EXPECT_EQ(config.rings.batch_bytes, 32U << 10U);
  EXPECT_EQ(config.eal.hugepages, Hugepages::off);
  EXPECT_EQ(config.eal.memory, 1U << 30U);
  EXPECT_EQ(config.eal.args, std::vector<std::string>{"--log-level=8"});
  EXPECT_EQ(config.drain_timeout_ms, 2'000U);
  EXPECT_EQ(config.log_level, "warning");
}

TEST(Config, SlowTcpPeersLoseEventsAndFilesHoldTheStreet) {
  const auto when_full = [](const std::string& rest) {
    return std::get<JsonOptions>(
               config_of("inputs: [ file: { paths: [x] } ]\noutputs: [ json: { " + rest + " } ]")
                   .outputs.at(0))
        .waiting.when_full;
  };
  EXPECT_EQ(when_full("to: 'tcp://127.0.0.1:1'"), WhenFull::drop_newest);
  EXPECT_EQ(when_full("to: 'tcp://127.0.0.1:1', when_full: block"), WhenFull::block);
  EXPECT_EQ(when_full("to: '-'"), WhenFull::block);
  EXPECT_EQ(when_full("to: 'file:///x', when_full: auto"), WhenFull::block);
  EXPECT_EQ(when_full("to: 'file:///x', when_full: drop_newest"), WhenFull::drop_newest);
}

TEST(Config, EmbeddedDefaultListensOnThisMachineOnly) {
  const Config config = config_of(embedded_default_config());
  ASSERT_EQ(config.inputs.size(), 1U);
  EXPECT_EQ(to_string(*std::get<DnstapInputOptions>(config.inputs[0]).listen), "tcp://127.0.0.1:6000");
  ASSERT_EQ(config.outputs.size(), 1U);
  EXPECT_EQ(std::get<JsonOptions>(config.outputs[0]).delivery.to->scheme, Target::Scheme::stdio);
  EXPECT_EQ(to_string(*config.metrics.listen), "tcp://127.0.0.1:9953");
}

TEST(Config, MetricsAreOffUnlessTold) { EXPECT_FALSE(config_of(kLeast).metrics.listen.has_value()); }

TEST(ConfigFault, UnknownKeysNameTheLineAndTheNearestKey) {
  EXPECT_EQ(fault_of(kLeast + "lcore: { ingest: 1 }\n").substr(0, 62),
            "weir.yaml:3: lcore: unknown key; did you mean lcores? Expected");
  EXPECT_EQ(
      fault_of_input("dnstap:\n      listen: 'tcp://127.0.0.1:6000'\n      frame_limits: 1MiB\n"),
      "weir.yaml:5: inputs[0].dnstap.frame_limits: unknown key; did you mean frame_limit? Expected one "
      "of listen, connect, name, overflow, pair, frame_limit, max_connections, max_connections_per_address, "
      "allow, "
      "deny, rate_limit, handshake_timeout, idle_timeout, "
      "read_buffer, connection_metrics, socket_mode, socket_owner, tls_certificate, tls_key, tls_ca, "
      "tls_clients, tls_verify, "
      "tls_name");
  EXPECT_EQ(fault_of_input("dnstapp: {}"),
            "weir.yaml:3: inputs[0].dnstapp: unknown key; did you mean dnstap? Expected one of dnstap, "
            "mirror, file, directory");
  EXPECT_EQ(
      fault_of_output("csv: {}"),
      "weir.yaml:3: outputs[0].csv: unknown key; expected one of json, dnstap, kafka, pcap, statsd, syslog");
  // A key that is known somewhere else.
  EXPECT_NE(fault_of(kLeast + "listen: 'tcp://127.0.0.1:1'\n").find("did you mean inputs[].dnstap.listen?"),
            std::string::npos);
}

TEST(ConfigFault, AllFaultsOfAFileAreTold) {
  EXPECT_EQ(
      fault_of("inputs:\n  - dnstap: { listen: 6000 }\n  - file: { path: x }\nlog: { level: loud "
               "}\noutputs:\n  - json: { to: 'ftp://x/y', flush: 0s }\ndrain_timeout: soon\n"),
      "weir.yaml:2: inputs[0].dnstap.listen: '6000' cannot stand here; expected one of tcp://HOST:PORT, "
      "tls://HOST:PORT, "
      "unix:///PATH\nweir.yaml:3: inputs[1].file.path: unknown key; did you mean paths? Expected one of "
      "paths, name, dns_ports, filter, verify_checksums, pair, frame_limit\nweir.yaml:3: "
      "inputs[1].file.paths: is "
      "missing; expected a "
      "list "
      "of texts, such as [a, b]\nweir.yaml:4: log.level: 'loud' is not valid; expected one of debug, info, "
      "warning, error, off\nweir.yaml:6: outputs[0].json.to: 'ftp://x/y' has an unknown scheme; use tcp://, "
      "tls://, udp://, unix://, unix-dgram://, file://, - or null:\nweir.yaml:6: outputs[0].json.flush: '0s' "
      "is not valid; "
      "expected "
      "a duration from 1ms to 1m, such as 10s\nweir.yaml:7: drain_timeout: 'soon' is not valid; expected a "
      "duration from 0 to 1h, such as 10s");
}

TEST(ConfigFault, AHundredFaultsAreCutShort) {
  std::string yaml = kLeast;
  for (int i = 0; i < 100; ++i) yaml += "wrong" + std::to_string(i) + ": 1\n";
  const std::string fault = fault_of(yaml);
  EXPECT_EQ(std::count(fault.begin(), fault.end(), '\n'), 20);
  EXPECT_TRUE(fault.ends_with("weir.yaml: and 80 more")) << fault;
}

struct Wrong {
  const char* item;
  const char* fault;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.item; }

class WrongInput : public testing::TestWithParam<Wrong> {};
TEST_P(WrongInput, IsRefusedWithTheRemedy) {
  EXPECT_EQ(fault_of_input(GetParam().item), std::string("weir.yaml:3: inputs[0]") + GetParam().fault);
}
INSTANTIATE_TEST_SUITE_P(
    Config, WrongInput,
    testing::Values(
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:0' }",
              ".dnstap.listen: 'tcp://127.0.0.1:0': port 0 is none; choose one from 1 to 65535"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:66000' }",
              ".dnstap.listen: 'tcp://127.0.0.1:66000' is not HOST:PORT; write for example "
              "tcp://127.0.0.1:6000 or tcp://[::1]:6000"},
        Wrong{"dnstap: { listen: 'tcp://*:6000' }",
              ".dnstap.listen: 'tcp://*:6000': for every address write 0.0.0.0 or [::]"},
        Wrong{"dnstap: { listen: 'tcp://a b:6000' }",
              ".dnstap.listen: 'tcp://a b:6000': the host is neither a name nor an address"},
        Wrong{"dnstap: { listen: 'unix://run/x.sock' }",
              ".dnstap.listen: 'unix://run/x.sock': the path is relative; start it with /"},
        Wrong{"dnstap: { listen: 'unix://' }", ".dnstap.listen: 'unix://' names no path"},
        Wrong{"dnstap: { listen: '' }", ".dnstap.listen: '' names no path"},
        Wrong{"dnstap: { listen: }",
              ".dnstap.listen: has nothing; expected one of tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH"},
        Wrong{"dnstap: { listen: ['tcp://127.0.0.1:1'] }",
              ".dnstap.listen: has a list; expected one of tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH"},
        Wrong{
            "dnstap: {}",
            ".dnstap.listen: neither listen nor connect is given; write listen: \"tcp://127.0.0.1:6000\" for "
            "senders that connect, or connect: for one that listens"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', connect: 'tcp://127.0.0.1:2' }",
              ".dnstap.connect: listen and connect are both given; keep one, or make two inputs of them"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', deny: [192.0.2.1/24] }",
              ".dnstap.deny: '192.0.2.1/24' has bits behind its length; shorten the address or raise the "
              "length"},
        Wrong{"dnstap: { listen: 'unix:///x', allow: [192.0.2.1] }",
              ".dnstap.allow: is for senders that have an address; remove it, or listen on tcp:// or tls://"},
        Wrong{"dnstap: { listen: 'tls://127.0.0.1:1' }",
              ".dnstap.tls_certificate: is needed to listen on tls://127.0.0.1:1; name a PEM file with the "
              "certificate"},
        Wrong{"dnstap: { listen: 'tls://127.0.0.1:1', tls_certificate: c, tls_clients: optional }",
              ".dnstap.tls_ca: is needed to check clients' certificates; name a PEM file with their CA"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', tls_ca: c }",
              ".dnstap.tls_ca: is for TLS, but the address is tcp://127.0.0.1:1; remove it or write "
              "tls://HOST:PORT"},
        Wrong{"dnstap:", ".dnstap: expected its keys, such as { listen: ... }"},
        Wrong{"dnstap",
              ": expected one of dnstap, mirror, file, directory with its keys, such as - dnstap: { ... }"},
        Wrong{"{ file: { paths: [x] }, dnstap: {} }",
              ": expected one of dnstap, mirror, file, directory with its keys, such as - dnstap: { ... }"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', max_connections: 0 }",
              ".dnstap.max_connections: '0' is not valid; expected a number from 1 to 65536"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', max_connections: many }",
              ".dnstap.max_connections: 'many' is not valid; expected a number from 1 to 65536"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', max_connections: 99999999999999999999 }",
              ".dnstap.max_connections: '99999999999999999999' is not valid; expected a number from 1 to "
              "65536"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', frame_limit: 1MB }",
              ".dnstap.frame_limit: '1MB' is not valid; expected bytes from 1KiB to 16MiB, such as 64KiB"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', frame_limit: 99999999999999999GiB }",
              ".dnstap.frame_limit: '99999999999999999GiB' is not valid; expected bytes from 1KiB to 16MiB, "
              "such as 64KiB"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', idle_timeout: 10 }",
              ".dnstap.idle_timeout: '10' is not valid; expected a duration from 0 to 24h, such as 10s"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', overflow: wait }",
              ".dnstap.overflow: 'wait' is not valid; expected one of drop, backpressure"},
        Wrong{"dnstap: { listen: 'unix:///x', socket_mode: 0999 }",
              ".dnstap.socket_mode: '0999' is not valid; expected an octal file mode from 0 to 0777"},
        Wrong{"dnstap: { listen: 'unix:///x', socket_owner: ':weir' }",
              ".dnstap.socket_owner: ':weir' is not valid; expected USER or USER:GROUP"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', socket_owner: weir }",
              ".dnstap.socket_owner: is for UNIX sockets that Weir makes, but listen is tcp://127.0.0.1:1; "
              "remove it or "
              "listen on unix:///PATH"},
        Wrong{"dnstap: { listen: 'tcp://127.0.0.1:1', name: 'a b' }",
              ".dnstap.name: 'a b' is not valid; expected a name of up to 64 letters, digits, '.', '_' and "
              "'-'"},
        Wrong{"mirror: {}",
              ".mirror.port: neither port nor interface is given; write interface: NAME for packets through "
              "the kernel, or port: PCI-ADDRESS for a NIC bound to DPDK"},
        Wrong{"mirror: { port: net_null0, interface: eth0 }",
              ".mirror.interface: port and interface are both given; keep one of them"},
        Wrong{"mirror: { interface: 'eth0/1' }",
              ".mirror.interface: 'eth0/1' is no interface's name; expected one that `ip link` shows, such "
              "as eth1"},
        Wrong{"mirror: { interface: eth0, queues: 0 }",
              ".mirror.queues: '0' is not valid; expected a number from 1 to 1024"},
        Wrong{"mirror: { interface: eth0, queues: 1025 }",
              ".mirror.queues: '1025' is not valid; expected a number from 1 to 1024"},
        Wrong{"mirror: { interface: eth0, dns_ports: [] }",
              ".mirror.dns_ports: is empty; expected at least one port, such as [53]"},
        Wrong{"mirror: { interface: eth0, dns_ports: [0] }",
              ".mirror.dns_ports: '0' is not valid; expected a list of numbers from 1 to 65535, such as [2, "
              "3]"},
        Wrong{"mirror: { interface: eth0, dns_ports: 53 }",
              ".mirror.dns_ports: has a plain value; expected a list of numbers from 1 to 65535, such as [2, "
              "3]"},
        Wrong{"mirror: { port: net_null0, mbufs: 1100 }",
              ".mirror.mbufs: 1100 are too few: a port with rx_descriptors: 1024 needs at least 1280; raise "
              "mbufs, better to twice rx_descriptors or more"},
        Wrong{"file: { paths: [] }", ".file.paths: is empty; expected at least one file"},
        Wrong{"file: { paths: [''] }",
              ".file.paths: an empty text; expected a list of texts, such as [a, b]"},
        Wrong{"file: { paths: [[x]] }",
              ".file.paths: an element is no plain value; expected a list of texts, such as [a, b]"},
        Wrong{"directory: { after: keep }", ".directory.path: is missing; expected text"},
        Wrong{"directory: { path: x, after: burn }",
              ".directory.after: 'burn' is not valid; expected keep, delete or move:DIR"},
        Wrong{"directory: { path: x, after: 'move:' }",
              ".directory.after: names no directory; expected move:DIR, such as move:done"},
        Wrong{"directory: { path: x, pattern: [] }",
              ".directory.pattern: is empty; expected at least one, such as [\"*.pcap\"]"},
        Wrong{"file: { paths: ['-', '-'] }",
              ".file.paths: standard input (\"-\") is named twice; keep one of them"}));

class WrongOutput : public testing::TestWithParam<Wrong> {};
TEST_P(WrongOutput, IsRefusedWithTheRemedy) {
  EXPECT_EQ(fault_of_output(GetParam().item), std::string("weir.yaml:3: outputs[0]") + GetParam().fault);
}
INSTANTIATE_TEST_SUITE_P(
    Config, WrongOutput,
    testing::Values(
        Wrong{"kafka: { brokers: [], topic: t }",
              ".kafka.brokers: is empty; expected at least one, such as [\"kafka1.example:9092\"]"},
        Wrong{"kafka: { brokers: ['x'], topic: t }",
              ".kafka.brokers: 'x' is not HOST:PORT; expected HOST:PORT, such as 127.0.0.1:9953"},
        Wrong{"kafka: { brokers: ['x:1'], topic: 'a b' }",
              ".kafka.topic: 'a b' is no topic; expected up to 249 letters, digits, '.', '_' and '-'"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, headers: ['a'] }",
              ".kafka.headers: 'a' is no header; expected NAME=VALUE"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, key: qname, batch_events: 2 }",
              ".kafka.batch_events: is of no use with a key: each message is one event; remove one of them"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, acks: none }",
              ".kafka.acks: is not possible with idempotent: true, which needs all; add idempotent: false"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, tls: false, tls_ca: /a }",
              ".kafka.tls_ca: is only used with tls: true; write that, or remove it"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, tls: true, tls_ca: /a, tls_verify: false }",
              ".kafka.tls_ca: is of no use with tls_verify: false; remove one of them"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, sasl: PLAIN, user: u }",
              ".kafka.password_file: is needed with sasl; add it"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, options: ['ssl.key.password=x'] }",
              ".kafka.options: ssl.key.password is not for here: write tls_ca, tls_certificate, tls_key and "
              "tls_verify"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, options: ['linger.ms'] }",
              ".kafka.options: 'linger.ms' is no setting; expected KEY=VALUE"},
        Wrong{"kafka: { brokers: ['x:1'], topic: t, when_full: spool }",
              ".kafka.spool: is needed with when_full: spool; name a directory for it"},
        Wrong{"pcap: { to: 'tcp://127.0.0.1:1' }",
              ".pcap.to: 'tcp://127.0.0.1:1' cannot stand here; expected one of file:///PATH, \"-\", "
              "\"null:\""},
        Wrong{"pcap: { to: 'file:///x/a.pcap.gz' }",
              ".pcap.to: '/x/a.pcap.gz' ends in .gz, but captures are not written compressed; write to "
              "'/x/a.pcap' and compress it afterwards"},
        Wrong{"pcap: { to: '-', rotate_size: 1MiB }",
              ".pcap.rotate_size: is for files, but this output writes to none; remove it or write to: "
              "file:///PATH"},
        Wrong{
            "json: { to: 'file:///x/dns-%H' }",
            ".json.to: has a % for the time, but nothing begins a new file; add rotate_every or rotate_size, "
            "or write %% for a %"},
        Wrong{"json: { to: 'file:///%Y/dns', rotate_every: 1h }",
              ".json.to: '/%Y/dns' has a % in the name of a directory; write it in the file's name only"},
        Wrong{"json: { to: 'null:', compress: zstd }",
              ".json.compress: is for files, but this output writes to none; remove it or write to: "
              "file:///PATH"},
        Wrong{"json: { to: '-', compress_level: 2 }",
              ".json.compress_level: is of no use without compress; add that, or remove it"},
        Wrong{"json: { to: '-', compress: gzip, compress_level: 10 }",
              ".json.compress_level: is at most 9 for gzip; lower it, or write compress: zstd"},
        Wrong{"dnstap: { listen: 'unix:///x', compress: gzip }",
              ".dnstap.compress: is for files, but this output writes to none; remove it or write to: "
              "file:///PATH"},
        Wrong{"pcap: { to: '-', pick: filter }",
              ".pcap.filter: is needed with pick: filter; write for example filter: \"host 192.0.2.1\""},
        Wrong{"pcap: { to: '-', filter: udp }",
              ".pcap.filter: is only asked with pick: filter; write that, or remove it"},
        Wrong{"json: { to: dns.jsonl }", ".json.to: 'dns.jsonl': the path is relative; start it with /"},
        Wrong{"json: { to: 'file:///var/log/' }",
              ".json.to: 'file:///var/log/': the path names a directory; add the file's name"},
        Wrong{"json: { to: '-', fields: [qname, id], omit: [id] }",
              ".json.omit: 'id' is in fields, too; keep one of them"},
        Wrong{
            "json: { to: 'udp://127.0.0.1:1', alternatives: ['udp://127.0.0.1:2'] }",
            ".json.alternatives: 'udp://127.0.0.1:2' cannot stand here; expected a list of tcp://HOST:PORT, "
            "tls://HOST:PORT, unix:///PATH"},
        Wrong{"syslog: { framing: octets }",
              ".syslog.framing: is for streams, but to is unix-dgram:///dev/log; remove it: a datagram is a "
              "message"},
        Wrong{"json: { to: null }",
              ".json.to: has nothing; expected one of file:///PATH, \"-\", tcp://HOST:PORT, tls://HOST:PORT, "
              "udp://HOST:PORT, unix:///PATH, unix-dgram:///PATH, \"null:\""},
        Wrong{"json: { to: 'tcp://h:1', tls_ca: /ca.pem }",
              ".json.tls_ca: is for TLS, but the address is tcp://h:1; remove it or write tls://HOST:PORT"},
        Wrong{"dnstap: { listen: 'tls://127.0.0.1:1' }",
              ".dnstap.tls_certificate: is needed to listen on tls://127.0.0.1:1; name a PEM file with the "
              "certificate"},
        Wrong{"dnstap: { to: 'tls://h:1', tls_key: /k.pem }",
              ".dnstap.tls_key: is given without tls_certificate; name the PEM file with the certificate"},
        Wrong{"json: { to: '-', authority: yes }",
              ".json.authority: 'yes' is not valid; expected true or false"},
        Wrong{"json: { to: '-', backlog: 1KiB }",
              ".json.backlog: '1KiB' is not valid; expected bytes from 64KiB to 1GiB, such as 64KiB"},
        Wrong{
            "json: { to: '-', when_full: spill }",
            ".json.when_full: 'spill' is not valid; expected one of drop_newest, block, drop_oldest, spool, "
            "auto"},
        Wrong{"json: { to: 'tcp://127.0.0.1:1', when_full: spool }",
              ".json.spool: is needed with when_full: spool; name a directory for it"},
        Wrong{"json: { to: 'tcp://127.0.0.1:1', spool: /x, when_full: block }",
              ".json.spool: is only used with when_full: spool; write that, or remove it"},
        Wrong{"json: { to: 'tcp://127.0.0.1:1', spool: x }", ".json.spool: 'x' is relative; start it with /"},
        Wrong{
            "json: { to: 'file:///y', spool: /x }",
            ".json.when_full: spool is for destinations that may be away, but to is file:///y; write block"},
        Wrong{"json: { to: 'tcp://127.0.0.1:1', choose: balance }",
              ".json.choose: is of no use without alternatives; add them, or remove it"},
        Wrong{
            "json: { to: 'tcp://127.0.0.1:1', alternatives: ['unix:///x'] }",
            ".json.alternatives: unix:///x is of another kind than to: tcp://127.0.0.1:1; write receivers of "
            "the same kind"},
        Wrong{"json: { to: '-', fields: [qname, qtyp] }",
              ".json.fields: 'qtyp' is no key of the JSON line; did you mean qtype? docs/schema.json has "
              "them all"},
        Wrong{"json: { to: '-', omit: [colour] }",
              ".json.omit: 'colour' is no key of the JSON line; docs/schema.json has them all"},
        Wrong{"json: { to: '-', fields: [qname, authority] }",
              ".json.fields: 'authority' is only written with authority: true; add that, or leave it out of "
              "fields"},
        Wrong{"statsd: { to: 'tcp://127.0.0.1:1' }",
              ".statsd.to: 'tcp://127.0.0.1:1' cannot stand here; expected udp://HOST:PORT"},
        Wrong{"statsd: { to: 'udp://127.0.0.1:1', prefix: 'a:b' }",
              ".statsd.prefix: 'a:b' is not valid; expected a name of up to 64 letters, digits, '.', '_' and "
              "'-'"}));

TEST(ConfigFault, DnstapOutputs) {
  const auto fault = [](const std::string& keys) {
    return fault_of("inputs: [ file: { paths: ['x'] } ]\noutputs:\n  - dnstap: { " + keys + " }\n");
  };
  EXPECT_TRUE(
      fault("as: auth").starts_with("weir.yaml:3: outputs[0].dnstap.to: neither to nor listen is given"));
  EXPECT_EQ(fault("to: 'null:', listen: 'tcp://127.0.0.1:1'"),
            "weir.yaml:3: outputs[0].dnstap.listen: to and listen are both given; keep one of them");
  EXPECT_EQ(fault("to: 'null:', identity: '{host}'"),
            "weir.yaml:3: outputs[0].dnstap.identity: '{host}' is no place; expected {identity}, {version}, "
            "{extra}, {input} or {peer}");
  EXPECT_TRUE(fault("listen: 'tcp://127.0.0.1:1', socket_owner: weir")
                  .starts_with("weir.yaml:3: outputs[0].dnstap.socket_owner: is for UNIX sockets"));
  EXPECT_TRUE(fault("listen: 'tcp://127.0.0.1:1', socket_mode: 0600")
                  .starts_with("weir.yaml:3: outputs[0].dnstap.socket_mode: is for UNIX sockets"));
  EXPECT_EQ(fault("listen: 'unix:///x', socket_owner: weir, as: auth"), "(no fault)");
  EXPECT_EQ(
      fault_of("inputs: [ dnstap: { listen: 'unix:///x' } ]\noutputs: [ dnstap: { listen: 'unix:///x' } ]\n"),
      "weir.yaml:2: outputs[0].dnstap.listen: unix:///x is already used by inputs[0].dnstap.listen; give "
      "each "
      "listener an address of its own");
}

TEST(ConfigFault, KeysThatWouldBeOfNoUse) {
  for (const char* key : {"max_connections: 4096", "max_connections_per_address: 0", "allow: []",
                          "deny: [::1]", "socket_mode: 0660", "socket_owner: weir", "tls_clients: none"}) {
    const std::string name = std::string(key).substr(0, std::string(key).find(':'));
    EXPECT_EQ(
        fault_of_input("dnstap: { connect: 'tls://192.0.2.1:1', " + std::string(key) + " }"),
        "weir.yaml:3: inputs[0].dnstap." + name + ": is of no use with connect, only with listen; remove it");
  }
  for (const char* key : {"max_receivers: 64", "stall_timeout: 10s", "socket_mode: 0660",
                          "socket_owner: weir", "tls_clients: none"}) {
    const std::string name = std::string(key).substr(0, std::string(key).find(':'));
    EXPECT_EQ(
        fault_of_output("dnstap: { to: 'tls://192.0.2.1:1', " + std::string(key) + " }"),
        "weir.yaml:3: outputs[0].dnstap." + name + ": is of no use with to, only with listen; remove it");
  }
  for (const char* key : {"rx_descriptors: 1024", "mtu: 0", "timestamps: true"})
    EXPECT_EQ(fault_of_input("mirror: { interface: eth0, " + std::string(key) + " }"),
              "weir.yaml:3: inputs[0].mirror." + std::string(key).substr(0, std::string(key).find(':')) +
                  ": is of no use with interface, only with port; remove it");
  for (const char* key : {"when_full: block", "when_full: drop_newest", "tls_verify: true", "tls_name: x"}) {
    const std::string name = std::string(key).substr(0, std::string(key).find(':'));
    EXPECT_EQ(
        fault_of_output("dnstap: { listen: 'tls://192.0.2.1:1', tls_certificate: c, " + std::string(key) +
                        " }"),
        "weir.yaml:3: outputs[0].dnstap." + name + ": is of no use with listen, only with to; remove it");
  }
  EXPECT_EQ(fault_of_output("dnstap: { listen: 'tcp://192.0.2.1:1', when_full: auto }"), "(no fault)");
  EXPECT_NE(fault_of_input("dnstap: { listen: 'tls://192.0.2.1:1', tls_certificate: c, tls_name: x }"),
            "(no fault)");
}

TEST(ConfigFault, WhatTwoCannotBothUse) {
  EXPECT_EQ(fault_of("outputs: [ json: { to: '-' } ]\ninputs:\n  - dnstap: { listen: 'tcp://127.0.0.1:6000' "
                     "}\n  - dnstap: { listen: 'tcp://127.0.0.1:6000' }\n"),
            "weir.yaml:4: inputs[1].dnstap.listen: tcp://127.0.0.1:6000 is already used by "
            "inputs[0].dnstap.listen; give each listener an address of its own");
  EXPECT_EQ(fault_of(kLeast + "metrics: { listen: '127.0.0.1:6000' }\n"),
            "weir.yaml:3: metrics.listen: tcp://127.0.0.1:6000 is already used by inputs[0].dnstap.listen; "
            "give each listener an address of its own");
  EXPECT_EQ(fault_of("outputs: [ json: { to: '-' } ]\ninputs:\n  - mirror: { interface: eth0 }\n  - "
                     "mirror:\n      interface: eth0\n"),
            "weir.yaml:5: inputs[1].mirror.interface: eth0 is already used by inputs[0].mirror.interface; "
            "keep one of them and give it more queues");
  EXPECT_EQ(fault_of("outputs: [ json: { to: '-' } ]\ninputs:\n  - directory: { path: /spool/x }\n  - "
                     "directory: { path: /spool/y/../x/, state: /s }\n"),
            "weir.yaml:4: inputs[1].directory.path: /spool/y/../x/ is already used by "
            "inputs[0].directory.path; keep one of them");
  EXPECT_EQ(
      fault_of(
          "inputs: [ file: { paths: ['-'] } ]\noutputs:\n  - json: { to: '-' }\n  - json: { to: '-' }\n"),
      "weir.yaml:4: outputs[1].json.to: standard output (\"-\") is already used by outputs[0].json.to; two "
      "outputs would mix what they write; give each its own file");
  EXPECT_EQ(
      fault_of("inputs: [ file: { paths: [x] } ]\noutputs:\n  - json: { to: 'tcp://h:1', spool: /s }\n  - "
               "json: { to: 'tcp://h:2', spool: /x/../s }\n"),
      "weir.yaml:4: outputs[1].json.spool: /x/../s is already used by outputs[0].json.spool; give each "
      "output a directory of its own");
  for (const auto& [one, other] : {std::pair{"-", "/dev/stdout"}, std::pair{"/nowhere/../x", "/x"}}) {
    const std::string fault = fault_of("inputs: [ file: { paths: [x] } ]\noutputs:\n  - json: { to: '" +
                                       std::string(one) + "' }\n  - json: { to: '" + other + "' }\n");
    EXPECT_NE(fault.find("is already used by outputs[0].json.to"), std::string::npos) << one << ": " << fault;
  }
  EXPECT_EQ(fault_of("outputs: [ json: { to: '-' } ]\ninputs:\n  - file: { paths: [x], name: in }\n  - file: "
                     "{ paths: [y], name: in }\n"),
            "weir.yaml:4: inputs[1].file.name: 'in' is used twice; metrics could not tell them apart: choose "
            "another");
}

// A listener of all addresses has each of them, and TLS's port is TCP's.
TEST(ConfigFault, ListenersMeetWhateverTheSpelling) {
  const auto fault = [](const std::string& one, const std::string& other) {
    return fault_of("inputs:\n  - dnstap: { listen: '" + one + "' }\noutputs:\n  - dnstap: { listen: '" +
                    other + "', tls_certificate: c }\n");
  };
  for (const char* other : {"tls://127.0.0.1:6000", "tls://localhost:6000", "tls://0.0.0.0:6000",
                            "tls://[::]:6000", "tls://[::ffff:127.0.0.1]:6000"}) {
    EXPECT_EQ(fault("tcp://127.0.0.1:6000", other),
              "weir.yaml:4: outputs[0].dnstap.listen: " + to_string(*parse_target(other)) +
                  " is already used by inputs[0].dnstap.listen (tcp://127.0.0.1:6000); give each listener an "
                  "address of its own");
  }
  for (const char* other :
       {"tls://127.0.0.1:6001", "tls://127.0.0.2:6000", "tls://[::1]:6000", "tls://weir.test:6000"})
    EXPECT_EQ(fault("tcp://127.0.0.1:6000", other), "(no fault)") << other;
  EXPECT_EQ(fault("tcp://[::1]:6000", "tls://0.0.0.0:6000"), "(no fault)");
}

// As they stand in an address.
std::vector<std::string> own_addresses() {
  std::vector<std::string> found;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return found;
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    const Endpoint own = at->ifa_addr != nullptr ? endpoint_of(*at->ifa_addr) : Endpoint{};
    if (own.addr.present())
      found.push_back(own.addr.len == 4 ? to_string(own.addr) : "[" + to_string(own.addr) + "]");
  }
  freeifaddrs(all);
  return found;
}

TEST(ConfigFault, WhatWouldComeInAgainThatGoesOut) {
  const auto to = [](const std::string& listen, const std::string& kind, const std::string& address) {
    return fault_of("inputs:\n  - dnstap: { listen: '" + listen + "' }\noutputs:\n  - " + kind + ": { to: '" +
                    address + "' }\n");
  };
  EXPECT_EQ(to("tcp://127.0.0.1:7130", "dnstap", "tcp://127.0.0.1:7130"),
            "weir.yaml:4: outputs[0].dnstap.to: tcp://127.0.0.1:7130 is this Weir's own "
            "inputs[0].dnstap.listen, so "
            "that what goes out would come in again; send to another address, or remove one of them");
  for (const auto& [listen, address] :
       {std::pair{"tcp://0.0.0.0:1", "tcp://localhost:1"}, std::pair{"tcp://[::]:1", "tls://127.0.0.1:1"},
        std::pair{"tcp://localhost:1", "tcp://0.0.0.0:1"}, std::pair{"unix:///run/../x", "unix:///x"}})
    EXPECT_NE(to(listen, "dnstap", address), "(no fault)") << listen << " " << address;
  EXPECT_NE(to("unix:///x", "json", "unix:///x"), "(no fault)");
  for (const std::string& own : own_addresses())
    EXPECT_NE(to("tcp://[::]:1", "dnstap", "tcp://" + own + ":1"), "(no fault)") << own;
  EXPECT_EQ(to("tcp://0.0.0.0:1", "dnstap", "tcp://198.51.100.1:1"), "(no fault)");
  EXPECT_EQ(to("tcp://127.0.0.1:1", "dnstap", "tcp://127.0.0.1:2"), "(no fault)");
  EXPECT_EQ(fault_of("inputs:\n  - dnstap: { connect: 'tcp://localhost:1' }\noutputs:\n  - dnstap: { listen: "
                     "'tcp://127.0.0.1:1' }\n"),
            "weir.yaml:2: inputs[0].dnstap.connect: tcp://localhost:1 is this Weir's own "
            "outputs[0].dnstap.listen, so "
            "that what goes out would come in again; connect to another address, or remove one of them");
}

TEST(ConfigFault, AFileThatTheDirectoryWouldTake) {
  const auto fault = [](const std::string& directory, const std::string& output) {
    return fault_of("inputs:\n  - directory: { path: /spool" + directory + " }\noutputs:\n  - " + output +
                    "\n");
  };
  EXPECT_EQ(
      fault("", "dnstap: { to: '/spool/out.fstrm' }"),
      "weir.yaml:4: outputs[0].dnstap.to: 'out.fstrm' would be taken by inputs[0].directory.path, so that "
      "what "
      "goes out would come in again; write to another directory, or narrow inputs[0].directory.pattern");
  EXPECT_NE(fault("", "dnstap: { to: 'file:///x/../spool//out.tap' }"), "(no fault)");
  EXPECT_NE(fault(", pattern: ['*']", "json: { to: '/spool/lines.jsonl' }"), "(no fault)");
  EXPECT_NE(fault(", pattern: ['out-*Z.fstrm']", "dnstap: { to: '/spool/out.fstrm', rotate_size: 1MiB }"),
            "(no fault)");
  EXPECT_NE(fault(", pattern: ['out-*Z-?.fstrm']", "dnstap: { to: '/spool/out.fstrm', rotate_every: 1h }"),
            "(no fault)");
  EXPECT_EQ(fault(", pattern: ['out-*.fstrm']", "dnstap: { to: '/spool/out.fstrm' }"), "(no fault)");
  EXPECT_EQ(fault("", "json: { to: '/spool/lines.jsonl' }"), "(no fault)");
  EXPECT_EQ(fault("", "dnstap: { to: '/spool/done/out.fstrm' }"), "(no fault)");
  EXPECT_EQ(fault("", "dnstap: { to: '/spool/.out.fstrm' }"), "(no fault)");
}

TEST(ConfigFault, AFileThatIsReadAndWritten) {
  const auto fault = [](const std::string& path, const std::string& output) {
    return fault_of("inputs:\n  - file: { paths: [a, '" + path + "'] }\noutputs:\n  - " + output + "\n");
  };
  for (const char* output : {"dnstap: { to: 'file:///x/y.fstrm' }", "json: { to: '/x/z/../y.fstrm' }"})
    EXPECT_NE(fault("/x/y.fstrm", output)
                  .find("outputs[0]." + std::string(output).substr(0, std::string(output).find(':')) +
                        ".to: '/x/y.fstrm' is read by inputs[0].file, so that what goes out"),
              std::string::npos)
        << fault("/x/y.fstrm", output);
  EXPECT_EQ(fault("/x/y.fstrm", "json: { to: '/x/y.jsonl' }"), "(no fault)");
  EXPECT_EQ(fault("/dev/null", "json: { to: '/dev/null' }"), "(no fault)");
  EXPECT_EQ(fault("-", "json: { to: '-' }"), "(no fault)");
}

TEST(ConfigFault, ADirectoryThatFilesAreMovedInto) {
  const auto fault = [](const std::string& keys) {
    return fault_of("inputs:\n  - directory: { path: /a, " + keys +
                    " }\n  - directory: { path: /b, name: b }\noutputs: [ json: { to: '-' } ]\n");
  };
  EXPECT_EQ(fault("after: 'move:/b'"),
            "weir.yaml:2: inputs[0].directory.after: '/b' is inputs[1].directory.path, so that what is moved "
            "there would "
            "be taken again; name another directory");
  EXPECT_EQ(fault("after: 'move:.'"),
            "weir.yaml:2: inputs[0].directory.after: '/a/.' is inputs[0].directory.path, so that what is "
            "moved there would "
            "be taken again; name another directory");
  EXPECT_NE(fault("after: delete, failed: '../b'").find("directory.failed: '/a/../b' is inputs[1]"),
            std::string::npos);
  EXPECT_EQ(fault("after: 'move:done'"), "(no fault)");
  EXPECT_NE(fault_of("inputs: [ directory: { path: /a, state: /s } ]\noutputs: [ json: { to: /s } ]\n")
                .find("json.to: file:///s is already used by inputs[0].directory.state"),
            std::string::npos);
}

TEST(ConfigFault, TlsKeysWithoutTls) {
  for (const char* keys : {"listen: 'tcp://127.0.0.1:1', tls_clients: required",
                           "connect: 'tcp://127.0.0.1:1', tls_verify: false"})
    EXPECT_NE(fault_of_input("dnstap: { " + std::string(keys) + " }").find("is for TLS, but the address is"),
              std::string::npos)
        << keys;
  for (const char* to : {"null:", "/x", "tcp://127.0.0.1:1"})
    EXPECT_NE(fault_of_output("json: { to: '" + std::string(to) + "', tls_verify: false }")
                  .find("tls_verify: is for TLS"),
              std::string::npos)
        << to;
  EXPECT_NE(
      fault_of_input("dnstap: { listen: 'tls://[::1]:1', tls_certificate: c, tls_ca: a, tls_clients: none }")
          .find("tls_ca: is of no use with tls_clients: none"),
      std::string::npos);
  EXPECT_NE(fault_of_input("dnstap: { connect: 'tls://[::1]:1', tls_ca: a, tls_verify: false }")
                .find("tls_ca: is of no use with tls_verify: false"),
            std::string::npos);
}

TEST(ConfigFault, NothingToDo) {
  EXPECT_EQ(fault_of("outputs: [ json: { to: '-' } ]\n"),
            "weir.yaml:1: inputs: there are none; expected at least one, such as - dnstap: { listen: "
            "\"tcp://127.0.0.1:6000\" }");
  EXPECT_EQ(fault_of("inputs: [ file: { paths: [x] } ]\noutputs: []\n"),
            "weir.yaml:2: outputs: there are none; expected at least one, such as - json: { to: "
            "\"file:///var/log/weir/dns.jsonl\" }");
  EXPECT_EQ(fault_of("inputs: { dnstap: { listen: '-' } }\noutputs: []\n"),
            "weir.yaml:1: inputs: expected a list, each item on a line of its own: - dnstap: { ... }");
}

TEST(ConfigFault, TextsThatAreNoConfiguration) {
  const std::string empty =
      "weir.yaml: is empty; expected at least inputs and outputs, see docs/configuration.md";
  EXPECT_EQ(fault_of(""), empty);
  EXPECT_EQ(fault_of("# only a comment\n"), empty);
  EXPECT_EQ(fault_of("---\n"), empty);
  EXPECT_EQ(fault_of("hello"),
            "weir.yaml:1: expected keys such as inputs and outputs at the top, see docs/configuration.md");
  EXPECT_EQ(fault_of(std::string("a: \0b", 5)),
            "weir.yaml: is not text; expected YAML as in docs/configuration.md");
  EXPECT_EQ(fault_of(std::string(300'000, '#')),
            "weir.yaml: is longer than 256 KiB; this is no Weir configuration: check the path");
  EXPECT_EQ(fault_of(kLeast + kLeast).substr(0, 61),
            "weir.yaml:3: inputs: stands twice in the same place; keep one");
}

TEST(Config, LoadsFilesAndSaysWhyNot) {
  namespace fs = std::filesystem;
  const fs::path dir = fs::path(testing::TempDir()) / "weir_config_test";
  fs::create_directories(dir);
  const std::string path = (dir / "weir.yaml").string();
  std::ofstream(path) << kLeast;
  EXPECT_TRUE(load_config(path).ok());
  EXPECT_EQ(load_config(path + ".none").error().message,
            path +
                ".none: cannot be read: No such file or directory; check the path, or start from "
                "docs/weir.example.yaml");
  EXPECT_EQ(load_config(dir.string()).error().message,
            dir.string() + ": cannot be read: Is a directory; name the configuration file in it");
  // Half written: the first line of the least configuration, cut in the middle.
  std::ofstream(path) << kLeast.substr(0, 40);
  EXPECT_TRUE(load_config(path).error().message.starts_with(path + ":1: is not YAML here: "))
      << load_config(path).error().message;
  // Not read further than a configuration can be long, though it never ends.
  EXPECT_EQ(load_config("/dev/zero").error().message,
            "/dev/zero: is longer than 256 KiB; this is no Weir configuration: check the path");
  fs::remove_all(dir);
}

}  // namespace
}  // namespace weir
