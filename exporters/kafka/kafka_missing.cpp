// In place of the part `kafka`, where the build leaves it out.
#include "exporters/outputs.h"

namespace weir {

OptionalPart kafka_part() { return {.name = KafkaOptions::kKind, .with = {}}; }

Status check_output(const KafkaOptions& options) {
  return Error{
      options.name +
      ": this build of weir has no kafka; build it with librdkafka-dev and libpsl-dev and meson's option "
      "-Dkafka=enabled, or remove the output"};
}

Result<Outputs> open_output(const KafkaOptions& options, const OutputContext& /*context*/) {
  return check_output(options).error();
}

}  // namespace weir
