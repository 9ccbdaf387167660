#include "decoder/dnstap.h"

#include "core/clock.h"
#include "decoder/dns_message.h"
#include "decoder/protobuf_reader.h"

namespace weir {
namespace {

constexpr int32_t kDnstapMessage = 1;  // Dnstap.Type

constexpr uint32_t varint_field(uint32_t number) { return number << 3U; }
constexpr uint32_t bytes_field(uint32_t number) { return number << 3U | 2U; }
constexpr uint32_t fixed32_field(uint32_t number) { return number << 3U | 5U; }

struct Time {
  uint64_t sec = 0;
  uint32_t nsec = 0;
  bool present = false;  // the seconds are; without nanoseconds these are 0

  // false: absent, or not to be had in 64 bits; `out` stays.
  [[nodiscard]] bool to_ns(uint64_t& out) const noexcept {
    uint64_t ns = 0;
    if (!present || __builtin_mul_overflow(sec, kNsPerSec, &ns) || __builtin_add_overflow(ns, nsec, &ns)) {
      return false;
    }
    out = ns;
    return true;
  }
};

// The last value of a field counts, and a message that comes again is merged into the first: so all writes go
// to the same place in the order of the bytes, and what depends on several fields is done at the end.
class DnstapWalk {
 public:
  DnstapWalk(const uint8_t* start, Event& event) noexcept : start_(start), event_(event) {}

  bool dnstap(std::span<const uint8_t> payload) noexcept;
  DnstapResult finish() noexcept;

 private:
  using Bytes = std::span<const uint8_t>;

  bool message(Bytes bytes) noexcept;
  bool policy(Bytes bytes) noexcept;

  static bool read_int32(ProtobufReader& reader, int32_t& out, bool& present) noexcept {
    uint64_t value = 0;
    if (!reader.varint(value)) return false;
    out = static_cast<int32_t>(value);
    present = true;
    return true;
  }
  static bool read_port(ProtobufReader& reader, Endpoint& out) noexcept {
    uint64_t value = 0;
    if (!reader.varint(value)) return false;
    out.port = static_cast<uint32_t>(value);
    out.has_port = true;
    return true;
  }
  static bool read_addr(ProtobufReader& reader, Endpoint& out) noexcept {
    Bytes value;
    if (!reader.bytes(value)) return false;
    out.addr = IpAddr::from_wire(value);
    return true;
  }
  static bool read_sec(ProtobufReader& reader, Time& out) noexcept {
    out.present = true;
    return reader.varint(out.sec);
  }
  bool read_span(ProtobufReader& reader, Span& out) const noexcept {
    Bytes value;
    if (!reader.bytes(value)) return false;
    out = {.off = static_cast<uint32_t>(value.data() - start_), .len = static_cast<uint32_t>(value.size())};
    return true;
  }
  void walk_dns(DnsMessage& dns) const noexcept {
    if (!dns.wire.present()) return;
    dns.wire_len = dns.wire.len;
    walk_dns_message({start_ + dns.wire.off, dns.wire.len}, dns);
  }

