// Filters over packets of every link type: what matches a shorter capture of a packet matches the longer one,
// and a tag that was taken off is where it was. Input: the packet; its last four bytes also choose the link
// type, the expression, the tag and where the shorter capture ends.
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/filter/link_filters.h"
#include "dataplane/headers/vlan_tag.h"
#include "tests/fuzz/check.h"

namespace {

using weir::LinkFilters;
using weir::LinkType;
using weir::Packet;

using weir::check;

constexpr const char* kExpressions[] = {
    "port 53",
    "port 53 or (vlan and port 53)",
    "tcp[((tcp[12] & 0xf0) >> 2):2] > 10",
    "ether[ether[42:4]:2] = 7 or ip6[ip6[4:2]] = 1",
    "host 192.0.2.1 or host 2001:db8::1",
    "pppoes and mpls and ip[8] < 5",
};

// A copy of exactly these bytes, so that a read past them is seen.
bool pick(LinkFilters& filters, const Packet& packet) {
  const auto copy = std::make_unique<uint8_t[]>(packet.bytes.size());
  if (!packet.bytes.empty()) std::memcpy(copy.get(), packet.bytes.data(), packet.bytes.size());
  Packet exact = packet;
  exact.bytes = {copy.get(), packet.bytes.size()};
  return filters.pick(exact);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  static std::vector<LinkFilters> filters = [] {
    std::vector<LinkFilters> compiled;
    for (const char* expression : kExpressions) compiled.emplace_back(expression, false);
    return compiled;
  }();
  LinkFilters& asked = filters[data[size - 3] % std::size(kExpressions)];
  const std::span<const uint8_t> bytes(data, size);
  Packet packet{.bytes = bytes,
                .wire_len = static_cast<uint32_t>(size + 100),
                .link = weir::kDecodedLinks[data[size - 1] % weir::kDecodedLinks.size()]};
  if ((data[size - 2] & 1U) != 0) packet.vlan = static_cast<uint16_t>(data[size - 2] * 256U + data[size - 3]);
  const bool whole = pick(asked, packet);

  std::vector<uint8_t> buffer;
  const Packet tagged = with_tag(packet, buffer);
  check(pick(asked, tagged) == whole);
  if (tagged.bytes.data() != packet.bytes.data()) {
    check(tagged.bytes.size() == size + 4 && tagged.wire_len == packet.wire_len + 4);
    check(std::memcmp(tagged.bytes.data(), data, 12) == 0);
    check(std::memcmp(tagged.bytes.data() + 16, data + 12, size - 12) == 0);
  }

  // The family of LinkType::null is looked at to find its byte order.
  const size_t cut = (data[size - 2] * 256U + data[size - 4]) % size;
  if (packet.link == LinkType::null && cut < 4) return 0;
  packet.bytes = bytes.first(cut);
  // A tag has no place in less than two addresses.
  if (packet.vlan && cut < 12) return 0;
  check(!pick(asked, packet) || whole);
  return 0;
}
