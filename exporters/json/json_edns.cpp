#include "core/dns/edns.h"

#include <array>
#include <span>

#include "exporters/json/json_dns.h"
#include "exporters/json/json_text.h"

namespace weir {
namespace {

constexpr size_t kItemFixed = 96;  // keys, numbers, names of an option

// Writes between `out` and `end`; what does not fit is left out and said.
struct Room {
  char* out;
  const char* end;
  bool& cut;

  bool has(size_t bytes) noexcept {
    const bool fits = out < end && static_cast<size_t>(end - out) >= bytes;
    cut |= !fits;
    return fits;
  }
};

using Bytes = std::span<const uint8_t>;

bool put_ecs(Room& room, Bytes data) noexcept {
  if (!room.has(kItemFixed)) return true;
  TextWriter text{put(room.out, "\"ecs\":\"")};
  if (!write_ecs(text, data)) return false;
  room.out = put(text.out, "\",");
  return true;
}

bool put_nsid(Room& room, Bytes data) noexcept {
  if (!room.has(kItemFixed + 6 * data.size())) return true;
  char* out = put(room.out, "\"nsid\":\"");
  room.out = put(put_text(out, room.end, data, room.cut), "\",");
  return true;
}

bool put_cookie(Room& room, Bytes data) noexcept {
  if (!room.has(kItemFixed)) return true;
  TextWriter text{put(room.out, "\"cookie\":\"")};
  if (!write_cookie(text, data)) return false;
  room.out = put(text.out, "\",");
  return true;
}

bool put_padding(Room& room, Bytes data) noexcept {
  if (!room.has(kItemFixed)) return true;
  room.out = put_u64(put(room.out, "\"padding\":"), data.size());
  *room.out++ = ',';
  return true;
}

// A query's has no time-out; it is listed with the others.
bool put_keepalive(Room& room, Bytes data) noexcept {
  Keepalive keepalive;
  if (!read_keepalive(data, keepalive) || !keepalive.has_timeout) return false;
  if (!room.has(kItemFixed)) return true;
  room.out = put_u32(put(room.out, "\"keepalive\":"), keepalive.timeout);
  *room.out++ = ',';
  return true;
}

// Options with a key of their own, in the order of the keys. put: false if the data is not as its RFC says.
struct Keyed {
  uint16_t code;
  bool (*put)(Room& room, Bytes data) noexcept;
};
constexpr std::array<Keyed, 5> kKeyed = {{{edns_option::kEcs, put_ecs},
                                          {edns_option::kNsid, put_nsid},
                                          {edns_option::kCookie, put_cookie},
                                          {edns_option::kPadding, put_padding},
                                          {edns_option::kKeepalive, put_keepalive}}};

// The first option of each keyed code; the others, and those that contradict their RFC, are listed in hex.
struct Sorted {
  std::array<const uint8_t*, kKeyed.size()> shown{};  // where the data of the option starts
  bool extended_errors = false;
  bool others = false;

  [[nodiscard]] bool is_shown(const EdnsOption& option) const noexcept {
    for (size_t i = 0; i < kKeyed.size(); ++i)
      if (kKeyed[i].code == option.code) return shown[i] == option.data.data();
    return false;
  }
};

Sorted put_keyed(Room& room, Bytes rdata) noexcept {
  Sorted sorted;
  std::array<Bytes, kKeyed.size()> first{};
  EdnsCursor cursor(rdata);
  for (EdnsOption option; cursor.next(option);) {
    size_t i = 0;
    while (i < kKeyed.size() && kKeyed[i].code != option.code) ++i;
    if (i < kKeyed.size() && first[i].data() == nullptr) {
      first[i] = option.data;
    } else if (option.code == edns_option::kEde && option.data.size() >= 2) {
      sorted.extended_errors = true;
    } else {
      sorted.others = true;
    }
  }
  for (size_t i = 0; i < kKeyed.size(); ++i) {
    if (first[i].data() == nullptr) continue;
    if (kKeyed[i].put(room, first[i])) {
      sorted.shown[i] = first[i].data();
    } else {
      sorted.others = true;
    }
  }
  return sorted;
}

void put_extended_errors(Room& room, Bytes rdata) noexcept {
  room.out = put(room.out, "\"ede\":[");
  EdnsCursor cursor(rdata);
  for (EdnsOption option; cursor.next(option);) {
    ExtendedError error;
    if (option.code != edns_option::kEde || !read_extended_error(option.data, error)) continue;
    if (!room.has(kItemFixed + 6 * error.text.size())) break;
    char* out = put_u32(put(room.out, "{\"code\":"), error.code);
    if (const std::string_view name = extended_error_name(error.code); !name.empty())
      out = put(put(put(out, ",\"name\":\""), name), "\"");
    if (!error.text.empty())
      out = put(put_text(put(out, ",\"text\":\""), room.end, error.text, room.cut), "\"");
    room.out = put(out, "},");
  }
  if (room.out[-1] == ',') --room.out;
  room.out = put(room.out, "],");
}

void put_others(Room& room, Bytes rdata, const Sorted& sorted) noexcept {
  room.out = put(room.out, "\"options\":[");
  EdnsCursor cursor(rdata);
  for (EdnsOption option; cursor.next(option);) {
    if (sorted.is_shown(option) || (option.code == edns_option::kEde && option.data.size() >= 2)) continue;
    if (!room.has(kItemFixed + 2 * option.data.size())) break;
    char* out = put(put_u32(put(room.out, "{\"code\":"), option.code), ",\"data\":\"");
    room.out = put(put_hex(out, option.data), "\"},");
  }
  if (room.out[-1] == ',') --room.out;
  room.out = put(room.out, "],");
}

}  // namespace

char* put_edns(char* out, const char* end, std::span<const uint8_t> msg, const DnsMessage& dns,
               bool& cut) noexcept {
  out = put_u32(put(out, "\"edns\":{\"version\":"), dns.edns_version);
  out = put_u32(put(out, ",\"udp_size\":"), dns.edns_udp_size);
  out = (dns.edns_flags & 0x8000U) != 0 ? put(out, ",\"do\":true,") : put(out, ",\"do\":false,");
  if (dns.opt_len != 0) {
    // Behind the last item: the ends of two lists and of the object.
    Room room{out, end - 32, cut};
    const Bytes rdata = msg.subspan(dns.opt_off, dns.opt_len);
    const Sorted sorted = put_keyed(room, rdata);
    if (sorted.extended_errors) put_extended_errors(room, rdata);
    if (sorted.others) put_others(room, rdata, sorted);
    out = room.out;
  }
  return put(out - 1, "},");
}

}  // namespace weir
