// LinkFilters: an input's filter for the link types that its packets have, each compiled for itself. Owner:
// PacketIntake; ingest lcore. check() is for the control thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "dataplane/filter/compiled_filters.h"
#include "dataplane/packet_headers.h"

namespace weir {

class LinkFilters {
 public:
  // An interface's packets have one of these, a port's the first.
  static constexpr std::array kLive = {LinkType::ethernet, LinkType::raw};

  // Whether the expression means something for one of the link types; an Error is about the first. Names of
  // hosts are looked up.
  static Status check(const std::string& expression, std::span<const LinkType> links);

  // expression: checked; empty: every packet is picked. live: packets may lack the VLAN tag that the kernel
  // or the NIC took off. Compiled when a link type's first packet comes, in some 50 µs, or seconds for a
  // thousand hosts; who cannot wait then calls compile_for() before.
  LinkFilters(std::string expression, bool live);
  // Control thread: no packet of these link types waits for libpcap.
  void compile_for(std::span<const LinkType> links);

  // Packets of link types that are not decoded are picked too: what becomes of them is not the filter's.
  [[nodiscard]] bool pick(const Packet& packet) noexcept { return expression_.empty() || ask(packet); }
  // Packets of a link type came for which the expression means nothing, so that none was picked: what follows
  // a file's name in a sentence. Empty: none did.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  struct Link {
    bool tried = false;
    std::shared_ptr<const PacketFilter> filter;
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
