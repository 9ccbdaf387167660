#include "src/generate/traffic.h"

#include <array>

#include "src/generate/answers.h"

namespace weir {

namespace {

constexpr size_t kClientsOfFamily = 16'384;

constexpr std::array<Weighted<uint16_t>, 14> kQtypes = {{{qtype::kA, 560},
                                                         {qtype::kAaaa, 220},
                                                         {qtype::kHttps, 110},
                                                         {qtype::kPtr, 40},
                                                         {qtype::kTxt, 20},
                                                         {qtype::kSrv, 8},
                                                         {qtype::kSoa, 6},
                                                         {qtype::kMx, 8},
                                                         {qtype::kNs, 8},
                                                         {qtype::kCname, 4},
                                                         {qtype::kCaa, 3},
                                                         {qtype::kTlsa, 3},
                                                         {qtype::kNaptr, 4},
                                                         {qtype::kDs, 6}}};
constexpr std::array<Weighted<uint32_t>, 5> kTtls = {{{300, 35}, {60, 30}, {3600, 20}, {86400, 10}, {1, 5}}};
constexpr std::array<Weighted<uint32_t>, 5> kAddresses = {{{1, 50}, {2, 25}, {3, 5}, {4, 15}, {8, 5}}};
constexpr std::array<Weighted<uint16_t>, 4> kUdpSizes = {{{1232, 60}, {4096, 20}, {512, 10}, {1410, 10}}};

enum class Outcome : uint8_t { answer, nodata, nxdomain, servfail, refused, truncated };
constexpr std::array<Weighted<Outcome>, 6> kOutcomes = {{{Outcome::answer, 790},
                                                         {Outcome::nodata, 90},
                                                         {Outcome::nxdomain, 90},
                                                         {Outcome::servfail, 20},
                                                         {Outcome::refused, 5},
                                                         {Outcome::truncated, 5}}};

// Flag bits (RFC 1035 section 4.1.1).
constexpr uint16_t kQr = 0x8000, kTc = 0x0200, kRd = 0x0100, kRa = 0x0080, kAd = 0x0020, kCd = 0x0010;

// Offset of the last labels of a name: two, or three where the top is of the kind co.uk.
uint16_t apex_of(std::string_view name) {
  std::array<uint16_t, 128> starts{};
  size_t count = 0;
  for (size_t at = 0; name[at] != 0; at += 1 + static_cast<uint8_t>(name[at])) {
    starts[count++] = static_cast<uint16_t>(at);
  }
  const bool short_top = count >= 3 && name[starts[count - 1]] == 2 && name[starts[count - 2]] <= 3;
  const size_t labels = short_top ? 3 : 2;
  return starts[count > labels ? count - labels : 0];
}

}  // namespace

void write_number(char* at, uint64_t number) noexcept {
  for (size_t i = kNumberDigits; i > 0; --i) {
    at[i - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

Traffic::Traffic(const TrafficOptions& options) : options_(options), random_(options.seed), names_(random_) {
  for (size_t i = 0; i < kClientsOfFamily; ++i) {
    std::array<uint8_t, 16> a{};
    a[0] = 100;  // shared address space, RFC 6598
    a[1] = static_cast<uint8_t>(64 + random_.below(64));
    a[2] = static_cast<uint8_t>(random_.below(256));
    a[3] = static_cast<uint8_t>(random_.below(256));
    clients_v4_.push_back(IpAddr::v4(a.data()));
    a = {0x20, 0x01, 0x0d, 0xb8};
    for (size_t k = 4; k < 7; ++k) a[k] = static_cast<uint8_t>(random_.below(256));
    const bool made_up = random_.percent(70);  // else ::1 to ::ffff, as routers and servers have
    for (size_t k = made_up ? 8 : 14; k < 16; ++k) a[k] = static_cast<uint8_t>(random_.below(256));
    clients_v6_.push_back(IpAddr::v6(a.data()));
  }
}

const Transaction& Traffic::next(uint64_t number) {
  pick_endpoints();
  qtype_ = pick(random_, kQtypes);
  pick_name();
  if (options_.numbered) {
    std::array<char, kNumberDigits + 1> label{'n'};
    write_number(label.data() + 1, number);
    other_.clear();
    append_label(other_, {label.data(), label.size()});
    qname_.insert(0, other_);
  }
  id_ = static_cast<uint16_t>(random_.below(65536));
  apex_ = static_cast<uint16_t>(12 + apex_of(qname_));
  edns_.present = random_.percent(93);
  edns_.do_bit = random_.percent(30);
  edns_.cookie = random_.percent(50);
  edns_.ecs = random_.percent(8);
  edns_.udp_size = pick(random_, kUdpSizes);
  edns_.client_cookie = random_.next();
  // Half from the cache in under a millisecond, the rest asked upstream.
  transaction_.latency_ns =
      random_.percent(60) ? random_.between(20'000, 900'000) : random_.between(1'000'000, 180'000'000);
  write_query();
  write_response();
  return transaction_;
}

void Traffic::pick_endpoints() {
  static constexpr std::array<uint8_t, 4> kServer4 = {198, 51, 100, 53};
  static constexpr std::array<uint8_t, 16> kServer6 = {0x20, 0x01, 0x0d, 0xb8, 0, 0x53, 0, 0,
                                                       0,    0,    0,    0,    0, 0,    0, 0x53};
  const bool v6 = random_.percent(options_.v6_percent);
  const auto& pool = v6 ? clients_v6_ : clients_v4_;
  transaction_.client.addr = pool[random_.below(kClientsOfFamily)];
  transaction_.client.port = random_.between(1024, 65535);
  transaction_.client.has_port = true;
  transaction_.server.addr = v6 ? IpAddr::v6(kServer6.data()) : IpAddr::v4(kServer4.data());
  transaction_.server.port = 53;
  transaction_.server.has_port = true;
  transaction_.tcp = random_.percent(options_.tcp_percent);
}

void Traffic::pick_name() {
  switch (qtype_) {
    case qtype::kPtr: {
      const bool v6 = random_.percent(20);
      NamePool::reverse(random_, v6, qname_);
      break;
    }
    case qtype::kSoa:
    case qtype::kNs:
    case qtype::kMx:
    case qtype::kDs:
    case qtype::kCaa:
      qname_ = names_.domain(random_);
      break;
    default:
      names_.host(random_, qname_);
  }
}

void Traffic::write_query() {
  uint16_t flags = kRd;
  if (random_.percent(20)) flags |= kAd;
  if (random_.percent(2)) flags |= kCd;
  writer_.start(transaction_.query, id_, flags);
  writer_.question(qname_, qtype_);
  write_opt(false, false);
}

void Traffic::write_response() {
  Outcome outcome = pick(random_, kOutcomes);
  if (outcome == Outcome::truncated && transaction_.tcp) outcome = Outcome::answer;
  uint16_t flags = kQr | kRd | kRa;
  if (edns_.present && edns_.do_bit && random_.percent(30)) flags |= kAd;
  if (outcome == Outcome::servfail) flags |= 2;
  if (outcome == Outcome::nxdomain) flags |= 3;
  if (outcome == Outcome::refused) flags |= 5;
  if (outcome == Outcome::truncated) flags |= kTc;
  writer_.start(transaction_.response, id_, flags);
  writer_.question(qname_, qtype_);
  if (outcome == Outcome::answer) write_answers(pick(random_, kTtls));
  if (outcome == Outcome::nxdomain || outcome == Outcome::nodata) {
    write_soa(random_, writer_, Section::authority, apex_);
  }
  write_opt(true, outcome == Outcome::servfail);
}

void Traffic::write_answers(uint32_t ttl) {
  uint16_t owner = 12;
  const bool address = qtype_ == qtype::kA || qtype_ == qtype::kAaaa || qtype_ == qtype::kHttps;
  if (address && random_.percent(35)) {  // CNAME chain
    const uint32_t links = random_.between(1, 3);
    for (uint32_t i = 0; i < links; ++i) {
      names_.host(random_, other_);
      write_answer(random_, writer_, owner, qtype::kCname, ttl, apex_, other_);
      owner = static_cast<uint16_t>(writer_.size() - other_.size());
    }
  }
  names_.host(random_, other_);
  const bool several = qtype_ == qtype::kA || qtype_ == qtype::kAaaa;
  const uint32_t count = several ? pick(random_, kAddresses) : 1 + (qtype_ == qtype::kNs ? 1U : 0U);
  for (uint32_t i = 0; i < count; ++i) write_answer(random_, writer_, owner, qtype_, ttl, apex_, other_);
  if (edns_.present && edns_.do_bit && random_.percent(33)) {
    other_ = names_.domain(random_);
    write_rrsig(random_, writer_, owner, qtype_, ttl, other_);
  }
}

void Traffic::write_opt(bool response, bool failed) {
  if (!edns_.present) return;
  const unsigned size = response ? 1232U : edns_.udp_size;
  writer_.begin_record(Section::additional, MessageWriter::kRoot, qtype::kOpt, static_cast<uint16_t>(size),
                       edns_.do_bit ? 0x8000U : 0U);
  if (edns_.cookie) {  // RFC 7873
    writer_.u16(10);
    writer_.u16(response ? 24 : 8);
    writer_.u32(static_cast<uint32_t>(edns_.client_cookie >> 32U));
    writer_.u32(static_cast<uint32_t>(edns_.client_cookie));
    if (response) {
      writer_.u32(0x01000000);
      writer_.u32(1'767'225'600);
      writer_.u32(random_.below(0xffffffffU));
      writer_.u32(random_.below(0xffffffffU));
    }
  }
  if (edns_.ecs) write_ecs(response);
  if (response && failed) {  // RFC 8914: no reachable authority
    static constexpr std::string_view kText = "upstream timed out";
    writer_.u16(15);
    writer_.u16(static_cast<unsigned>(2 + kText.size()));
    writer_.u16(22);
    writer_.bytes(kText);
  }
  writer_.end_record();
}

void Traffic::write_ecs(bool response) {  // RFC 7871 section 6
  const IpAddr& addr = transaction_.client.addr;
  const bool v6 = addr.len == 16;
  const unsigned prefix = v6 ? 56 : 24;
  writer_.u16(8);
  writer_.u16(4 + prefix / 8);
  writer_.u16(v6 ? 2 : 1);
  writer_.u8(prefix);
  writer_.u8(response ? prefix - 4 : 0);
  writer_.bytes({reinterpret_cast<const char*>(addr.bytes.data()), prefix / 8});
}

}  // namespace weir
