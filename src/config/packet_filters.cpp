#include "src/config/packet_filters.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "dataplane/filter/link_filters.h"
#include "src/config/config_check.h"

namespace weir {
namespace {

// What packets of files may begin with, the usual first.
constexpr auto kFiles = [] {
  auto links = kDecodedLinks;
  std::swap(links.front(), *std::find(links.begin(), links.end(), LinkType::ethernet));
  return links;
}();

std::span<const LinkType> links_of(const InputConfig& input) {
  const auto* mirror = std::get_if<MirrorOptions>(&input);
  if (mirror == nullptr) return kFiles;
  const std::span<const LinkType> live = LinkFilters::kLive;
  return mirror->interface.empty() ? live.first(1) : live;
}

// Of all inputs that read packets: each of these sets holds the shorter ones.
std::span<const LinkType> links_of(const std::vector<InputConfig>& inputs) {
  std::span<const LinkType> all;
  for (const InputConfig& input : inputs)
    if (packet_options(input) != nullptr && links_of(input).size() > all.size()) all = links_of(input);
  return all;
}

}  // namespace

Status check_packet_filters(const Config& config) {
  std::string faults;
  const auto check = [&faults](const std::string& path, const std::string& filter,
                               std::span<const LinkType> links) {
    if (filter.empty()) return;
    if (Status sound = LinkFilters::check(filter, links); !sound)
      faults += (faults.empty() ? "" : "\n") + path + ".filter: " + sound.error().message;
  };
  for (size_t i = 0; i < config.inputs.size(); ++i)
    if (const PacketOptions* packets = packet_options(config.inputs[i]))
      check(input_path(config, i), packets->filter, links_of(config.inputs[i]));
  for (size_t i = 0; i < config.outputs.size(); ++i)
    if (const auto* pcap = std::get_if<PcapOptions>(&config.outputs[i]))
      check(output_path(config, i), pcap->filter, links_of(config.inputs));
  if (faults.empty()) return Ok{};
  return Error{faults};
}

}  // namespace weir
