// Attack: the packets of one kind of flood on a resolver, to be mixed with good traffic. Used by the packet
// load.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "src/generate/message_writer.h"
#include "src/generate/packet_builder.h"
#include "src/generate/random.h"

namespace weir {

enum class AttackKind : uint8_t {
  none,
  random_subdomains,  // queries for names that are not there, from sources that are not, either
  fragments,          // first fragments of datagrams whose rest never comes
  syn,                // SYNs from random sources
  amplification,      // large responses that nobody asked for
  compression,        // responses whose names are a pointer each and long when written out
  large_messages,     // 64 KiB of TXT, over TCP connections whose start was not seen
};
// The words of `weir generate --attack`, by AttackKind.
constexpr std::string_view kAttackNames[] = {"none",          "random-subdomains", "fragments",     "syn",
                                             "amplification", "compression",       "large-messages"};

class Attack {
 public:
  Attack(AttackKind kind, uint64_t seed, unsigned vlan) : kind_(kind), vlan_(vlan), random_(seed) {}

  // The next packet, valid until the next call.
  const std::string& next();

 private:
  [[nodiscard]] PacketPath random_path();
  void random_query(std::string& out);
  void large_response(std::string& out);
  void compressed_response(std::string& out);
  void make_segments();

  AttackKind kind_;
  unsigned vlan_;
  Random random_;
  MessageWriter writer_;
  std::string message_;
  std::string packet_;
  std::deque<std::string> segments_;  // of a large message, still to be given
};

}  // namespace weir
