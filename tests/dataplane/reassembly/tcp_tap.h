// TcpTap: hands segments to a TcpStreams as a packet input does, keeps the messages, and checks after each
// step that every segment is in a message, in a drop counter, or held. For tests and the fuzz target.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/reassembly/tcp_streams.h"

namespace weir::tcp {

constexpr uint8_t kFin = 1;
constexpr uint8_t kSyn = 2;
constexpr uint8_t kRst = 4;
constexpr uint8_t kAck = 16;
constexpr uint64_t kSecond = 1'000'000'000;

inline Endpoint endpoint(uint8_t host, uint32_t port) {
  const uint8_t addr[4] = {192, 0, 2, host};
  return {IpAddr::v4(addr), true, port};
}

// A query of exactly `len` bytes, at least 17; `fill` tells it from others.
inline std::string query(size_t len, char fill) {
  std::string name;
  for (size_t left = len - 17; left != 0;) {  // labels of 1 to 63 bytes, each behind its length
    if (left == 1 || name.size() + left > 250) break;
    const size_t label = std::min<size_t>(left - 1, left - 1 == 64 ? 62 : 63);
    name += static_cast<char>(label) + std::string(label, fill);
    left -= label + 1;
  }
  std::string wire{fill, fill, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  wire += name + std::string{0, 0, 1, 0, 1};
  return wire + std::string(len - wire.size(), fill);
}

// As in a stream: behind its length.
inline std::string framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size() & 0xffU)} +
         message;
}

struct Seg {
  uint32_t seq = 0;
  std::string payload = {};
  uint8_t flags = kAck;
  uint32_t ack = 0;
  size_t cut = 0;  // bytes that the capture cut off
};

struct Got {
  std::string bytes;
  uint32_t wire_len = 0;
  uint32_t units = 0;
  uint64_t time_ns = 0;
  uint64_t setup_ns = 0;
  bool has_setup = false;
  Endpoint src;
  bool operator==(const Got&) const = default;
};

// The values by name, summed over their labels.
class Shown : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view, const Labels&, double value) override {
    values[std::string(name)] += value;
  }
  void gauge(std::string_view name, std::string_view, const Labels&, double value) override {
    values[std::string(name)] += value;
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
  std::map<std::string, double> values;
};

class TcpTap {
 public:
  explicit TcpTap(const TcpOptions& options = {}, uint64_t seed = 1) : streams_(options, seed) {}

  void client(const Seg& seg) { take(endpoint(1, 40'000), endpoint(53, 53), seg); }
  void server(const Seg& seg) { take(endpoint(53, 53), endpoint(1, 40'000), seg); }
  // The bytes are those of a heap block of their size, so that ASan sees a read past them.
  void take(const Endpoint& src, const Endpoint& dst, const Seg& seg) {
    const auto copy = std::make_unique<uint8_t[]>(seg.payload.size());
    std::memcpy(copy.get(), seg.payload.data(), seg.payload.size());
    Segment segment{src, dst, 7, seg.seq, seg.ack, seg.flags, {}, 0};
    segment.payload = {copy.get(), seg.payload.size() - seg.cut};
    segment.wire_len = static_cast<uint32_t>(seg.payload.size());
    ++taken_;
    streams_.take(segment, time_ns, drops_);
    drain();
  }
  void flush() {
    while (streams_.flush(drops_)) drain();
    check();
  }

  [[nodiscard]] uint64_t drops(Drop drop) const { return drops_.get(drop); }
  [[nodiscard]] uint64_t dropped() const { return drops_.total(StageKind::ingest); }
  [[nodiscard]] uint64_t held() const { return streams_.held_units(); }
  [[nodiscard]] bool balanced() const { return balanced_; }
  // What describe() shows.
  [[nodiscard]] std::map<std::string, double> shown() const {
    Shown shown;
    streams_.describe(shown, {});
    return shown.values;
  }
  [[nodiscard]] double value(const std::string& metric) const { return shown().at(metric); }
  // Since the last call.
  std::vector<Got> got() { return std::exchange(got_, {}); }
  std::vector<std::string> messages() {
    std::vector<std::string> bytes;
    for (const Got& got : got()) bytes.push_back(got.bytes);
    return bytes;
  }

  uint64_t time_ns = 100 * kSecond;

 private:
  void drain() {
    check();
    while (const StreamMessage* m = streams_.front()) {
      check();
      got_.push_back({{m->bytes.begin(), m->bytes.end()},
                      m->wire_len,
                      m->units,
                      m->time_ns,
                      m->setup_ns,
                      m->has_setup,
                      m->src});
      balanced_ = balanced_ && m->wire_len >= m->bytes.size() && !m->bytes.empty();
      units_ += m->units;
      streams_.pop();
      check();
    }
  }
  void check() { balanced_ = balanced_ && taken_ == units_ + dropped() + held(); }

  TcpStreams streams_;
  DropCounters drops_;
  std::vector<Got> got_;
  uint64_t taken_ = 0;
  uint64_t units_ = 0;
  bool balanced_ = true;
};

}  // namespace weir::tcp
