// JsonFormat on anything: a dnstap payload as the decoder walks it, or, where that fails, the bytes as the
// query, the response and the texts of an event. Every line must be one line of valid JSON and stay in its
// room; the event ends where its heap block ends.
#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "decoder/dns_message.h"
#include "decoder/dnstap.h"
#include "exporters/json/json_format.h"

namespace weir {
namespace {

void walk(std::span<const uint8_t> bytes, DnsMessage& message) {
  if (message.wire.present()) walk_dns_message(bytes.subspan(message.wire.off, message.wire.len), message);
}

// The whole input as everything that an event can hold.
Event event_of_bytes(std::span<const uint8_t> bytes) {
  Event event;
  const auto len = static_cast<uint32_t>(bytes.size());
  const Span all{0, len};
  const Span half{len / 2, len - len / 2};
  event.kind = static_cast<EventKind>(len % 4);
  event.units = static_cast<uint16_t>(len);
  event.identity = event.extra = event.policy_type = half;
  event.version = event.policy_value = all;
  event.query_zone = event.policy_rule = half;
  event.response.wire = all;
  event.query.wire = half;
  return event;
}

void check(JsonFormat& format, const Event& event, char* room) {
  static simdjson::dom::parser parser(2 * kMaxLineBytes);
  const size_t len = static_cast<size_t>(format.write(event, event.units, room) - room);
  if (len < 3 || room[len - 1] != '\n' || std::memchr(room, '\n', len) != room + len - 1) std::abort();
  if (parser.parse(room, len).error() != simdjson::SUCCESS) std::abort();
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  JsonFields fields;
  fields.authority = fields.additional = fields.sequence = true;
  static JsonFormat whole(fields, {"input"}, 0);
  static JsonFormat tight(fields, {"input"}, 0, JsonFormat::kMinLineBytes);
  static const auto whole_room = std::make_unique<char[]>(kMaxLineBytes);
  static const auto tight_room = std::make_unique<char[]>(JsonFormat::kMinLineBytes);

  const std::span<const uint8_t> bytes(data, size);
  Event head;
  if (walk_dnstap(bytes, head) != DnstapResult::ok) head = event_of_bytes(bytes);
  walk(bytes, head.query);
  walk(bytes, head.response);
  head.bytes_len = static_cast<uint32_t>(size);

  const auto memory = std::make_unique<uint8_t[]>(sizeof(Event) + size);
  const auto* event = new (memory.get()) Event(head);
  if (size != 0) std::memcpy(memory.get() + sizeof(Event), data, size);
  check(whole, *event, whole_room.get());
  check(tight, *event, tight_room.get());
  return 0;
}
