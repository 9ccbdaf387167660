#include "exporters/statsd/statsd_counts.h"

#include <array>
#include <string_view>

#include "core/dns/types.h"
#include "exporters/formats/dnstap_names.h"

namespace weir {
namespace {

// Behind dnstap's message types: those of packets.
constexpr int32_t kPacketTypes = static_cast<int32_t>(kMessageTypes.size());

std::string_view type_of_event(int32_t number) {
  constexpr std::array<std::string_view, 3> kPackets = {"TRANSACTION", "QUERY", "RESPONSE"};
  if (number <= kPacketTypes) return name_of_number(kMessageTypes, number);
  return kPackets[static_cast<size_t>(number - kPacketTypes - 1)];
}

struct LatencyBucket {
  uint64_t upper_us;
  std::string_view name;
};
constexpr std::array<LatencyBucket, 13> kLatencyBuckets = {{{1'000, "to_1ms"},
                                                            {2'000, "to_2ms"},
                                                            {5'000, "to_5ms"},
                                                            {10'000, "to_10ms"},
                                                            {20'000, "to_20ms"},
                                                            {50'000, "to_50ms"},
                                                            {100'000, "to_100ms"},
                                                            {200'000, "to_200ms"},
                                                            {500'000, "to_500ms"},
                                                            {1'000'000, "to_1s"},
                                                            {2'000'000, "to_2s"},
                                                            {5'000'000, "to_5s"},
                                                            {UINT64_MAX, "above_5s"}}};

constexpr int32_t kLastType = 264;
constexpr int32_t kLastRcode = 23;

}  // namespace

template <class Name>
StatsdCounts::Group StatsdCounts::add_group(const std::string& prefix, int32_t first, int32_t last,
                                            Name name) {
  const Group group{.at = names_.size(), .count = static_cast<size_t>(last - first + 1), .first = first};
  for (int32_t number = first; number <= last; ++number) {
    const std::string_view text = name(number);
    names_.push_back(text.empty() ? std::string() : prefix + std::string(text));
  }
  names_.push_back(prefix + "other");
  return group;
}

StatsdCounts::StatsdCounts(const std::string& prefix) {
  const auto single = [&](std::string_view name) {
    names_.push_back(prefix + std::string(name));
    return names_.size() - 1;
  };
  const auto last = [](const auto& names) { return static_cast<int32_t>(names.size()); };
  events_ = single(".events");
  types_ = add_group(prefix + ".type.", 1, kPacketTypes + 3, type_of_event);
  queries_ = add_group(prefix + ".queries.", 0, kLastType,
                       [](int32_t n) { return type_name(static_cast<uint16_t>(n)); });
  responses_ = add_group(prefix + ".responses.", 0, kLastRcode,
                         [](int32_t n) { return rcode_name(static_cast<uint16_t>(n)); });
  transports_ = add_group(prefix + ".transport.", 1, last(kSocketProtocols),
                          [](int32_t n) { return name_of_number(kSocketProtocols, n); });
  families_ = add_group(prefix + ".family.", 1, last(kSocketFamilies),
                        [](int32_t n) { return name_of_number(kSocketFamilies, n); });
  malformed_ = add_group(prefix + ".malformed.", 1, static_cast<int32_t>(Malformed::count_) - 1,
                         [](int32_t n) { return to_string(static_cast<Malformed>(n)); });
  latency_count_ = single(".latency.count");
  latency_sum_us_ = single(".latency.sum_us");
  latency_buckets_ = names_.size();
  for (const LatencyBucket& bucket : kLatencyBuckets) single(".latency." + std::string(bucket.name));
  values_.resize(names_.size());
}

void StatsdCounts::add(const Event& event) noexcept {
  ++values_[events_];
  // dnstap's own numbers end before those of packets; what is beyond has no name.
  const int32_t dnstap_type = event.type <= kPacketTypes ? event.type : 0;
  count(types_,
        event.kind == EventKind::dnstap ? dnstap_type : kPacketTypes + static_cast<int32_t>(event.kind));
  if (event.query.has_question) count(queries_, event.query.qtype);
  if (event.response.has_header) count(responses_, event.response.rcode);
  if (event.has_protocol) count(transports_, event.protocol);
  if (event.has_family) count(families_, event.family);
  const Malformed malformed = event.malformed();
  if (malformed != Malformed::none) count(malformed_, static_cast<int32_t>(malformed));
  if (event.has_query_time && event.has_response_time) count_latency(event);
}

void StatsdCounts::count(const Group& group, int32_t number) noexcept {
  const auto i = static_cast<size_t>(static_cast<int64_t>(number) - group.first);
  const bool named = i < group.count && !names_[group.at + i].empty();
  ++values_[group.at + (named ? i : group.count)];
}

void StatsdCounts::count_latency(const Event& event) noexcept {
  // A response before its query comes from clocks that differ: no latency that could be summed.
  if (event.response_time_ns < event.query_time_ns) return;
  const uint64_t us = (event.response_time_ns - event.query_time_ns) / 1'000;
  ++values_[latency_count_];
  values_[latency_sum_us_] += us;
  size_t bucket = 0;
  while (us > kLatencyBuckets[bucket].upper_us) ++bucket;
  ++values_[latency_buckets_ + bucket];
}

}  // namespace weir
