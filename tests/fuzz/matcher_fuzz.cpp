// The matcher under hostile traffic over UDP and TCP, zone transfers among it: every unit ends in an event or
// a drop, and neither the seed of the hashes nor a sink that has no room now and then changes any event; no
// packet is compared with more than a few, and no more transfers and messages wait than may. Input: the size
// of the table and whether transfers are whole, then packets (see next()). Aborts where that does not hold.
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "decoder/matcher.h"
#include "tests/fuzz/refusing_sink.h"

namespace {

using namespace weir;

std::string tell(const Event& e) {
  size_t bytes = 0;
  for (const DnsMessage* dns : {&e.query, &e.response}) {
    if (!dns->wire.present()) continue;
    check(dns->wire.off == bytes);
    bytes += dns->wire.len;
  }
  if (e.packet_info.present()) {
    check(e.packet_info.off == bytes);
    bytes += e.packet_info.len;
  }
  check(bytes == e.bytes_len);
  if (e.kind == EventKind::transaction)
    check(e.query.id == e.response.id && !e.query.qr() && e.response.qr());
  return ends_and_times(e);
}

// The levels that have a limit.
class Levels : public MetricVisitor {
 public:
  void counter(std::string_view /*name*/, std::string_view /*help*/, const Labels& /*labels*/,
               double /*value*/) override {}
  void gauge(std::string_view name, std::string_view /*help*/, const Labels& /*labels*/,
             double value) override {
    if (name == "weir_match_transfers") check(value <= Transfers::kMost);
    if (name == "weir_match_entries") entries_ = value;
    if (name == "weir_match_capacity") check(entries_ <= value);
    if (name == "weir_match_store_blocks") blocks_ = value;
    if (name == "weir_match_store_capacity") check(blocks_ <= value);
  }
  void histogram(std::string_view /*name*/, std::string_view /*help*/, const Labels& /*labels*/,
                 const Histogram& /*values*/) override {}

 private:
  double entries_ = 0;
  double blocks_ = 0;
};

// A query for a zone transfer, or a message of its answer: of the zone "a.", by the bits of `what`; the least
// two of `serial` are the SOA's.
std::vector<uint8_t> transfer_message(uint8_t what, uint8_t serial) {
  constexpr uint8_t kAxfr = 252;
  constexpr uint8_t kIxfr = 251;
  constexpr uint8_t kSoa = 6;
  std::vector<uint8_t> wire(12);
  wire[3] = (what & 0x80U) != 0 ? 5 : 0;
  if ((what & 0x40U) == 0) {
    wire[5] = 1;
    wire.insert(wire.end(), {1, 'a', 0, 0, (what & 1U) != 0 ? kIxfr : kAxfr, 0, 1});
  }
  const auto record = [&wire](uint8_t type, std::vector<uint8_t> rdata) {
    ++wire[7];
    wire.insert(wire.end(), {1, 'a', 0, 0, type, 0, 1, 0, 0, 0, 1, 0, static_cast<uint8_t>(rdata.size())});
    wire.insert(wire.end(), rdata.begin(), rdata.end());
  };
  std::vector<uint8_t> soa(22);
  soa[5] = serial & 3U;
  if ((what & 0x10U) != 0) record(kSoa, soa);
  for (unsigned i = 0; i < (what >> 1U & 7U); ++i) record(1, {192, 0, 2, static_cast<uint8_t>(i)});
  if ((what & 0x20U) != 0) record(kSoa, soa);
  return wire;
}

class Packets {
 public:
  explicit Packets(std::span<const uint8_t> input) : left_(input) {}

