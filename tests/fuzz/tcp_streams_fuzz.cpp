// TCP segments as the input says. First bytes: the options and what is asked. With both modes the balance of
// units holds after each step, memory stays bounded, and the seed of the hash changes no message.
// Ordered: a stream of messages, sent in segments that overlap and come in any order but are all there: the
// messages are those of a naive reading of the bytes by number. Wild: any flags and numbers.
#include <algorithm>
#include <map>
#include <span>

#include "tests/dataplane/reassembly/tcp_tap.h"
#include "tests/fuzz/check.h"

namespace {

using namespace weir;
using namespace weir::tcp;

class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : left_(bytes) {}
  [[nodiscard]] bool done() const { return left_.empty(); }
  uint8_t u8() {
    if (left_.empty()) return 0;
    const uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  uint32_t u16() { return u8() * 256U + u8(); }
  std::string bytes(size_t len) {
    const auto part = left_.first(std::min(len, left_.size()));
    left_ = left_.subspan(part.size());
    return {part.begin(), part.end()};
  }

 private:
  std::span<const uint8_t> left_;
};

void check_bounds(const TcpTap& tap, bool empty) {
  check(tap.balanced());
  auto shown = tap.shown();
  const double streams = shown["weir_tcp_streams"];
  const double memory = shown["weir_tcp_memory_bytes"];
  check(streams <= shown["weir_tcp_streams_capacity"]);
  check(memory <= shown["weir_tcp_memory_capacity_bytes"]);
  if (empty) check(tap.held() == 0 && streams == 0 && memory == 0);
}

// The messages of a stream whose first byte is `first`: the first bytes that came of each number.
class Naive {
 public:
  explicit Naive(uint32_t first) : next_(first) {}
  std::vector<std::string> take(const Seg& seg) {
    for (size_t i = 0; i < seg.payload.size(); ++i) {
      const uint32_t place = seg.seq + static_cast<uint32_t>(i) - next_;
      if (place < 1U << 30U) bytes_.try_emplace(read_ + place, seg.payload[i]);
    }
    std::vector<std::string> messages;
    while (there() >= 2) {
      const size_t len = static_cast<uint8_t>(bytes_[read_]) * 256U + static_cast<uint8_t>(bytes_[read_ + 1]);
      if (there() < 2 + len) break;
      messages.emplace_back();
      for (size_t i = 0; i < len; ++i) messages.back() += bytes_[read_ + 2 + i];
      bytes_.erase(bytes_.begin(), bytes_.lower_bound(read_ + 2 + len));
      read_ += 2 + len;
      next_ += static_cast<uint32_t>(2 + len);
    }
    return messages;
  }

 private:
  [[nodiscard]] size_t there() const {
    size_t count = 0;
    for (auto it = bytes_.find(read_); it != bytes_.end() && it->first == read_ + count; ++it) ++count;
    return count;
  }
  std::map<uint64_t, char> bytes_;
  uint64_t read_ = 0;  // of the stream
  uint32_t next_;      // the same as a sequence number
};

// Numbers that are asked for are near the next ones; no segment is given up, as time stands still.
void ordered(Input& input) {
  const uint32_t first = 0U - input.u16() % 1024U;
  std::string stream;
  for (unsigned count = input.u8() % 12U; count != 0; --count) {
    const size_t len = 12 + input.u16() % 3000U;
    std::string body = input.bytes(std::min<size_t>(len, 16));
    body.resize(len, static_cast<char>(count));
    stream += framed(body);
  }
  TcpTap tap({.streams = 1}, 1);
  Naive naive(first);
  tap.client({.seq = first - 1, .flags = kSyn});
  const auto send = [&](size_t from, size_t len) {
    Seg seg{.seq = first + static_cast<uint32_t>(from), .payload = stream.substr(from, len)};
    if (seg.payload.empty()) return;
    check(tap.balanced());
    tap.client(seg);
    check(tap.messages() == naive.take(seg));
  };
  while (!input.done() && !stream.empty()) send(input.u16() % stream.size(), 1 + input.u16() % 1500U);
  for (size_t at = 0; at < stream.size(); at += 1460) send(at, 1460);
  check_bounds(tap, false);
  check(tap.held() == 0);
  check(tap.drops(Drop::tcp_no_data) == 1 && tap.dropped() == 1 + tap.drops(Drop::tcp_duplicate));
}

void wild(Input input, TcpTap& tap) {
  uint32_t base[2] = {1000, 5000};
  while (!input.done()) {
    const uint8_t steer = input.u8();
    const unsigned side = steer & 1U;
    Seg seg;
    seg.flags = static_cast<uint8_t>((steer & 2U) != 0 ? kAck : input.u8() & 0x17U);
    const uint8_t jump = input.u8();
    seg.seq = base[side] + jump % 16U * 40U - 80U;
    if (jump > 240) seg.seq += jump * 0x00f0'0000U;
    seg.ack = base[1 - side] + (steer >> 5U) * 100U;
    const uint8_t kind = input.u8();
    if ((steer & 4U) != 0) seg.payload = framed(query(17 + kind, static_cast<char>(kind)));
    if ((steer & 8U) != 0) seg.payload += input.bytes(kind);
    if (kind % 16U == 15U) seg.payload += std::string(kind * 160U, static_cast<char>(jump & 1U));
    if (kind % 8U == 1U) seg.cut = std::min<size_t>(seg.payload.size(), jump);
    if ((steer & 16U) != 0) tap.time_ns += uint64_t{kind} * kind * 1'000'000U;
    if (steer == 255) tap.time_ns -= 50 * kSecond;
    const uint32_t port = 1000U + (steer >> 6U);
    if (jump % 4U != 3U) base[side] = seg.seq + static_cast<uint32_t>(seg.payload.size());
    if (side == 0) {
      tap.take(endpoint(1, port), endpoint(53, 53), seg);
    } else {
      tap.take(endpoint(53, 53), endpoint(1, port), seg);
    }
  }
  check_bounds(tap, false);
  tap.flush();
  check_bounds(tap, true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  Input input({data, size});
  const uint8_t mode = input.u8();
  if ((mode & 1U) != 0) {
    ordered(input);
    return 0;
  }
  TcpOptions options;
  options.streams = 1 + (mode >> 1U) % 4U;
  options.memory = 1;
  options.stream_memory = 1;
  if ((mode & 16U) != 0) options.idle_timeout_ns = 3 * kSecond;
  if ((mode & 32U) != 0) options.gap_timeout_ns = 0;
  TcpTap tap(options, 1);
  TcpTap other(options, 2);
  wild(input, tap);
  wild(input, other);
  check(tap.got() == other.got() && tap.dropped() == other.dropped());
  return 0;
}
