// What each kind of output can be told: plain values, filled from the configuration (docs/configuration.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/addr.h"
#include "core/captured_packet.h"
#include "core/net/tls.h"
#include "exporters/file_rotation.h"

namespace weir {

enum class WhenFull : uint8_t {
  drop_newest,  // count the event and go on
  block,        // wait; the street stops behind this output
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
  std::string name = "json";
  Target to;       // file, stdio, tcp, tls, unix_stream or null
  TlsOptions tls;  // for tls
  FileRotation rotate;
  JsonFields json;
  uint32_t flush_ms = 1'000;                   // written at least this often
  uint64_t backlog = 8U << 20U;                // bytes that may wait for the destination, an export lcore
  WhenFull when_full = WhenFull::drop_newest;  // files and stdout: block is the default in the configuration
  bool operator==(const JsonOptions&) const = default;
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
  std::string name = "dnstap";
  // One of the two:
  std::optional<Target> to;            // file, tcp, tls, unix_stream or null
  std::optional<Target> listen;        // tcp, tls or unix_stream
  TlsOptions tls;                      // for tls
  FileRotation rotate;                 // to: file
  uint32_t max_receivers = 64;         // listen: more are refused
  uint32_t stall_timeout_ms = 10'000;  // listen: a receiver that takes nothing for so long is closed
  uint32_t socket_mode = 0660;         // listen: of a UNIX socket
  std::string socket_owner;            // USER or USER:GROUP, empty: as is
  DnstapFields dnstap;
  uint32_t flush_ms = 1'000;                   // written at least this often
  uint64_t backlog = 8U << 20U;                // bytes that may wait for the destination, an export lcore
  WhenFull when_full = WhenFull::drop_newest;  // files: block is the default in the configuration
  bool operator==(const DnstapOptions&) const = default;
};

enum class CaptureFormat : uint8_t { pcapng, pcap };

// Copies of packets, as a capture file.
struct PcapOptions {
  std::string name = "pcap";
  Target to;  // file, stdio or null
  CapturePick pick = CapturePick::all;
  std::string filter;  // for CapturePick::filter, as libpcap's
  CaptureFormat format = CaptureFormat::pcapng;
  uint32_t snap_length = 65'535;  // bytes; of longer packets the rest is left out
  FileRotation rotate;
  uint32_t flush_ms = 1'000;             // written at least this often
  uint64_t backlog = 8U << 20U;          // bytes that may wait for the destination
  WhenFull when_full = WhenFull::block;  // files that are read wait; ports never do
  bool operator==(const PcapOptions&) const = default;
};

struct StatsdOptions {
  std::string name = "statsd";
  Target to;  // udp
  uint32_t interval_ms = 10'000;
  std::string prefix = "weir";
  uint32_t max_datagram = 1'432;  // bytes of payload
  bool operator==(const StatsdOptions&) const = default;
};

}  // namespace weir
