// Records of an output `kafka`, as a damaged spool may have them: cut into messages they stay within their
// bytes, and are used up whole.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporters/kafka/kafka_records.h"
#include "tests/fuzz/check.h"

namespace {

bool lies_within(std::string_view part, std::string_view whole) {
  return part.data() == nullptr ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const weir::KafkaBatchLimits limits{.events = 1U + data[0] % 8U, .bytes = data[0]};
  std::string_view records(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!records.empty()) {
    const weir::KafkaMessage message = weir::next_kafka_message(records, limits);
    weir::check(message.bytes != 0 && message.bytes <= records.size());
    const std::string_view taken = records.substr(0, message.bytes);
    weir::check(lies_within(message.key, taken) && lies_within(message.value, taken));
    size_t events = 0;
    for (size_t at = 0; at < taken.size(); ++events) {
      at += weir::kafka_record_bytes(records.substr(at));
      weir::check(at <= taken.size());
    }
    weir::check(events <= limits.events);
    records.remove_prefix(message.bytes);
  }
  return 0;
}
