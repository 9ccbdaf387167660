// What each kind of output can be told: plain values, filled from the configuration (docs/configuration.md).
// Each kind has its name in kKind; what all that write records can be told is a Delivery and a Waiting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "core/captured_packet.h"
#include "core/net/tls.h"
#include "exporters/files/compression.h"
#include "exporters/files/file_rotation.h"

namespace weir {

enum class WhenFull : uint8_t {
  drop_newest,  // count the event and go on
  block,        // wait; the street stops behind this output
  drop_oldest,  // count what has waited longest, and keep the event
  spool,        // write what waits to the spool, on disk
};

// Which of several destinations of an output is sent to.
enum class Choose : uint8_t {
  failover,  // the first that can be reached, in their order
  balance,   // all that can be reached, each its part
};

// A queue on disk, for when_full: spool.
struct SpoolOptions {
  std::string path;             // a directory
  uint64_t size = 1ULL << 30U;  // bytes, an export lcore; beyond, the oldest are given up
  uint64_t max_age_ms = 0;      // older records are given up; 0: none is
  uint32_t sync_ms = 1'000;     // how often what was written is forced to disk; 0: never
  bool operator==(const SpoolOptions&) const = default;
};

// Where records go.
struct Delivery {
  std::optional<Target> to;
  std::vector<Target> alternatives = {};  // peers, of the same kind as `to`
  Choose choose = Choose::failover;
  TlsOptions tls = {};  // for tls
  FileRotation rotate = {};
  Compression compress = {};  // for files and stdio
  bool operator==(const Delivery&) const = default;
};

// How records wait for where they go.
struct Waiting {
  uint32_t flush_ms = 1'000;                   // written at least this often
  uint64_t backlog = 8U << 20U;                // bytes that may wait in memory, an export lcore
  WhenFull when_full = WhenFull::drop_newest;  // files and stdout: block is the default in the configuration
  SpoolOptions spool = {};
  bool operator==(const Waiting&) const = default;
};

struct JsonFields {
  std::vector<std::string> fields;  // only these keys, empty: all
  std::vector<std::string> omit;    // but not these
  bool authority = false;           // authority section
  bool additional = false;          // additional section, OPT and TSIG left out
  bool stream = false;              // the dnstap connection, and the number in it
  bool sequence =
      false;  // "seq": number of the line within its export lcore's output, and "lane": the export lcore
  bool operator==(const JsonFields&) const = default;
};

// JSON lines.
struct JsonOptions {
  static constexpr std::string_view kKind = "json";
  std::string name{kKind};
  Delivery delivery;  // any destination
  Waiting waiting;
  JsonFields json;
  bool operator==(const JsonOptions&) const = default;
};

enum class SyslogProtocol : uint8_t { rfc5424, rfc3164 };
// Between messages on a stream (RFC 6587): their length before them, or '\n' behind them.
enum class SyslogFraming : uint8_t { automatic, octets, lines };

struct SyslogFields {
  SyslogProtocol protocol = SyslogProtocol::rfc5424;
  SyslogFraming framing = SyslogFraming::automatic;  // octets over TCP and TLS, else lines
  uint8_t facility = 16;                             // local0, RFC 5424 6.2.1
  uint8_t severity = 6;                              // informational
  std::string app_name = "weir";
  std::string hostname;          // empty: the system's
  uint32_t max_message = 8'192;  // bytes with the header; longer ones are refused
  bool operator==(const SyslogFields&) const = default;
};

// JSON lines as syslog messages.
struct SyslogOptions {
  static constexpr std::string_view kKind = "syslog";
  std::string name{kKind};
  // unix_datagram, unix_stream, udp, tcp, tls or null
  Delivery delivery{.to = Target{Target::Scheme::unix_datagram, {}, 0, "/dev/log"}};
  Waiting waiting;
  SyslogFields syslog;
  JsonFields json;
  bool operator==(const SyslogOptions&) const = default;
};

enum class DnstapAs : uint8_t { client, auth };

// What of a dnstap frame is written anew. Templates: {identity} {version} {extra} {input} {peer}; empty: as
// it came.
struct DnstapFields {
  DnstapAs as = DnstapAs::client;  // messages made from mirrored traffic: CLIENT_* or AUTH_*
  std::string identity;
  std::string version;
  std::string extra;
  bool operator==(const DnstapFields&) const = default;
};

// dnstap frames, as a Frame Streams writer.
struct DnstapOptions {
  static constexpr std::string_view kKind = "dnstap";
  std::string name{kKind};
  // Either delivery.to (file, tcp, tls, unix_stream or null) or:
  std::optional<Target> listen;  // tcp, tls or unix_stream; delivery.tls is for it, too
  Delivery delivery;
  Waiting waiting;                     // listen: without when_full
  uint32_t max_receivers = 64;         // listen: more are refused
  uint32_t stall_timeout_ms = 10'000;  // listen: a receiver that takes nothing for so long is closed
  uint32_t socket_mode = 0660;         // listen: of a UNIX socket
  std::string socket_owner;            // USER or USER:GROUP, empty: as is
  DnstapFields dnstap;
  bool operator==(const DnstapOptions&) const = default;
};

enum class CaptureFormat : uint8_t { pcapng, pcap };

// Copies of packets, as a capture file.
struct PcapOptions {
  static constexpr std::string_view kKind = "pcap";
  std::string name{kKind};
  Delivery delivery;  // file, stdio or null
  // Of when_full, block (files that are read wait; ports never do) and drop_newest.
  Waiting waiting{.when_full = WhenFull::block};
  CapturePick pick = CapturePick::all;
  std::string filter;  // for CapturePick::filter, as libpcap's
  CaptureFormat format = CaptureFormat::pcapng;
  uint32_t snap_length = 65'535;  // bytes; of longer packets the rest is left out
  bool operator==(const PcapOptions&) const = default;
};

// What a message is partitioned by, lower case. none: librdkafka spreads messages over all partitions.
enum class KafkaKey : uint8_t { none, client, qname, domain };
enum class KafkaCompression : uint8_t { none, gzip, snappy, lz4, zstd };
enum class KafkaAcks : uint8_t { all, leader, none };
enum class KafkaSasl : uint8_t { none, plain, scram_sha_256, scram_sha_512 };

// JSON lines as messages of a Kafka topic.
struct KafkaOptions {
  static constexpr std::string_view kKind = "kafka";
  std::string name{kKind};
  std::vector<std::string> brokers;  // HOST:PORT
  std::string topic;
  KafkaKey key = KafkaKey::none;
  std::vector<std::string> headers;    // NAME=VALUE; a value {input} is the name of the event's input
  uint32_t batch_events = 0;           // a message; 0: 100, or 1 where each has a head of its own
  uint64_t batch_bytes = 256U << 10U;  // of a message of several events
  KafkaCompression compression = KafkaCompression::none;
  KafkaAcks acks = KafkaAcks::all;
  bool idempotent = true;
  bool tls = false;
  TlsOptions tls_files;  // certificate, key, ca, verify
  KafkaSasl sasl = KafkaSasl::none;
  std::string user;
  std::string password_file;
  std::vector<std::string> options;  // KEY=VALUE, for librdkafka
  Waiting waiting;
  JsonFields json;
  bool operator==(const KafkaOptions&) const = default;

  // Each message is one event, with the event's key or input.
  [[nodiscard]] bool names_input() const {
    for (const std::string& header : headers)
      if (header.ends_with("={input}")) return true;
    return false;
  }
  [[nodiscard]] bool one_event_each() const { return key != KafkaKey::none || names_input(); }
};

struct StatsdOptions {
  static constexpr std::string_view kKind = "statsd";
  std::string name{kKind};
  Target to;  // udp
  uint32_t interval_ms = 10'000;
  std::string prefix = "weir";
  uint32_t max_datagram = 1'432;  // bytes of payload
  bool operator==(const StatsdOptions&) const = default;
};

}  // namespace weir
