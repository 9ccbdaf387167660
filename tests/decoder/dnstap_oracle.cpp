#include "tests/decoder/dnstap_oracle.h"

#include <google/protobuf/stubs/logging.h>

#include <memory>
#include <sstream>

#include "decoder/dnstap.h"
#include "tests/proto/dnstap_open.pb.h"

namespace weir {
namespace {

// Collects one line a field that is not as libprotobuf has it.
class Comparison {
 public:
  explicit Comparison(std::span<const uint8_t> payload) : payload_(payload) {}

  template <class T, class U>
  void value(const char* name, const T& ours, const U& theirs) {
    if (!(ours == static_cast<T>(theirs))) text_ << name << ": " << ours << ", expected " << theirs << "\n";
  }
  template <class T, class U>
  void optional(const char* name, bool has, T ours, bool should, U theirs) {
    value((std::string("has ") + name).c_str(), has, should);
    if (has && should) value(name, ours, theirs);
  }
  void bytes(const char* name, Span ours, bool should, const std::string& theirs) {
    value((std::string("has ") + name).c_str(), ours.present(), should);
    if (!ours.present() || !should) return;
    if (ours.off > payload_.size() || ours.len > payload_.size() - ours.off) {
      text_ << name << ": outside of the payload\n";
    } else if (std::string(payload_.begin() + ours.off, payload_.begin() + ours.off + ours.len) != theirs) {
      text_ << name << ": other bytes\n";
    }
  }
  void address(const char* name, const IpAddr& ours, const std::string& theirs) {
    const bool should = theirs.size() == 4 || theirs.size() == 16;
    value((std::string("has ") + name).c_str(), ours.present(), should);
    if (should &&
        theirs.compare(0, theirs.size(), reinterpret_cast<const char*>(ours.bytes.data()), ours.len) != 0)
      text_ << name << ": other bytes\n";
  }
  void time(const char* name, bool has, uint64_t ours, bool should, uint64_t sec, uint32_t nsec) {
    const auto wide = static_cast<unsigned __int128>(sec) * 1'000'000'000U + nsec;
    optional(name, has, ours, should && wide <= UINT64_MAX, static_cast<uint64_t>(wide));
  }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::span<const uint8_t> payload_;
  std::ostringstream text_;
};

DnstapResult expected_result(bool parsed, const dnstap_open::Dnstap& dnstap) {
  if (!parsed) return DnstapResult::malformed;
  if (dnstap.type() != 1) return DnstapResult::not_message;
  return dnstap.has_message() ? DnstapResult::ok : DnstapResult::malformed;
}

}  // namespace

std::string differs_from_libprotobuf(std::span<const uint8_t> payload) {
  const google::protobuf::LogSilencer silence;
  dnstap_open::Dnstap theirs;
  const bool parsed = theirs.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
  Event ours;
  const DnstapResult result = walk_dnstap(payload, ours);
  const DnstapResult expected = expected_result(parsed, theirs);
  Comparison c(payload);
  c.value("result", static_cast<int>(result), static_cast<int>(expected));
  if (result != DnstapResult::ok || expected != DnstapResult::ok) return c.text();

  c.bytes("identity", ours.identity, theirs.has_identity(), theirs.identity());
  c.bytes("version", ours.version, theirs.has_version(), theirs.version());
  c.bytes("extra", ours.extra, theirs.has_extra(), theirs.extra());
  const dnstap_open::Message& m = theirs.message();
  c.value("type", ours.type, m.type());
  c.optional("socket_family", ours.has_family, ours.family, m.has_socket_family(), m.socket_family());
  c.optional("socket_protocol", ours.has_protocol, ours.protocol, m.has_socket_protocol(),
             m.socket_protocol());
  c.address("query_address", ours.client.addr, m.query_address());
  c.address("response_address", ours.server.addr, m.response_address());
  c.optional("query_port", ours.client.has_port, ours.client.port, m.has_query_port(), m.query_port());
  c.optional("response_port", ours.server.has_port, ours.server.port, m.has_response_port(),
             m.response_port());
  c.time("query_time", ours.has_query_time, ours.query_time_ns, m.has_query_time_sec(), m.query_time_sec(),
         m.query_time_nsec());
  c.time("response_time", ours.has_response_time, ours.response_time_ns, m.has_response_time_sec(),
         m.response_time_sec(), m.response_time_nsec());
  c.bytes("query_message", ours.query.wire, m.has_query_message(), m.query_message());
  c.bytes("query_zone", ours.query_zone, m.has_query_zone(), m.query_zone());
  c.bytes("response_message", ours.response.wire, m.has_response_message(), m.response_message());
  c.optional("http_protocol", ours.has_http_protocol, ours.http_protocol, m.has_http_protocol(),
             m.http_protocol());
  const dnstap_open::Policy& p = m.policy();
  c.bytes("policy.type", ours.policy_type, p.has_type(), p.type());
  c.bytes("policy.rule", ours.policy_rule, p.has_rule(), p.rule());
  c.optional("policy.action", ours.has_policy_action, ours.policy_action, p.has_action(), p.action());
  c.optional("policy.match", ours.has_policy_match, ours.policy_match, p.has_match(), p.match());
  c.bytes("policy.value", ours.policy_value, p.has_value(), p.value());
  return c.text();
}

}  // namespace weir
