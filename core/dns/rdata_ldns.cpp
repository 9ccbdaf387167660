// The only file that includes ldns, which defines bool, true and false as macros: it comes last. ldns is kept
// from RDATA that it reads wrongly, and its text is taken only if it is one line of printable ASCII.
#include <algorithm>
#include <memory>

#include "core/dns/rdata_writers.h"
#include "core/dns/wire_reader.h"

#include <ldns/ldns.h>

namespace weir {
namespace {

constexpr uint16_t kIpseckey = 45;
// ldns allocates for each field: of HIP's list of servers a hostile message could make it 65,000.
constexpr size_t kMaxRdata = 4096;

struct Free {
  void operator()(ldns_rr* rr) const noexcept { ldns_rr_free(rr); }
  void operator()(ldns_buffer* buffer) const noexcept { ldns_buffer_free(buffer); }
};

// ldns writes "." for a gateway type that it does not know and takes the gateway for the key (RFC 4025
// section 2.3).
bool gateway_known(std::span<const uint8_t> rdata) noexcept { return rdata.size() > 3 && rdata[1] <= 3; }

}  // namespace

bool left_to_ldns(uint16_t type) noexcept {
  switch (type) {
    case LDNS_RR_TYPE_NSAP:
    case LDNS_RR_TYPE_ATMA:
    case LDNS_RR_TYPE_CERT:
    case kIpseckey:
    case LDNS_RR_TYPE_HIP:
      return true;
    default:
      return false;
  }
}

bool write_by_ldns(TextWriter& writer, size_t room, uint16_t type, const Rdata& rdata) noexcept {
  // ldns reads RDLENGTH, which stands before the RDATA in every RR.
  if (rdata.off < 2 || load_be16(&rdata.msg[rdata.off - 2]) != rdata.len) return false;
  if (rdata.len > kMaxRdata) return false;
  if (type == kIpseckey && !gateway_known(rdata.bytes())) return false;
  const std::unique_ptr<ldns_rr, Free> rr(ldns_rr_new());
  const std::unique_ptr<ldns_buffer, Free> buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
  if (!rr || !buffer) return false;
  ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type));
  size_t pos = rdata.off - 2;
  const size_t end = rdata.off + rdata.len;
  if (ldns_wire2rdf(rr.get(), rdata.msg.data(), rdata.msg.size(), &pos) != LDNS_STATUS_OK || pos != end)
    return false;
  const size_t fields = ldns_rr_rd_count(rr.get());
  if (fields < ldns_rr_descriptor_minimum(ldns_rr_descript(type))) return false;
  for (size_t i = 0; i < fields; ++i) {
    if (i != 0) ldns_buffer_write_u8(buffer.get(), ' ');
    if (ldns_rdf2buffer_str(buffer.get(), ldns_rr_rdf(rr.get(), i)) != LDNS_STATUS_OK) return false;
  }
  std::span<const uint8_t> text(ldns_buffer_begin(buffer.get()), ldns_buffer_position(buffer.get()));
  while (!text.empty() && text.back() == ' ') text = text.first(text.size() - 1);
  const auto printable = [](uint8_t c) { return c >= 0x20 && c <= 0x7e; };
  if (text.empty() || text.size() > room || !std::ranges::all_of(text, printable)) return false;
  if (std::ranges::any_of(text, [](uint8_t c) { return c == '"' || c == '\\'; })) writer.json_special = true;
  writer.put({reinterpret_cast<const char*>(text.data()), text.size()});
  return true;
}

}  // namespace weir
