#include "src/generate/names.h"

#include <array>

namespace weir {

namespace {

constexpr size_t kDomains = 12'000;
constexpr size_t kHosts = 40'000;
// Squaring a uniform number makes low indices popular: half of the questions go to a quarter of the names.
size_t skewed(Random& random, size_t size) {
  const auto n = static_cast<uint64_t>(size);
  const uint64_t u = random.below(static_cast<uint32_t>(n));
  return static_cast<size_t>(u * u / n);
}

constexpr std::array<Weighted<std::string_view>, 14> kTops = {{{"com", 48},
                                                               {"net", 12},
                                                               {"org", 7},
                                                               {"de", 6},
                                                               {"io", 5},
                                                               {"co.uk", 4},
                                                               {"fr", 3},
                                                               {"nl", 3},
                                                               {"app", 3},
                                                               {"cloud", 3},
                                                               {"com.br", 2},
                                                               {"info", 2},
                                                               {"jp", 1},
                                                               {"xn--p1ai", 1}}};

enum class HostKind : uint8_t { plain, numbered, hashed, region, service, bare };
constexpr std::array<Weighted<HostKind>, 6> kHostKinds = {{{HostKind::plain, 46},
                                                           {HostKind::numbered, 18},
                                                           {HostKind::hashed, 14},
                                                           {HostKind::region, 13},
                                                           {HostKind::service, 3},
                                                           {HostKind::bare, 6}}};
constexpr std::array<std::string_view, 20> kPlain = {
    "www",    "api",   "cdn", "static", "img",  "mail",   "login", "events", "metrics", "media",
    "assets", "video", "ads", "graph",  "push", "update", "time",  "m",      "shop",    "connect"};
constexpr std::array<std::string_view, 6> kRegions = {"eu-west-1", "us-east-1", "ap-southeast-2",
                                                      "fra",       "ams1",      "edge-lhr"};
constexpr std::array<std::string_view, 4> kServices = {"_dmarc", "_sip._udp", "_xmpp-client._tcp",
                                                       "_25._tcp"};

template <size_t N>
std::string_view any(Random& random, const std::array<std::string_view, N>& list) {
  return list[random.below(N)];
}

std::string word(Random& random) {
  static constexpr std::string_view kConsonants = "bcdfghklmnprstvwz";
  static constexpr std::string_view kVowels = "aeiou";
  std::string text;
  const uint32_t syllables = random.between(2, 4);
  for (uint32_t i = 0; i < syllables; ++i) {
    text += kConsonants[random.below(static_cast<uint32_t>(kConsonants.size()))];
    text += kVowels[random.below(static_cast<uint32_t>(kVowels.size()))];
    if (random.percent(25)) text += kConsonants[random.below(static_cast<uint32_t>(kConsonants.size()))];
  }
  return text;
}

std::string hash_text(Random& random, uint32_t digits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (uint32_t i = 0; i < digits; ++i) text += kDigits[random.below(16)];
  return text;
}

// "a.b.c" → three labels, without the root.
void append_labels(std::string& wire, std::string_view text) {
  for (size_t start = 0; start <= text.size();) {
    const size_t dot = text.find('.', start);
    const size_t end = dot == std::string_view::npos ? text.size() : dot;
    append_label(wire, text.substr(start, end - start));
    start = end + 1;
  }
}

// One draw a statement, here and elsewhere: the order within an expression is the compiler's.
void append_host_labels(Random& random, std::string& wire) {
  std::string label;
  switch (pick(random, kHostKinds)) {
    case HostKind::plain:
      append_label(wire, any(random, kPlain));
      break;
    case HostKind::numbered:
      label = any(random, kPlain);
      label += std::to_string(random.between(1, 480));
      append_label(wire, label);
      append_label(wire, any(random, kPlain));
      break;
    case HostKind::hashed:
      append_label(wire, hash_text(random, random.between(8, 20)));
      break;
    case HostKind::region:
      label = word(random) + "-";
      label += hash_text(random, 6);
      append_label(wire, label);
      append_label(wire, any(random, kRegions));
      break;
    case HostKind::service:
      append_labels(wire, any(random, kServices));
      break;
    case HostKind::bare:
      break;
  }
  // A resolver sees names that no host has: bytes over 127, blanks, a dot inside a label.
  if (random.per_mille(1)) append_label(wire, std::string_view("caf\xc3\xa9 \"x.y\"\x00", 12));
}

}  // namespace

void append_label(std::string& wire, std::string_view label) {
  wire += static_cast<char>(label.size());
  wire += label;
}

NamePool::NamePool(Random& random) {
  domains_.reserve(kDomains);
  for (size_t i = 0; i < kDomains; ++i) {
    std::string label = word(random);
    if (random.percent(65)) {
      if (random.percent(30)) label += "-";
      label += word(random);
    }
    std::string wire;
    append_label(wire, label);
    append_labels(wire, pick(random, kTops));
    wire += '\0';
    domains_.push_back(std::move(wire));
  }
  hosts_.reserve(kHosts);
  for (size_t i = 0; i < kHosts; ++i) {
    std::string wire;
    append_host_labels(random, wire);
    wire += domain(random);
    hosts_.push_back(std::move(wire));
  }
}

std::string_view NamePool::domain(Random& random) const { return domains_[skewed(random, domains_.size())]; }

void NamePool::host(Random& random, std::string& wire) const {
  wire.clear();
  if (random.percent(30)) {  // asked once: trackers, one-time tokens, mistakes
    append_label(wire, hash_text(random, random.between(8, 20)));
    wire += domain(random);
  } else {
    wire = hosts_[skewed(random, hosts_.size())];
  }
  if (random.percent(2)) {  // resolvers that mix case (draft-vixie-dnsext-dns0x20)
    for (char& c : wire) {
      if (c >= 'a' && c <= 'z' && random.percent(50)) c = static_cast<char>(c - 32);
    }
  }
}

void NamePool::reverse(Random& random, bool v6, std::string& wire) {
  wire.clear();
  if (v6) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    for (int i = 0; i < 24; ++i) append_label(wire, kDigits.substr(random.below(16), 1));
    append_labels(wire, "8.b.d.0.1.0.0.2.ip6.arpa");
  } else {
    for (int i = 0; i < 2; ++i) append_label(wire, std::to_string(random.below(256)));
    append_labels(wire, "18.198.in-addr.arpa");
  }
  wire += '\0';
}

}  // namespace weir
