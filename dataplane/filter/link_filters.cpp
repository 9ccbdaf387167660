#include "dataplane/filter/link_filters.h"

#include <algorithm>
#include <utility>

#include "core/dns/wire_reader.h"
#include "dataplane/headers/vlan_tag.h"

namespace weir {
namespace {

constexpr size_t kLongestLive = 64U << 10U;
constexpr size_t kTag = 4;

}  // namespace

Status LinkFilters::check(const std::string& expression, std::span<const LinkType> links) {
  std::string fault;
  for (const LinkType link : links) {
    const auto filter = compiled_filter(expression, link);
    if (filter && !(*filter)->never_matches()) return Ok{};
    if (!fault.empty()) continue;
    fault = filter ? "'" + expression + "' can match no packet; pcap-filter(7) tells how to write one"
                   : filter.error().message;
  }
  return Error{fault};
}

LinkFilters::LinkFilters(std::string expression, bool live) : expression_(std::move(expression)) {
  if (!expression_.empty() && live) tagged_.resize(kLongestLive + kTag);
}

void LinkFilters::compile_for(std::span<const LinkType> links) {
  if (expression_.empty()) return;
  for (const LinkType type : links) (void)link_of({.bytes = {}, .link = type});
}

// libpcap has no link type for LinkType::null in the other byte order: a file's header tells it. In network
// order it is LinkType::loop.
LinkFilters::Link* LinkFilters::link_of(const Packet& packet) noexcept {
  constexpr uint32_t kLargestFamily = 0xffff;
  const bool network_order = packet.link == LinkType::null && packet.bytes.size() >= 4 &&
                             load_be32(packet.bytes.data()) <= kLargestFamily;
  const LinkType type = network_order ? LinkType::loop : packet.link;
  const auto* found = std::find(kDecodedLinks.begin(), kDecodedLinks.end(), type);
  if (found == kDecodedLinks.end()) return nullptr;
  Link& link = links_[static_cast<size_t>(found - kDecodedLinks.begin())];
  if (!link.tried) compile(link, type);
  return &link;
}

void LinkFilters::compile(Link& link, LinkType type) {
  link.tried = true;
  auto filter = compiled_filter(expression_, type);
  if (filter) {
    link.filter = std::move(*filter);
  } else {
    link.fault = filter.error().message;
  }
}

bool LinkFilters::ask(const Packet& packet) noexcept {
  Link* link = link_of(packet);
  if (link == nullptr) return true;
  if (!link->filter) {
    if (fault_.empty()) fault_ = "has packets that the filter cannot be asked about: " + link->fault;
    return false;
  }
  const Packet whole = with_tag(packet, tagged_);
  return link->filter->matches(whole.bytes, whole.wire_len);
}

}  // namespace weir
