#include "exporters/kafka/kafka_records.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

constexpr char kHeadMark = 0x01;

template <class Number>
Number read_number(std::string_view records, size_t at) noexcept {
  Number number = 0;
  std::memcpy(&number, records.data() + at, sizeof number);
  return number;
}

template <class Number>
void write_number(char* out, size_t at, Number number) noexcept {
  std::memcpy(out + at, &number, sizeof number);
}

bool has_head(std::string_view records) noexcept {
  return records.size() >= kKafkaHeadBytes && records.front() == kHeadMark;
}

size_t line_bytes(std::string_view lines) noexcept {
  const size_t end = lines.find('\n');
  return end == std::string_view::npos ? lines.size() : end + 1;
}

std::string_view without_newline(std::string_view lines) noexcept {
  if (lines.ends_with('\n')) lines.remove_suffix(1);
  return lines;
}

// Lengths of a damaged record do not lead out of the block.
KafkaMessage with_head(std::string_view records) noexcept {
  std::string_view rest = records.substr(kKafkaHeadBytes);
  const auto key_len = std::min<size_t>(read_number<uint16_t>(records, 4), rest.size());
  const std::string_view key = rest.substr(0, key_len);
  rest.remove_prefix(key_len);
  const auto line_len = std::min<size_t>(read_number<uint32_t>(records, 8), rest.size());
  return {.key = key_len == 0 ? std::string_view() : key,
          .value = without_newline(rest.substr(0, line_len)),
          .input = read_number<uint16_t>(records, 2),
          .bytes = kKafkaHeadBytes + key_len + line_len};
}

}  // namespace

void write_kafka_head(char* out, uint16_t input, size_t key_len, size_t line_len) noexcept {
  std::memset(out, 0, kKafkaHeadBytes);
  out[0] = kHeadMark;
  write_number(out, 2, input);
  write_number(out, 4, static_cast<uint16_t>(key_len));
  write_number(out, 8, static_cast<uint32_t>(line_len));
}

KafkaMessage next_kafka_message(std::string_view records, const KafkaBatchLimits& limits) noexcept {
  if (has_head(records)) return with_head(records);
  size_t taken = line_bytes(records);
  for (size_t events = 1; events < limits.events && taken < records.size(); ++events) {
    const std::string_view rest = records.substr(taken);
    if (has_head(rest)) break;
    const size_t line = line_bytes(rest);
    if (taken + line > limits.bytes) break;
    taken += line;
  }
  return {
      .key = {}, .value = without_newline(records.substr(0, taken)), .input = kNoKafkaInput, .bytes = taken};
}

size_t kafka_record_bytes(std::string_view records) noexcept {
  return has_head(records) ? with_head(records).bytes : line_bytes(records);
}

}  // namespace weir