  const uint8_t* start_;
  Event& event_;
  Time query_time_;
  Time response_time_;
  int32_t dnstap_type_ = 0;
  bool has_dnstap_type_ = false;
  bool has_message_ = false;
  bool has_message_type_ = false;
};

bool DnstapWalk::dnstap(Bytes payload) noexcept {
  ProtobufReader reader(payload);
  while (!reader.at_end()) {
    uint32_t tag = 0;
    if (!reader.tag(tag)) return false;
    bool sound = false;
    switch (tag) {
      case bytes_field(1):
        sound = read_span(reader, event_.identity);
        break;
      case bytes_field(2):
        sound = read_span(reader, event_.version);
        break;
      case bytes_field(3):
        sound = read_span(reader, event_.extra);
        break;
      case bytes_field(14): {
        Bytes value;
        has_message_ = true;
        sound = reader.bytes(value) && message(value);
        break;
      }
      case varint_field(15):
        sound = read_int32(reader, dnstap_type_, has_dnstap_type_);
        break;
      default:  // a field of a later schema, or of another wire type
        sound = reader.skip(tag, ProtobufReader::kMaxDepth);
    }
    if (!sound) return false;
  }
  return true;
}

bool DnstapWalk::message(Bytes bytes) noexcept {
  ProtobufReader reader(bytes);
  Event& e = event_;
  while (!reader.at_end()) {
    uint32_t tag = 0;
    if (!reader.tag(tag)) return false;
    bool sound = false;
    switch (tag) {
      case varint_field(1):
        sound = read_int32(reader, e.type, has_message_type_);
        break;
      case varint_field(2):
        sound = read_int32(reader, e.family, e.has_family);
        break;
      case varint_field(3):
        sound = read_int32(reader, e.protocol, e.has_protocol);
        break;
      case bytes_field(4):
        sound = read_addr(reader, e.client);
        break;
      case bytes_field(5):
        sound = read_addr(reader, e.server);
        break;
      case varint_field(6):
        sound = read_port(reader, e.client);
        break;
      case varint_field(7):
        sound = read_port(reader, e.server);
        break;
      case varint_field(8):
        sound = read_sec(reader, query_time_);
        break;
      case fixed32_field(9):
        sound = reader.fixed32(query_time_.nsec);
        break;
      case bytes_field(10):
        sound = read_span(reader, e.query.wire);
        break;
      case bytes_field(11):
        sound = read_span(reader, e.query_zone);
        break;
      case varint_field(12):
        sound = read_sec(reader, response_time_);
        break;
      case fixed32_field(13):
        sound = reader.fixed32(response_time_.nsec);
        break;
      case bytes_field(14):
        sound = read_span(reader, e.response.wire);
        break;
      case bytes_field(15): {
        Bytes value;
        sound = reader.bytes(value) && policy(value);
        break;
      }
      case varint_field(16):
        sound = read_int32(reader, e.http_protocol, e.has_http_protocol);
        break;
      default:
        sound = reader.skip(tag, ProtobufReader::kMaxDepth - 1);
    }
    if (!sound) return false;
  }
  return true;
}

bool DnstapWalk::policy(Bytes bytes) noexcept {
  ProtobufReader reader(bytes);
  while (!reader.at_end()) {
    uint32_t tag = 0;
    if (!reader.tag(tag)) return false;
    bool sound = false;
    switch (tag) {
      case bytes_field(1):
        sound = read_span(reader, event_.policy_type);
        break;
      case bytes_field(2):
        sound = read_span(reader, event_.policy_rule);
        break;
      case varint_field(3):
        sound = read_int32(reader, event_.policy_action, event_.has_policy_action);
        break;
      case varint_field(4):
        sound = read_int32(reader, event_.policy_match, event_.has_policy_match);
        break;
      case bytes_field(5):
        sound = read_span(reader, event_.policy_value);
        break;
      default:
        sound = reader.skip(tag, ProtobufReader::kMaxDepth - 2);
    }
    if (!sound) return false;
  }
  return true;
}

DnstapResult DnstapWalk::finish() noexcept {
  if (!has_dnstap_type_ || (has_message_ && !has_message_type_)) return DnstapResult::malformed;
  if (dnstap_type_ != kDnstapMessage) return DnstapResult::not_message;
  if (!has_message_) return DnstapResult::malformed;
  event_.has_query_time = query_time_.to_ns(event_.query_time_ns);
  event_.has_response_time = response_time_.to_ns(event_.response_time_ns);
  walk_dns(event_.query);
  walk_dns(event_.response);
  return DnstapResult::ok;
}

}  // namespace

DnstapResult walk_dnstap(std::span<const uint8_t> payload, Event& event) noexcept {
  DnstapWalk walk(payload.data(), event);
  return walk.dnstap(payload) ? walk.finish() : DnstapResult::malformed;
}

}  // namespace weir
