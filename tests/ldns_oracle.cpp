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
  if (status != LDNS_STATUS_OK) return {.accepted = false, .why = ldns_get_errorstr_by_id(status)};
  ldns_pkt_free(packet);
  return {.accepted = true, .why = {}};
}

std::optional<std::string> ldns_rdata_text(std::span<const uint8_t> msg, uint16_t type, uint32_t rdata_off,
                                           uint16_t rdata_len) {
  const std::unique_ptr<ldns_rr, Free> rr(ldns_rr_new());
  ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type));
  size_t pos = rdata_off - 2;
  const size_t end = rdata_off + rdata_len;
  if (ldns_wire2rdf(rr.get(), msg.data(), end, &pos) != LDNS_STATUS_OK || pos != end) return {};
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
