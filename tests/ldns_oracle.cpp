#include "tests/ldns_oracle.h"

#include <memory>

// Last: it defines bool, true and false as macros.
#include <ldns/ldns.h>

namespace weir {
namespace {

struct Free {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
};

std::string text_in(ldns_buffer* buffer) {
  std::string text(reinterpret_cast<const char*>(ldns_buffer_begin(buffer)), ldns_buffer_position(buffer));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

LdnsVerdict ldns_read(std::span<const uint8_t> msg) {
  ldns_pkt* packet = nullptr;
  const ldns_status status = ldns_wire2pkt(&packet, msg.data(), msg.size());
  LdnsVerdict verdict;
  if (status != LDNS_STATUS_OK) {
    verdict.why = ldns_get_errorstr_by_id(status);
    return verdict;
  }
  verdict.accepted = true;
  verdict.id = ldns_pkt_id(packet);
  verdict.opcode = static_cast<uint8_t>(ldns_pkt_get_opcode(packet));
  verdict.rcode =
      static_cast<uint16_t>(ldns_pkt_edns_extended_rcode(packet) << 4U | ldns_pkt_get_rcode(packet));
  if (const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(packet), 0); question != nullptr) {
    const std::unique_ptr<ldns_buffer, Free> buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
    ldns_rdf2buffer_str_dname(buffer.get(), ldns_rr_owner(question));
    verdict.qname = text_in(buffer.get());
    verdict.qtype = static_cast<uint16_t>(ldns_rr_get_type(question));
    verdict.qclass = static_cast<uint16_t>(ldns_rr_get_class(question));
  }
  verdict.opts = packet->_edns_present;
  verdict.udp_size = ldns_pkt_edns_udp_size(packet);
  verdict.edns_version = ldns_pkt_edns_version(packet);
  verdict.edns_flags = ldns_pkt_edns_z(packet);
  ldns_pkt_free(packet);
  return verdict;
}

std::optional<std::string> ldns_rdata_text(std::span<const uint8_t> msg, uint16_t type, uint32_t rdata_off,
                                           uint16_t rdata_len) {
  const std::unique_ptr<ldns_rr, Free> rr(ldns_rr_new());
  ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type));
  size_t pos = rdata_off - 2;
  const size_t end = rdata_off + rdata_len;
  if (ldns_wire2rdf(rr.get(), msg.data(), msg.size(), &pos) != LDNS_STATUS_OK || pos != end) return {};
  if (ldns_rr_rd_count(rr.get()) < ldns_rr_descriptor_minimum(ldns_rr_descript(type))) return {};
  const std::unique_ptr<ldns_buffer, Free> buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
  for (size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    const std::unique_ptr<ldns_buffer, Free> field(ldns_buffer_new(LDNS_MIN_BUFLEN));
    if (ldns_rdf2buffer_str(field.get(), ldns_rr_rdf(rr.get(), i)) != LDNS_STATUS_OK) return {};
    const std::string text = text_in(field.get());
    ldns_buffer_printf(buffer.get(), "%s%s", i == 0 ? "" : " ", text.c_str());
  }
  return text_in(buffer.get());
}

std::optional<std::string> ldns_name_text(std::span<const uint8_t> msg, size_t off) {
  ldns_rdf* name = nullptr;
  size_t pos = off;
  if (ldns_wire2dname(&name, msg.data(), msg.size(), &pos) != LDNS_STATUS_OK) return {};
  const std::unique_ptr<ldns_rdf, Free> owner(name);
  const std::unique_ptr<ldns_buffer, Free> buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
  if (ldns_rdf2buffer_str_dname(buffer.get(), name) != LDNS_STATUS_OK) return {};
  return text_in(buffer.get());
}

}  // namespace weir
