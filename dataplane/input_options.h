// What each kind of input can be told: plain values, filled from the configuration (docs/configuration.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/addr.h"
#include "core/clock.h"
#include "core/net/tls.h"
#include "dataplane/reassembly/fragments.h"
#include "dataplane/reassembly/tcp_streams.h"

namespace weir {

enum class Overflow : uint8_t {
  drop,          // what the rings have no room for is counted and gone
  backpressure,  // stop reading until there is room; the wait is a metric
};

// dnstap streams, over TCP, TLS or UNIX sockets. One of listen and connect.
struct DnstapInputOptions {
  std::string name = "dnstap";
  std::optional<Target> listen;   // senders connect
  std::optional<Target> connect;  // a sender that listens
  TlsOptions tls;                 // for tls://
  Overflow overflow = Overflow::backpressure;
  bool pair = false;                 // queries are joined with their responses
  uint32_t frame_limit = 1U << 20U;  // bytes; longer frames are skipped and counted
  std::vector<std::string> allow;    // who may connect, as addresses and prefixes; empty: everybody
  std::vector<std::string> deny;     // who may not
  uint32_t max_connections = 4096;
  uint32_t max_connections_per_address = 0;  // 0: as many as max_connections
  uint64_t rate_limit = 0;                   // bytes a second and connection; 0: none
  uint32_t handshake_timeout_ms = 5'000;     // from the connection to START
  uint32_t idle_timeout_ms = 0;              // without a byte; 0: never
  uint32_t read_buffer = 256U << 10U;        // bytes a read
  uint32_t connection_metrics = 0;           // connections an ingest lcore that have metrics of their own
  uint32_t socket_mode = 0660;               // UNIX sockets
  std::string socket_owner;                  // USER or USER:GROUP, empty: as is
  // Bytes of unfinished frames, all connections of an ingest lcore together; the connection that asks for
  // more is closed.
  static constexpr size_t kMostHeld = 64U << 20U;
  bool operator==(const DnstapInputOptions&) const = default;
};

// How IP fragments and TCP streams are put together; of each queue of a port, and of each file.
struct ReassemblyOptions {
  uint32_t datagrams = 2048;  // that wait for fragments
  uint32_t fragment_memory = 4U << 20U;
  uint32_t fragment_timeout_ms = 10'000;
  uint32_t streams = 16'384;  // TCP connections
  uint32_t memory = 16U << 20U;
  uint32_t stream_memory = 256U << 10U;
  uint32_t gap_timeout_ms = 2'000;
  uint32_t idle_timeout_ms = 120'000;
  bool operator==(const ReassemblyOptions&) const = default;

  [[nodiscard]] FragmentOptions fragments() const {
    return {.datagrams = datagrams, .memory = fragment_memory, .timeout_ns = fragment_timeout_ms * kNsPerMs};
  }
  [[nodiscard]] TcpOptions tcp() const {
    return {.streams = streams,
            .memory = memory,
            .stream_memory = stream_memory,
            .gap_timeout_ns = gap_timeout_ms * kNsPerMs,
            .idle_timeout_ns = idle_timeout_ms * kNsPerMs};
  }
};

// What is done with packets, wherever they come from.
struct PacketOptions {
  std::vector<uint16_t> dns_ports = {53};
  bool verify_checksums = false;
  std::string filter;            // as libpcap's; empty: every packet
  ReassemblyOptions reassembly;  // the same for all inputs
  bool operator==(const PacketOptions&) const = default;
};

// Packets from a port: a PCI address, a vdev string ("net_pcap0,rx_pcap=x.pcap"), or AF_PACKET on an
// interface.
struct MirrorOptions {
  std::string name = "mirror";
  std::string port;       // PCI address or vdev string; empty if interface is set
  std::string interface;  // AF_PACKET by interface name
  uint16_t queues = 1;
  uint32_t mbufs = 8192;  // a queue
  uint16_t rx_descriptors = 1024;
  uint16_t mtu = 0;        // of a port of DPDK's; 0: as its driver sets it
  bool timestamps = true;  // packets' times are the NIC's, where it stamps them
  PacketOptions packets;
  Overflow overflow = Overflow::drop;
  bool operator==(const MirrorOptions&) const = default;
};

// Files: dnstap Frame Streams, pcap or pcapng, told apart by their first bytes; .gz or not; "-" is standard
// input.
struct FileOptions {
  std::string name = "file";
  std::vector<std::string> paths;
  PacketOptions packets;
  bool pair = false;  // of dnstap files queries are joined with their responses
  uint32_t frame_limit = 1U << 20U;
  bool operator==(const FileOptions&) const = default;
};

// A directory whose files are taken as they are closed or renamed in.
struct DirectoryOptions {
  std::string name = "directory";
  std::string path;
  std::vector<std::string> pattern = {  // of names, as a shell's
      "*.fstrm", "*.fstrm.gz", "*.dnstap", "*.dnstap.gz", "*.tap", "*.tap.gz",
      "*.pcap",  "*.pcap.gz",  "*.pcapng", "*.pcapng.gz", "*.cap", "*.cap.gz"};
  std::string after = "keep";         // keep, delete or move:DIR
  std::string failed;                 // where failed files go; empty: kept with `keep`, else "failed"
  std::string state = ".weir-state";  // what is done; relative paths here are below `path`
  uint32_t settle_ms = 10'000;        // unchanged for so long, where the kernel cannot tell who writes
  uint32_t quiet_ms = 5'000;          // without a file for so long, what waits for its partner is written
  uint32_t rescan_ms = 60'000;        // a look at the directory beside what the kernel tells
  PacketOptions packets;
  bool pair = false;
  uint32_t frame_limit = 1U << 20U;
  bool operator==(const DirectoryOptions&) const = default;

  // DIR of move:DIR; empty: not moved.
  [[nodiscard]] std::string move_to() const { return after.starts_with("move:") ? after.substr(5) : ""; }
  // Empty: failed files stay.
  [[nodiscard]] std::string failed_to() const {
    return failed.empty() && after != "keep" ? "failed" : failed;
  }
  [[nodiscard]] std::string below_path(const std::string& to) const {
    return to.starts_with('/') ? to : path + "/" + to;
  }
  // How each file is read.
  [[nodiscard]] FileOptions file_options() const {
    return {.name = name, .paths = {}, .packets = packets, .pair = pair, .frame_limit = frame_limit};
  }
};

}  // namespace weir
