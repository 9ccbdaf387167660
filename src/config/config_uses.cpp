#include "src/config/config_uses.h"

#include <algorithm>
#include <string>
#include <variant>

namespace weir {

void check_uses(const Config& config, std::vector<KeyFault>& faults) {
  if (std::any_of(config.inputs.begin(), config.inputs.end(),
                  [](const InputConfig& input) { return packet_options(input) != nullptr; }))
    return;
  const std::string remedy = "no input reads packets; add one such as mirror, or remove it";
  for (size_t i = 0; i < config.outputs.size(); ++i)
    if (std::holds_alternative<PcapOptions>(config.outputs[i]))
      faults.push_back({output_path(config, i) + ".to", "would stay empty: " + remedy});
  if (config.match.whole_transfers) faults.push_back({"match.whole_transfers", "is of no use: " + remedy});
  if (config.reassembly != ReassemblyOptions{}) faults.push_back({"reassembly", "is of no use: " + remedy});
}

}  // namespace weir
