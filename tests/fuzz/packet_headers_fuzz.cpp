// Packet headers of every link type, against themselves: what a shorter capture of the same packet gives is
// either packet_cut, or what the longer gives with a shorter payload. Input: the packet; its last four bytes
// also choose the link type, the length on the wire and where the shorter capture ends.
#include <cstring>
#include <memory>

#include "dataplane/packet_headers.h"
#include "tests/fuzz/check.h"

namespace {

using weir::Carried;
using weir::Drop;

struct Found {
  std::optional<Drop> drop;
  Carried datagram;
};

using weir::check;

// A copy of exactly these bytes, so that a read past them is seen.
Found find(std::span<const uint8_t> bytes, uint32_t wire_len, weir::LinkType link) {
  static const weir::HeaderOptions options{.ports = weir::DnsPorts({53, 5353})};
  const auto copy = std::make_unique<uint8_t[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  Found found;
  found.drop = weir::walk_headers({{copy.get(), bytes.size()}, wire_len, link}, options, found.datagram);
  if (found.drop) return found;
  const std::span<const uint8_t> payload = found.datagram.payload;
  const auto at = static_cast<size_t>(payload.data() - copy.get());
  check(at <= bytes.size() && payload.size() <= bytes.size() - at);
  check(found.datagram.wire_len >= payload.size());
  uint8_t info[weir::kMaxPacketInfo];
  check(weir::decode_packet_info({info, weir::encode(found.datagram.info, info)}) == found.datagram.info);
  found.datagram.payload = bytes.subspan(at, payload.size());
  if (found.datagram.kind == Carried::Kind::fragment) return found;
  check(found.datagram.src.port == 53 || found.datagram.dst.port == 53 || found.datagram.src.port == 5353 ||
        found.datagram.dst.port == 5353);
  check(found.datagram.flow == weir::flow_hash(found.datagram.dst, found.datagram.src));
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  constexpr uint16_t kLinks[] = {1, 1, 1, 0, 9, 12, 101, 108, 113, 228, 229, 276, 147};
  const auto link = static_cast<weir::LinkType>(kLinks[data[size - 1] % std::size(kLinks)]);
  const auto wire_len = static_cast<uint32_t>(size + data[size - 2] % 64U * 32U);
  const std::span<const uint8_t> packet(data, size);
  const Found whole = find(packet, wire_len, link);
  const size_t cut = (data[size - 3] * 256U + data[size - 4]) % size;
  const Found part = find(packet.first(cut), wire_len, link);
  if (part.drop == Drop::packet_cut) return 0;
  check(part.drop == whole.drop);
  if (part.drop) return 0;
  check(part.datagram.kind == whole.datagram.kind && part.datagram.info == whole.datagram.info);
  check(part.datagram.src == whole.datagram.src && part.datagram.dst == whole.datagram.dst);
  check(part.datagram.wire_len == whole.datagram.wire_len);
  check(part.datagram.payload.data() == whole.datagram.payload.data());
  check(part.datagram.payload.size() <= whole.datagram.payload.size());
  return 0;
}
