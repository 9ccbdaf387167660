#include "core/drop.h"

#include <string>

namespace weir {
namespace {

constexpr std::array<DropInfo, kDropCount> kDrops = {{
    {Drop::frame_too_long, "frame_too_long", StageKind::ingest, DropKind::drop,
     "a frame was longer than the input's frame_limit: raise it"},
    {Drop::frame_memory, "frame_memory", StageKind::ingest, DropKind::drop,
     "unfinished frames of one ingest lcore's senders held more than 64 MiB; the sender whose frame it was "
     "was "
     "closed"},
    {Drop::frame_cut, "frame_cut", StageKind::ingest, DropKind::reject,
     "the stream or file ended inside a frame: the sender was killed or the file is still being written"},
    {Drop::packet_filtered, "packet_filtered", StageKind::ingest, DropKind::filter,
     "the input's filter did not pick the packet"},
    {Drop::packet_cut, "packet_cut", StageKind::ingest, DropKind::reject,
     "a packet ended inside its headers: raise the capture's snap length"},
    {Drop::packet_not_ip, "packet_not_ip", StageKind::ingest, DropKind::filter, "not IPv4 or IPv6"},
    {Drop::packet_bad_ip, "packet_bad_ip", StageKind::ingest, DropKind::reject,
     "an IP header contradicted itself"},
    {Drop::packet_not_udp, "packet_not_udp", StageKind::ingest, DropKind::filter, "neither UDP nor TCP"},
    {Drop::packet_other_port, "packet_other_port", StageKind::ingest, DropKind::filter,
     "UDP or TCP, but neither port is one of the input's dns_ports"},
    {Drop::packet_bad_udp, "packet_bad_udp", StageKind::ingest, DropKind::reject,
     "a UDP length contradicted the IP length"},
    {Drop::packet_bad_tcp, "packet_bad_tcp", StageKind::ingest, DropKind::reject,
     "a TCP header contradicted the IP length"},
    {Drop::packet_bad_checksum, "packet_bad_checksum", StageKind::ingest, DropKind::reject,
     "an IPv4, UDP or TCP checksum was wrong: the mirror damages packets, or a host left it to its NIC"},
    {Drop::tunnel_too_deep, "tunnel_too_deep", StageKind::ingest, DropKind::reject,
     "more tunnels or tags within each other than are opened"},
    {Drop::capture_damaged, "capture_damaged", StageKind::ingest, DropKind::reject,
     "a record of a capture file contradicted itself"},
    {Drop::fragment_duplicate, "fragment_duplicate", StageKind::ingest, DropKind::filter,
     "an IP fragment whose bytes were there already: the mirror delivers packets twice"},
    {Drop::fragment_overlap, "fragment_overlap", StageKind::ingest, DropKind::reject,
     "IP fragments of one datagram contradicted each other: somebody forges fragments"},
    {Drop::fragment_bad, "fragment_bad", StageKind::ingest, DropKind::reject,
     "an IP fragment without bytes, of an odd length, or past the end of any datagram"},
    {Drop::fragment_incomplete, "fragment_incomplete", StageKind::ingest, DropKind::drop,
     "the other fragments of the datagram did not come in time: the mirror misses packets"},
    {Drop::fragment_evicted, "fragment_evicted", StageKind::ingest, DropKind::drop,
     "too many datagrams waited for their fragments: raise reassembly.datagrams"},
    {Drop::tcp_no_data, "tcp_no_data", StageKind::ingest, DropKind::filter,
     "a TCP segment that carries nothing of a message: SYN, ACK, FIN, RST, keep-alive"},
    {Drop::tcp_duplicate, "tcp_duplicate", StageKind::ingest, DropKind::filter,
     "a TCP segment whose bytes were there already"},
    {Drop::tcp_gap, "tcp_gap", StageKind::ingest, DropKind::drop,
     "a part of the segment's message was not captured: the mirror misses packets"},
    {Drop::tcp_not_dns, "tcp_not_dns", StageKind::ingest, DropKind::reject,
     "no message begins in the TCP segment: its stream's start was not captured, or it is not DNS"},
    {Drop::tcp_unfinished, "tcp_unfinished", StageKind::ingest, DropKind::reject,
     "the TCP stream or the input ended inside the segment's message"},
    {Drop::tcp_evicted, "tcp_evicted", StageKind::ingest, DropKind::drop,
     "too many TCP streams, or too many bytes of them, waited: raise reassembly.streams or .memory"},
    {Drop::ring_full, "ring_full", StageKind::ingest, DropKind::drop,
     "the decode lcores are behind: give more of them, or set overflow: backpressure"},
    {Drop::pool_empty, "pool_empty", StageKind::ingest, DropKind::drop, "no batch was free: raise pools"},
    {Drop::nic_missed, "nic_missed", StageKind::ingest, DropKind::drop,
     "the NIC lost packets because the ingest lcore was late: more queues and ingest lcores"},
    {Drop::nic_no_mbuf, "nic_no_mbuf", StageKind::ingest, DropKind::drop,
     "the NIC driver found no free mbuf: raise the input's mbufs"},
    {Drop::nic_error, "nic_error", StageKind::ingest, DropKind::drop,
     "the NIC counted erroneous packets: check the tap"},
    {Drop::kernel_drop, "kernel_drop", StageKind::ingest, DropKind::drop,
     "the kernel's AF_PACKET buffer was full: more queues and ingest lcores"},
    {Drop::ingest_shutdown, "ingest_shutdown", StageKind::ingest, DropKind::drop,
     "still waiting in an ingest lcore when the drain time ended"},
    {Drop::dnstap_malformed, "dnstap_malformed", StageKind::decode, DropKind::reject,
     "a frame's protobuf did not parse"},
    {Drop::dnstap_not_message, "dnstap_not_message", StageKind::decode, DropKind::reject,
     "a dnstap frame of a type other than MESSAGE"},
    {Drop::duplicate_query, "duplicate_query", StageKind::decode, DropKind::filter,
     "a copy of a query whose transaction was already written: the mirror delivers packets twice"},
    {Drop::duplicate_response, "duplicate_response", StageKind::decode, DropKind::filter,
     "a copy of a response that was already written: the mirror delivers packets twice, or a query was "
     "answered twice"},
    {Drop::event_too_large, "event_too_large", StageKind::decode, DropKind::drop,
     "an event was larger than the largest batch: raise the input's frame_limit"},
    {Drop::decode_shutdown, "decode_shutdown", StageKind::decode, DropKind::drop,
     "still waiting in a decode lcore when the drain time ended"},
    {Drop::backlog_full, "backlog_full", StageKind::output, DropKind::drop,
     "the destination is slower than the traffic: raise backlog, or set when_full: block"},
    {Drop::no_receiver, "no_receiver", StageKind::output, DropKind::drop,
     "nobody was connected to the listening output for longer than its backlog lasts"},
    {Drop::slow_receiver, "slow_receiver", StageKind::output, DropKind::drop,
     "all receivers of the listening output were slower than the traffic: raise backlog"},
    {Drop::refused, "refused", StageKind::output, DropKind::drop,
     "the destination does not want the record: too long for it, or for the reason in the log"},
    {Drop::write_failed, "write_failed", StageKind::output, DropKind::drop,
     "the destination refused the bytes: see the log for the reason"},
    {Drop::output_shutdown, "output_shutdown", StageKind::output, DropKind::drop,
     "the destination (a full disk, a slow or dead peer) had not accepted it when the drain time ended"},
    {Drop::capture_link_type, "capture_link_type", StageKind::output, DropKind::drop,
     "the file has packets of another link type, or of too many: write format: pcapng"},
    {Drop::spool_full, "spool_full", StageKind::spool, DropKind::drop,
     "the destination is away for longer than the spool has room: raise spool_size, or bring it back"},
    {Drop::spool_too_old, "spool_too_old", StageKind::spool, DropKind::drop,
     "in the spool for longer than spool_max_age"},
    {Drop::spool_damaged, "spool_damaged", StageKind::spool, DropKind::drop,
     "its part of the spool cannot be read: a damaged disk, or somebody wrote to the spool's files"},
    {Drop::spool_refused, "spool_refused", StageKind::spool, DropKind::drop,
     "the destination does not want the record: too long for it, or for the reason in the log"},
    {Drop::capture_no_room, "capture_no_room", StageKind::capture, DropKind::drop,
     "copies came faster than they were written (a slow or full disk): pick fewer, lower snap_length, or "
     "give "
     "more export lcores"},
    {Drop::capture_shutdown, "capture_shutdown", StageKind::capture, DropKind::drop,
     "still waiting in an ingest lcore when the drain time ended"},
}};

consteval bool in_order() {
  for (size_t i = 0; i < kDropCount; ++i)
    if (static_cast<size_t>(kDrops[i].drop) != i) return false;
  return true;
}
static_assert(in_order(), "kDrops must follow the order of Drop");

constexpr std::array<std::string_view, 5> kMetricNames = {
    "weir_ingest_drops_total", "weir_decode_drops_total", "weir_output_drops_total", "weir_spool_drops_total",
    "weir_capture_drops_total"};

}  // namespace

const DropInfo& drop_info(Drop drop) noexcept { return kDrops[static_cast<size_t>(drop)]; }

std::string_view to_string(StageKind stage) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"ingest", "decode", "output", "spool", "capture"};
  return kNames[static_cast<size_t>(stage)];
}

std::string_view to_string(DropKind kind) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"drop", "reject", "filter"};
  return kNames[static_cast<size_t>(kind)];
}

uint64_t DropCounters::total(StageKind stage) const noexcept {
  uint64_t sum = 0;
  for (const DropInfo& info : kDrops)
    if (info.stage == stage) sum += get(info.drop);
  return sum;
}

void DropCounters::describe(MetricVisitor& visitor, StageKind stage, const Labels& owner) const {
  for (const DropInfo& info : kDrops) {
    if (info.stage != stage) continue;
    Labels labels = owner;
    labels.push_back({"kind", std::string(to_string(info.kind))});
    labels.push_back({"reason", std::string(info.name)});
    visitor.counter(
        kMetricNames[static_cast<size_t>(stage)],
        "Units that ended here without being written, by reason; kind drop means lost: docs/metrics.md "
        "has a remedy for each reason.",
        labels, static_cast<double>(get(info.drop)));
  }
}

}  // namespace weir
