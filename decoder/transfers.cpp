#include "decoder/transfers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/packet_info.h"
#include "core/same_endpoint.h"

namespace weir {
namespace {

std::vector<uint8_t> copy_of(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// Behind the message, in what was kept of it.
PacketInfo info_of(const std::vector<uint8_t>& kept, const DnsMessage& dns) noexcept {
  return decode_packet_info(std::span(kept).subspan(dns.wire.len));
}

}  // namespace

bool Transfers::begin(Asked asked, const Leg& first, uint64_t flow_id) noexcept {
  Transfer transfer = {.flow_id = flow_id,
                       .client = *first.client,
                       .server = *first.server,
                       .query = asked.dns,
                       .first = first.dns,
                       .query_kept = std::move(asked.kept),
                       .first_kept = copy_of(first.kept),
                       .query_ns = asked.time_ns,
                       .first_ns = first.time_ns,
                       .input = first.input,
                       .grown = {.progress = {},
                                 .last_ns = first.time_ns,
                                 .arrival_ns = std::max(asked.arrival_ns, first.arrival_ns),
                                 .units = asked.units + first.units}};
  if (transfer.grown.progress.take(first.wire, first.dns)) return write(transfer, transfer.grown, true);
  if (under_way_.size() == kMost) {
    if (!write(under_way_.front(), under_way_.front().grown, false)) return false;
    under_way_.erase(under_way_.begin());
  }
  under_way_.push_back(std::move(transfer));
  show_level();
  return true;
}

bool Transfers::take(const Leg& leg, uint64_t flow_id, bool& taken) noexcept {
  taken = false;
  const auto at = std::find_if(under_way_.begin(), under_way_.end(), [&](const Transfer& transfer) {
    return transfer.flow_id == flow_id && transfer.query.id == leg.dns.id &&
           same_endpoint(transfer.client, *leg.client) && same_endpoint(transfer.server, *leg.server);
  });
  if (at == under_way_.end()) return true;
  if (!leg.response) {
    if (!write(*at, at->grown, false)) return false;
    under_way_.erase(at);
    show_level();
    return true;
  }
  Grown grown = at->grown;
  const bool last = grown.progress.take(leg.wire, leg.dns);
  grown.last_ns = std::max(grown.last_ns, leg.time_ns);
  grown.arrival_ns = std::max(grown.arrival_ns, leg.arrival_ns);
  grown.units += leg.units;
  if (last) {
    if (!write(*at, grown, true)) return false;
    under_way_.erase(at);
  } else {
    at->grown = grown;
  }
  taken = true;
  show_level();
  return true;
}

bool Transfers::write(const Transfer& transfer, const Grown& grown, bool whole) noexcept {
  PacketInfo info = info_of(transfer.query_kept, transfer.query);
  if (info.empty()) info = info_of(transfer.first_kept, transfer.first);
  info.has_transfer = true;
  info.transfer = {.messages = grown.progress.messages(),
                   .records = grown.progress.records(),
                   .bytes = grown.progress.bytes(),
                   .duration_ns = grown.last_ns > transfer.query_ns ? grown.last_ns - transfer.query_ns : 0,
                   .whole = whole};
  uint8_t encoded[kMaxPacketInfo];
  const size_t info_len = encode(info, encoded);
  const uint32_t query_len = transfer.query.wire.len;
  const uint32_t first_len = transfer.first.wire.len;
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(query_len + first_len + info_len, event);
  if (room == EventSink::Room::later) return false;
  (whole ? whole_ : unfinished_).add(1);
  if (room == EventSink::Room::never) {
    sink_.drop(Drop::event_too_large, grown.units);
    return true;
  }
  event->kind = EventKind::transaction;
  event->arrival_ns = grown.arrival_ns;
  event->input = transfer.input;
  event->units = grown.units;
  set_leg_origin(*event, transfer.client, transfer.server, true);
  set_leg_message(*event, transfer.query, false, transfer.query_ns, 0);
  set_leg_message(*event, transfer.first, true, transfer.first_ns, query_len);
  event->packet_info = {.off = query_len + first_len, .len = static_cast<uint32_t>(info_len)};
  uint8_t* bytes = event->bytes_start();
  std::memcpy(bytes, transfer.query_kept.data(), query_len);
  std::memcpy(bytes + query_len, transfer.first_kept.data(), first_len);
  std::memcpy(bytes + query_len + first_len, encoded, info_len);
  sink_.commit();
  return true;
}

// Writes those that `ends` picks, as they are.
template <class Ends>
bool Transfers::end_those(Ends&& ends) noexcept {
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    if (!ends(*at)) {
      ++at;
      continue;
    }
    if (!write(*at, at->grown, false)) return false;
    at = under_way_.erase(at);
    show_level();
  }
  return true;
}

bool Transfers::expire(PacketClock& clock) noexcept {
  return end_those([&](const Transfer& transfer) {
    const uint64_t now_ns = clock.of(transfer.input).now_ns;
    return now_ns > transfer.grown.last_ns && now_ns - transfer.grown.last_ns > timeout_ns_;
  });
}

bool Transfers::flush(uint16_t input) noexcept {
  return end_those([&](const Transfer& transfer) { return transfer.input == input; });
}

bool Transfers::flush() noexcept {
  return end_those([](const Transfer&) { return true; });
}

void Transfers::abandon() noexcept {
  sink_.drop(Drop::decode_shutdown, held_units_.get());
  under_way_.clear();
  show_level();
}

bool Transfers::waits(uint16_t input) const noexcept {
  return std::any_of(under_way_.begin(), under_way_.end(),
                     [&](const Transfer& transfer) { return transfer.input == input; });
}

void Transfers::show_level() noexcept {
  uint64_t units = 0;
  for (const Transfer& transfer : under_way_) units += transfer.grown.units;
  held_units_.set(units);
  level_.set(under_way_.size());
}

void Transfers::describe(MetricVisitor& visitor, const Labels& owner) const {
  const auto with_end = [&owner](std::string_view end) {
    Labels labels = owner;
    labels.push_back({"end", std::string(end)});
    return labels;
  };
  visitor.gauge("weir_match_transfers", "Zone transfers under way (match.transfers: whole).", owner,
                static_cast<double>(level_.get()));
  constexpr std::string_view kHelp =
      "Zone transfers that were written. unfinished: without a message for match.timeout, or given up for "
      "another one.";
  visitor.counter("weir_match_transfers_total", kHelp, with_end("whole"), static_cast<double>(whole_.get()));
  visitor.counter("weir_match_transfers_total", kHelp, with_end("unfinished"),
                  static_cast<double>(unfinished_.get()));
}

}  // namespace weir
