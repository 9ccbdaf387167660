// dnstap messages for tests: told as values, taken as frames.
#pragma once

#include <cstdint>
#include <string>

#include "core/event.h"
#include "core/frame.h"

namespace weir {

// What a server tells of a query or a response. Names are in the usual text without escapes.
struct Told {
  int32_t type = 5;       // Message.Type: CLIENT_QUERY
  uint64_t us = 0;        // from kStart on: query_time of an odd type, response_time of an even one
  int64_t asked_us = -1;  // a response's query_time; -1: none
  uint16_t id = 1;
  std::string qname = "www.example";
  uint16_t qtype = 1;
  std::string client = "192.0.2.1";  // empty: absent, with its port
  uint32_t client_port = 40000;
  std::string server = "198.51.100.53";  // empty: absent, with its port
  uint32_t server_port = 53;
  int32_t protocol = 1;  // 0: absent
  std::string identity = "ns";
  bool times = true;
  bool question = true;
  bool payload = true;
  bool with_query = false;  // a response that has the query's message, too
  std::string rest = {};    // behind the question
  uint16_t input = 0;
  bool live = false;
  uint64_t arrival_us = 0;  // on the monotonic clock
};

std::string payload_of(const Told& told);
Frame head_of(const Told& told);

// "CLIENT_RESPONSE 192.0.2.1:40000 198.51.100.53:53 1 www.example q0 r1500 +q +r u2": type, ends, id, QNAME,
// times in microseconds, messages that are there, units if not 1.
std::string to_dnstap_line(const Event& event);

}  // namespace weir
