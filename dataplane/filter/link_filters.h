// LinkFilters: an input's filter for the link types that its packets have, each compiled for itself. Owner:
// PacketIntake; ingest lcore. check() is for the control thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "dataplane/filter/packet_filter.h"
#include "dataplane/packet_headers.h"

namespace weir {

class LinkFilters {
 public:
  // An interface's packets have one of these, a port's the first.
  static constexpr std::array kLive = {LinkType::ethernet, LinkType::raw};

  // Whether the expression means something for one of the link types; an Error is about the first. Names of
  // hosts are looked up.
  static Status check(const std::string& expression, std::span<const LinkType> links);

  // expression: checked; empty: every packet is picked. live: those of kLive are compiled now. Others are, in
  // some 50 µs, when their first packet comes.
  LinkFilters(std::string expression, bool live);

  // Packets of link types that are not decoded are picked too: what becomes of them is not the filter's.
  [[nodiscard]] bool pick(const Packet& packet) noexcept { return expression_.empty() || ask(packet); }
  // Packets of a link type came for which the expression means nothing, so that none was picked: what follows
  // a file's name in a sentence. Empty: none did.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  struct Link {
    bool tried = false;
    std::optional<PacketFilter> filter;
    std::string fault;
  };

  bool ask(const Packet& packet) noexcept;
  Link* link_of(const Packet& packet) noexcept;
  void compile(Link& link, LinkType type);

  std::string expression_;
  std::array<Link, kDecodedLinks.size()> links_;
  std::vector<uint8_t> tagged_;
  std::string fault_;
};

}  // namespace weir
