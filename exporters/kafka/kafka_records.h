// The records that an output `kafka` makes, keeps and spools, and how they are cut into messages. Pure
// functions on bytes; the format writes them on its export lcore, the sink reads them there. A record is a
// line, or has a head:
//
//   record = line / head key line        line = text that ends with '\n', of which it has no other
//   head   = 0x01, 1 byte of 0, 2 bytes input, 2 bytes length of the key, 2 bytes of 0, 4 bytes length of the
//   line,
//            in the machine's order; input: index of the event's input, 0xffff: not said
//
// No line begins with 0x01, so that each record says itself what it is: a spool may hold both after a change
// of the configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

inline constexpr size_t kKafkaHeadBytes = 12;
inline constexpr size_t kMaxKafkaKeyBytes = 1024;
inline constexpr uint16_t kNoKafkaInput = 0xffff;

// Writes a head of kKafkaHeadBytes.
void write_kafka_head(char* out, uint16_t input, size_t key_len, size_t line_len) noexcept;

// One message, as a view of the records that it is made of.
struct KafkaMessage {
  std::string_view key;    // data() == nullptr: none
  std::string_view value;  // lines, with '\n' between them, none at the end
  uint16_t input = kNoKafkaInput;
  size_t bytes = 0;  // of the records
};

struct KafkaBatchLimits {
  size_t events = 1;
  size_t bytes = 0;  // of a value of more than one line
};

// Precondition: records are whole, and there is one. A record with a head is a message of its own.
KafkaMessage next_kafka_message(std::string_view records, const KafkaBatchLimits& limits) noexcept;
// The length of the first record.
size_t kafka_record_bytes(std::string_view records) noexcept;

}  // namespace weir