  // Eight bytes that steer, then as many of payload as they say, or the payload before it, or a message of a
  // zone transfer. Then, as often as they say, the same with another letter in the QNAME, or of a transfer
  // from another port.
  const Frame* next() {
    if (repeats_ != 0) return repeat();
    if (left_.size() < 8) return nullptr;
    const std::span<const uint8_t> steer = left_.first(8);
    left_ = left_.subspan(8);
    const size_t len = std::min<size_t>(left_.size(), steer[0]);
    std::vector<uint8_t> wire(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(len));
    left_ = left_.subspan(len);
    if (len == 0 && (steer[1] & 1U) != 0) wire = last_;
    const bool tcp = (steer[1] & 0x20U) != 0;
    of_transfer_ = tcp && (steer[1] & 0x40U) != 0;
    if (of_transfer_) wire = transfer_message(steer[7], steer[6]);
    if (wire.size() >= 3) {
      wire[0] = 0;
      wire[1] = steer[2] & 1U;
      wire[2] = static_cast<uint8_t>((wire[2] & 0x7fU) | (steer[2] & 0x80U));
    }
    last_ = wire;
    if (!of_transfer_ && (steer[1] & 2U) != 0) wire.insert(wire.end(), size_t{steer[3]} * 8, 'x');
    const uint64_t step = uint64_t{steer[4]} * steer[5] * 1'000'000;
    time_ns_ = (steer[1] & 4U) != 0 ? time_ns_ - std::min(time_ns_, step) : time_ns_ + step;
    memory_.assign((sizeof(Frame) + wire.size() + 7) / 8, 0);
    auto* frame = new (memory_.data()) Frame;
    frame->kind = tcp ? FrameKind::dns_tcp : FrameKind::dns_udp;
    frame->payload_len = static_cast<uint32_t>(wire.size());
    frame->wire_len = frame->payload_len + (steer[1] >> 3U & 1U);
    frame->cut = frame->wire_len != frame->payload_len;
    frame->input = steer[1] >> 4U & 1U;
    frame->time_ns = time_ns_;
    const uint8_t addr[4] = {192, 0, 2, 1};
    frame->src = frame->dst = {IpAddr::v4(addr), true, 53};
    to_client_ = (steer[2] & 0x80U) != 0;
    client(*frame).port = static_cast<uint16_t>(40'000 + (of_transfer_ ? steer[3] : steer[2] >> 1U & 1U));
    if (!wire.empty()) std::memcpy(frame->payload_start(), wire.data(), wire.size());
    if (wire.size() > kFirstLetter) repeats_ = steer[6] % 64U;
    return frame;
  }

 private:
  static constexpr size_t kFirstLetter = 13;

  const Frame* repeat() {
    auto* frame = reinterpret_cast<Frame*>(memory_.data());
    if (of_transfer_) {
      ++client(*frame).port;
    } else {
      ++frame->payload_start()[kFirstLetter];
    }
    --repeats_;
    return frame;
  }

  [[nodiscard]] Endpoint& client(Frame& frame) const { return to_client_ ? frame.dst : frame.src; }

  std::span<const uint8_t> left_;
  bool of_transfer_ = false;
  bool to_client_ = false;
  uint64_t time_ns_ = 1'000'000'000'000;
  std::vector<uint8_t> last_;
  unsigned repeats_ = 0;
  std::vector<uint64_t> memory_;
};

void run(std::span<const uint8_t> input, uint64_t seed, RefusingSink& kept) {
  Matcher matcher({.table_entries = input[0] % 64U + 1U, .whole_transfers = (input[0] & 0x40U) != 0}, kept,
                  seed);
  Packets packets(input.subspan(1));
  uint64_t packets_taken = 0;
  constexpr uint64_t kLook = 32;
  const auto look = [&matcher] {
    Levels levels;
    matcher.describe(levels, {});
  };
  while (const Frame* frame = packets.next()) {
    for (bool taken = false; !taken;) {
      const uint64_t before = matcher.compared();
      taken = matcher.take(*frame);
      check(matcher.compared() - before <= Matcher::kMaxCompared);
    }
    ++packets_taken;
    check(packets_taken == kept.units + kept.dropped + matcher.held_units());
    if (packets_taken % kLook == 0) look();
  }
  look();
  while (!matcher.flush()) {
  }
  check(matcher.held_units() == 0 && packets_taken == kept.units + kept.dropped);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  RefusingSink straight(tell, 0);
  RefusingSink refused(tell, 3);
  run({data, size}, 1, straight);
  run({data, size}, 2, refused);
  check(straight.events == refused.events && straight.dropped == refused.dropped);
  return 0;
}
