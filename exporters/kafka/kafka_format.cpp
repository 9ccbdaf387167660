#include "exporters/kafka/kafka_format.h"

#include <array>
#include <cstring>

#include "core/dns/name.h"

namespace weir {

static_assert(kMaxNameText <= kMaxKafkaKeyBytes);

char* KafkaFormat::write(const Event& event, uint64_t seq, char* out) noexcept {
  if (key_ == KafkaKey::none && !names_input_) return lines_->write(event, seq, out);
  char* key = out + kKafkaHeadBytes;
  const size_t key_len = write_key(event, key);
  char* line = key + key_len;
  char* end = lines_->write(event, seq, line);
  if (end == line) return out;
  write_kafka_head(out, names_input_ ? event.input : kNoKafkaInput, key_len, static_cast<size_t>(end - line));
  return end;
}

size_t KafkaFormat::write_key(const Event& event, char* out) const noexcept {
  switch (key_) {
    case KafkaKey::none:
      return 0;
    case KafkaKey::client:
      return static_cast<size_t>(write_addr(out, event.client.addr) - out);
    case KafkaKey::qname:
    case KafkaKey::domain:
      return write_name_key(event, out);
  }
  return 0;
}

// Lower case, so that resolvers that mix it (0x20) do not spread a name over partitions.
size_t KafkaFormat::write_name_key(const Event& event, char* out) const noexcept {
  const DnsMessage& message = event.having(&DnsMessage::has_question);
  if (!message.has_question) return 0;
  const auto wire = event.bytes(message.wire);
  std::array<uint8_t, kMaxNameWire> folded;
  if (message.qname_len > folded.size() || kDnsHeaderLen + message.qname_len > wire.size()) return 0;
  fold_name(wire.subspan(kDnsHeaderLen, message.qname_len), folded.data());
  std::array<char, kNameTextRoom> text;
  TextWriter writer{.out = text.data()};
  write_name(writer, {folded.data(), message.qname_len}, 0);
  auto len = static_cast<size_t>(writer.out - text.data());
  if (len == 0) return 0;
  if (len > 1) --len;  // the dot at the end
  text[len] = '\0';
  const char* key = key_ == KafkaKey::domain ? domains_->of(text.data()) : text.data();
  len -= static_cast<size_t>(key - text.data());
  std::memcpy(out, key, len);
  return len;
}

}  // namespace weir
