// The configuration reader and the plan on any text: never a crash, never an accepted configuration that
// cannot be planned or refused with a sentence, never a long message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/plan/plan.h"

namespace {

constexpr size_t kLongestMessage = 64U << 10U;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_sentence(const weir::Error& error) {
  require(!error.message.empty() && error.message.size() < kLongestMessage);
}

weir::Machine machine() {
  weir::Machine machine;
  machine.cpus = {0, 1, 2, 3};
  machine.isolated_cpus = {2, 3};
  machine.numa_of_cpu = {0, 0, 0, 0};
  machine.memory_bytes = uint64_t{64} << 30U;
  machine.hugepage_bytes = uint64_t{1} << 30U;
  machine.pci = {{"0000:3b:00.0", "vfio-pci"}};
  return machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = weir::parse_config(text, "weir.yaml");
  if (!config) {
    require_sentence(config.error());
    return 0;
  }
  require(!config->inputs.empty() && !config->outputs.empty());
  const auto plan = weir::make_plan(*config, machine());
  if (!plan) {
    require_sentence(plan.error());
    return 0;
  }
  require(plan->decode >= plan->export_ && plan->export_ >= 1 && plan->ingest >= 1);
  require(plan->lcores.size() == size_t{plan->ingest} + plan->decode + plan->export_);
  for (const auto& at : plan->queues) require(at.ingest < plan->ingest && at.input < config->inputs.size());
  require(!weir::describe_plan(*plan, *config).empty());
  return 0;
}
