#include "src/config/config_check.h"

#include <set>
#include <variant>

#include "src/config/config_conflicts.h"
#include "src/config/config_uses.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

struct InputKind {
  std::string_view operator()(const DnstapInputOptions& /*input*/) const { return "dnstap"; }
  std::string_view operator()(const MirrorOptions& /*input*/) const { return "mirror"; }
  std::string_view operator()(const FileOptions& /*input*/) const { return "file"; }
  std::string_view operator()(const DirectoryOptions& /*input*/) const { return "directory"; }
};

template <class Item>
std::string& name_of(Item& item) {
  return std::visit([](auto& options) -> std::string& { return options.name; }, item);
}

template <class Items>
void number_names_of(Items& items) {
  std::set<std::string> used;
  for (auto& item : items) {
    std::string& name = name_of(item);
    const std::string base = name;
    for (unsigned n = 2; !used.insert(name).second; ++n) name = base + "-" + std::to_string(n);
  }
}

}  // namespace

Faults check_input(const InputConfig& input) {
  return std::visit([](const auto& options) { return check(options); }, input);
}

Faults check_output(const OutputConfig& output) {
  return std::visit([](const auto& options) { return check(options); }, output);
}

Faults check_all(const Config& config, ConfigPart part) {
  Faults faults;
  const auto add = [&](const std::string& path, const Faults& found) {
    for (const KeyFault& fault : found) faults.push_back({path + "." + fault.key, fault.message});
  };
  for (size_t i = 0; i < config.inputs.size(); ++i) add(input_path(config, i), check_input(config.inputs[i]));
  for (size_t i = 0; i < config.outputs.size(); ++i)
    add(output_path(config, i), check_output(config.outputs[i]));
  check_conflicts(config, faults);
  if (part == ConfigPart::some) return faults;
  if (config.inputs.empty())
    faults.push_back({"inputs",
                      "there are none; expected at least one, such as - dnstap: { listen: "
                      "\"tcp://127.0.0.1:6000\" }"});
  if (config.outputs.empty())
    faults.push_back({"outputs",
                      "there are none; expected at least one, such as - json: { to: "
                      "\"file:///var/log/weir/dns.jsonl\" }"});
  if (!config.inputs.empty()) check_uses(config, faults);
  return faults;
}

void number_names(Config& config) {
  number_names_of(config.inputs);
  number_names_of(config.outputs);
}

std::string input_path(const Config& config, size_t index) {
  return "inputs[" + std::to_string(index) + "]." +
         std::string(std::visit(InputKind{}, config.inputs[index]));
}

std::string output_path(const Config& config, size_t index) {
  return "outputs[" + std::to_string(index) + "]." +
         std::string(std::visit([](const auto& output) { return output.kKind; }, config.outputs[index]));
}

}  // namespace weir
