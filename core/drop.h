// Every way in which a unit ends before it is written. One enumerator a way, one counter each, one label
// value on weir_<stage>_drops_total, one row in docs/metrics.md (a test keeps them in step).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/counter.h"
#include "core/metric.h"

namespace weir {

// spool: the queue on disk in front of an output; its counts are what was written to it.
// capture: the way of copies to an output `pcap`; its counts are copies, not units.
enum class StageKind : uint8_t { ingest, decode, output, spool, capture };

// drop: we lost it. reject: it was malformed or is of a kind that Weir does not decode. filter: told to skip.
enum class DropKind : uint8_t { drop, reject, filter };

enum class Drop : uint8_t {
  // ingest, dnstap streams and files
  frame_too_long,  // longer than the frame limit; skipped, the connection lives on
  frame_memory,    // unfinished frames of all connections held more than their limit
  frame_cut,       // the stream or file ended inside a frame
  // ingest, packets
  packet_filtered,      // the input's filter does not pick it
  packet_cut,           // shorter than its own headers say, in the link, IP or UDP header
  packet_not_ip,        // ARP, LLDP and other ethertypes; link types not decoded
  packet_bad_ip,        // IP header that contradicts itself
  packet_not_udp,       // neither UDP nor TCP
  packet_other_port,    // UDP or TCP, but neither port is one of the DNS ports
  packet_bad_udp,       // UDP length contradicts IP's
  packet_bad_tcp,       // TCP's data offset contradicts IP's length
  packet_bad_checksum,  // with verify_checksums: IPv4's, UDP's or TCP's is wrong
  tunnel_too_deep,      // more tunnels within each other than are opened
  capture_damaged,      // a capture file's record that contradicts itself
  // ingest, IP fragments
  fragment_duplicate,   // its bytes were there already
  fragment_overlap,     // its bytes contradict those of another fragment, or the datagram's end
  fragment_bad,         // of no bytes, of an odd length within, or past 65,535
  fragment_incomplete,  // others of its datagram did not come in time, or before the input ended
  fragment_evicted,     // the table of datagrams that wait for fragments was full
  // ingest, TCP
  tcp_no_data,     // a segment without bytes of a message: SYN, ACK, FIN, RST, keep-alive
  tcp_duplicate,   // a segment whose bytes were there already
  tcp_gap,         // its message lacks a part that was not captured
  tcp_not_dns,     // no message begins in it: a stream whose start was not captured, or of something else
  tcp_unfinished,  // the stream or the input ended inside its message
  tcp_evicted,     // the table of streams, or their memory, was full
  // ingest, all
  ring_full,        // the decode lcores are behind and overflow: drop
  pool_empty,       // no batch was free
  nic_missed,       // the NIC had no descriptor free (imissed)
  nic_no_mbuf,      // the NIC driver found no mbuf (rx_nombuf)
  nic_error,        // the NIC counted the packet as erroneous (ierrors)
  kernel_drop,      // AF_PACKET's socket buffer was full (PACKET_STATISTICS)
  ingest_shutdown,  // still waiting when the drain time ended
  // decode
  dnstap_malformed,    // the protobuf does not parse, or has no message
  dnstap_not_message,  // a Dnstap type other than MESSAGE
  duplicate_query,     // a copy of a query whose transaction was already written
  duplicate_response,  // a copy of a response that was already written or waits for its query
  event_too_large,     // no large batch was free for it
  decode_shutdown,     // still waiting when the drain time ended
  // output
  backlog_full,       // the output is slower than the street, when_full: drop_newest
  no_receiver,        // nobody was connected to a listening output, and its backlog was full
  slow_receiver,      // all receivers of a listening output were too slow for it
  refused,            // the destination does not want this record: it is too long for it, or it says why
  write_failed,       // the destination refused the bytes for good (pipe closed)
  output_shutdown,    // not accepted by the destination (full disk, slow or dead peer) when the drain time
                      // ended
  capture_link_type,  // copies: not of a link type that the capture file has room for
  // spool
  spool_full,     // it was among the oldest in a spool that had got too large
  spool_too_old,  // it was in the spool for longer than spool_max_age
  spool_damaged,  // the part of the spool that it was in cannot be read any more
  spool_refused,  // the destination did not want it
  // capture
  capture_no_room,   // the output was behind
  capture_shutdown,  // still in the ingest lcore when the drain time ended
  count_
};

constexpr size_t kDropCount = static_cast<size_t>(Drop::count_);

struct DropInfo {
  Drop drop;
  std::string_view name;
  StageKind stage;
  DropKind kind;
  std::string_view help;
};

const DropInfo& drop_info(Drop drop) noexcept;
std::string_view to_string(StageKind stage) noexcept;
std::string_view to_string(DropKind kind) noexcept;

// One lcore's drop counters; any thread reads.
class DropCounters {
 public:
  void add(Drop drop, uint64_t units) noexcept { counters_[static_cast<size_t>(drop)].add(units); }
  // For sources that count for us (NIC, kernel): the total so far.
  void set(Drop drop, uint64_t units) noexcept { counters_[static_cast<size_t>(drop)].set(units); }
  [[nodiscard]] uint64_t get(Drop drop) const noexcept { return counters_[static_cast<size_t>(drop)].get(); }
  [[nodiscard]] uint64_t total(StageKind stage) const noexcept;
  // Shows every reason of `stage` as weir_<stage>_drops_total{<owner>,kind=,reason=}, zeros too.
  void describe(MetricVisitor& visitor, StageKind stage, const Labels& owner) const;

 private:
  std::array<Counter, kDropCount> counters_;
};

}  // namespace weir
