// Transfers: zone transfers over TCP that are under way, each to become one event: the query with the first
// response, and how much came behind it. Used by the matcher where the configuration asks for it. Owner: the
// matcher; decode lcore.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/counter.h"
#include "core/metric.h"
#include "decoder/event_sink.h"
#include "decoder/leg.h"
#include "decoder/packet_clock.h"
#include "decoder/transfer_progress.h"

namespace weir {

class Transfers {
 public:
  // Under way at once; one more ends the oldest. Each keeps two messages of up to 64 KiB.
  static constexpr size_t kMost = 64;
  static constexpr size_t kMostBytes = kMost * 2 * (64U << 10U);

  // timeout_ns: without a message for so long, a transfer is written as it is. The sink outlives this.
  Transfers(uint64_t timeout_ns, EventSink& sink) : timeout_ns_(timeout_ns), sink_(sink) {}

  // What a transfer begins with. The query's bytes are followed by its PacketInfo.
  struct Asked {
    const DnsMessage& dns;
    std::vector<uint8_t> kept;
    uint64_t time_ns;
    uint64_t arrival_ns;
    uint32_t units;
  };

  // Each false: the sink has no room, call again with the same.
  // The query's first response.
  [[nodiscard]] bool begin(Asked asked, const Leg& first, uint64_t flow_id) noexcept;
  // The leg belongs to a transfer under way, and was taken: `taken`. A query ends one that has its id.
  [[nodiscard]] bool take(const Leg& leg, uint64_t flow_id, bool& taken) noexcept;
  [[nodiscard]] bool expire(PacketClock& clock) noexcept;
  [[nodiscard]] bool flush(uint16_t input) noexcept;
  [[nodiscard]] bool flush() noexcept;
  // What is under way is counted as Drop::decode_shutdown.
  void abandon() noexcept;

  [[nodiscard]] bool none() const noexcept { return under_way_.empty(); }
  [[nodiscard]] bool waits(uint16_t input) const noexcept;
  // Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept { return held_units_.get(); }
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  // What changes with each message.
  struct Grown {
    TransferProgress progress;
    uint64_t last_ns;
    uint64_t arrival_ns;
    uint32_t units;
  };
  struct Transfer {
    uint64_t flow_id;
    Endpoint client;
    Endpoint server;
    DnsMessage query;
    DnsMessage first;
    std::vector<uint8_t> query_kept;
    std::vector<uint8_t> first_kept;
    uint64_t query_ns;
    uint64_t first_ns;
    uint16_t input;
    Grown grown;
  };

  [[nodiscard]] bool write(const Transfer& transfer, const Grown& grown, bool whole) noexcept;
  template <class Ends>
  [[nodiscard]] bool end_those(Ends&& ends) noexcept;
  void show_level() noexcept;

  uint64_t timeout_ns_;
  EventSink& sink_;
  std::vector<Transfer> under_way_;  // the oldest first
  Counter held_units_;
  Counter level_;
  Counter whole_;
  Counter unfinished_;
};

}  // namespace weir
