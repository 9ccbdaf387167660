#include "dataplane/mirror/address_fanout.h"

#include <linux/if_ether.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weir {
namespace {

constexpr auto kNetworkHeader = static_cast<uint32_t>(SKF_NET_OFF);
constexpr auto kProtocol = static_cast<uint32_t>(SKF_AD_OFF) + SKF_AD_PROTOCOL;
constexpr uint32_t kTagBytes = 4;
constexpr uint32_t kMix = 0x9e3779b1;  // Knuth's multiplier: its upper bits depend on all of a word's
// Words of scratch memory.
constexpr uint32_t kSum = 0;
constexpr uint32_t kHeader = 1;  // where IP's header begins, behind kNetworkHeader

sock_filter statement(unsigned code, uint32_t k) { return {static_cast<uint16_t>(code), 0, 0, k}; }
sock_filter jump_unless(uint32_t value, size_t skip) {
  return {static_cast<uint16_t>(BPF_JMP | BPF_JEQ | BPF_K), 0, static_cast<uint8_t>(skip), value};
}

// Returns a value made of all words of both addresses.
std::vector<sock_filter> hash_words(uint32_t first, uint32_t count) {
  std::vector<sock_filter> part = {statement(BPF_LD | BPF_IMM, 0), statement(BPF_ST, kSum)};
  for (uint32_t word = 0; word < count; ++word) {
    part.push_back(statement(BPF_LDX | BPF_MEM, kHeader));
    part.push_back(statement(BPF_LD | BPF_W | BPF_IND, kNetworkHeader + first + 4 * word));
    part.push_back(statement(BPF_LDX | BPF_MEM, kSum));
    part.push_back(statement(BPF_ALU | BPF_XOR | BPF_X, 0));
    part.push_back(statement(BPF_ST, kSum));
  }
  part.push_back(statement(BPF_ALU | BPF_MUL | BPF_K, kMix));
  part.push_back(statement(BPF_ALU | BPF_RSH | BPF_K, 16));
  part.push_back(statement(BPF_RET | BPF_A, 0));
  return part;
}

}  // namespace

std::vector<sock_filter> address_fanout() {
  constexpr uint32_t kV4Source = 12;
  constexpr uint32_t kV6Source = 8;
  // A: the ethertype, X: where its payload begins.
  std::vector<sock_filter> program = {
      statement(BPF_LDX | BPF_IMM, 0),
      statement(BPF_LD | BPF_W | BPF_ABS, kProtocol),
      jump_unless(ETH_P_8021Q, 2),
      statement(BPF_LDX | BPF_IMM, kTagBytes),
      statement(BPF_LD | BPF_H | BPF_ABS, kNetworkHeader + 2),
      statement(BPF_STX, kHeader),
  };
  for (const auto& [ethertype, part] :
       {std::pair{ETH_P_IP, hash_words(kV4Source, 2)}, std::pair{ETH_P_IPV6, hash_words(kV6Source, 8)}}) {
    program.push_back(jump_unless(ethertype, part.size()));
    program.insert(program.end(), part.begin(), part.end());
  }
  program.push_back(statement(BPF_RET | BPF_K, 0));
  return program;
}

}  // namespace weir
