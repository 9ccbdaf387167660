// Traffic: one DNS transaction after the other, as an ISP's resolver sees them, the same for a seed on every
// machine: names, clients (65 % IPv4), types, 9 % NXDOMAIN, 2 % SERVFAIL, 93 % EDNS, CNAME chains,
// signatures. Used by whatever `weir generate` writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/addr.h"
#include "src/generate/message_writer.h"
#include "src/generate/names.h"
#include "src/generate/random.h"

namespace weir {

struct TrafficOptions {
  uint64_t seed = 1;
  unsigned v6_percent = 35;
  unsigned tcp_percent = 6;
  // QNAMEs start with a label of 'n' and the transaction's number in kNumberDigits digits.
  bool numbered = false;
};

struct Transaction {
  Endpoint client;
  Endpoint server;
  bool tcp = false;
  uint32_t latency_ns = 0;
  std::string query;  // DNS messages
  std::string response;
};

constexpr size_t kNumberDigits = 10;
constexpr uint64_t kNumberLimit = 10'000'000'000;
// Where in a numbered message the digits stand: behind the header, the label's length and its 'n'.
constexpr size_t kNumberAt = 12 + 1 + 1;
void write_number(char* at, uint64_t number) noexcept;

class Traffic {
 public:
  explicit Traffic(const TrafficOptions& options);

  // The next transaction, valid until the next call. `number`: put into the name if numbered.
  const Transaction& next(uint64_t number);

 private:
  struct Edns {
    bool present = false;
    bool do_bit = false;
    bool cookie = false;
    bool ecs = false;
    uint16_t udp_size = 0;
    uint64_t client_cookie = 0;
  };

  void pick_endpoints();
  void pick_name();
  void write_query();
  void write_response();
  void write_answers(uint32_t ttl);
  void write_opt(bool response, bool failed);
  void write_ecs(bool response);

  TrafficOptions options_;
  Random random_;
  NamePool names_;
  std::vector<IpAddr> clients_v4_;
  std::vector<IpAddr> clients_v6_;
  MessageWriter writer_;
  Transaction transaction_;
  Edns edns_;
  std::string qname_;
  std::string other_;
  uint16_t qtype_ = 0;
  uint16_t id_ = 0;
  uint16_t apex_ = 0;  // offset of the zone's name in the messages
};

}  // namespace weir
