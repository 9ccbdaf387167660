#include "dataplane/filter/packet_filter.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/capture/capture_parser.h"
#include "tests/dataplane/packet_builder.h"
#include "tests/test_data.h"

namespace weir {
namespace {

using namespace packets;
namespace fs = std::filesystem;

PacketFilter compile(const std::string& expression, LinkType link = LinkType::ethernet) {
  auto filter = PacketFilter::compile(expression, link);
  EXPECT_TRUE(filter.ok()) << (filter ? "" : filter.error().message);
  return std::move(filter).value();
}

bool matches(const std::string& expression, const Bytes& bytes, LinkType link = LinkType::ethernet) {
  return compile(expression, link).matches(bytes, static_cast<uint32_t>(bytes.size()));
}

std::string refusal(const std::string& expression, LinkType link = LinkType::ethernet) {
  const auto filter = PacketFilter::compile(expression, link);
  return filter ? "" : filter.error().message;
}

const Bytes kQuery = ipv4({}, udp(40000, 53, text("a dns message")));
const Bytes kQuery6 = ipv6(17, udp(40000, 53, text("a dns message")));

TEST(PacketFilter, PicksByPortAddressAndLength) {
  const Bytes packet = ethernet(0x0800, kQuery);
  EXPECT_TRUE(matches("port 53", packet));
  EXPECT_TRUE(matches("udp dst port 53 and src host 192.0.2.1", packet));
  EXPECT_TRUE(matches("", packet));
  EXPECT_TRUE(matches("udp[8] = 0x61", packet)) << "the first byte of the payload";
  EXPECT_FALSE(matches("port 5353", packet));
  EXPECT_FALSE(matches("tcp port 53", packet));
  EXPECT_FALSE(matches("not net 192.0.2.0/24", packet));
  EXPECT_TRUE(matches("ip6 and port 53", ethernet(0x86dd, kQuery6)));
}

// What docs/configuration.md tells of tags.
TEST(PacketFilter, SeesThroughVlanTagsOnlyWhereItSaysSo) {
  const Bytes tagged = ethernet(0x8100, vlan(0x0800, kQuery, 100));
  EXPECT_FALSE(matches("port 53", tagged));
  EXPECT_TRUE(matches("vlan and port 53", tagged));
  EXPECT_TRUE(matches("port 53 or (vlan and port 53)", tagged));
  EXPECT_TRUE(matches("port 53 or (vlan and port 53)", ethernet(0x0800, kQuery)));
  EXPECT_TRUE(matches("vlan 100 and port 53", tagged));
  EXPECT_FALSE(matches("vlan 101", tagged));
  const Bytes twice = ethernet(0x88a8, vlan(0x8100, vlan(0x0800, kQuery, 7), 100));
  EXPECT_FALSE(matches("vlan and port 53", twice));
  EXPECT_TRUE(matches("vlan 100 and vlan 7 and port 53", twice));
}

TEST(PacketFilter, SeesNothingBehindTheCutButKnowsTheLength) {
  const Bytes whole = ethernet(0x0800, kQuery);
  const Bytes cut(whole.begin(), whole.begin() + 36);  // two bytes into UDP
  const auto wire_len = static_cast<uint32_t>(whole.size());
  EXPECT_FALSE(compile("dst port 53").matches(cut, wire_len));
  EXPECT_TRUE(compile("src port 40000").matches(cut, wire_len));
  EXPECT_TRUE(compile("host 192.0.2.1").matches(cut, wire_len));
  EXPECT_TRUE(compile("len = " + std::to_string(wire_len)).matches(cut, wire_len));
  EXPECT_FALSE(compile("port 53").matches({}, wire_len));
  EXPECT_TRUE(compile("greater 1").matches({}, wire_len));
}

TEST(PacketFilter, ReadsEachLinkTypeAsCaptureFilesHaveIt) {
  EXPECT_TRUE(matches("port 53", kQuery, LinkType::raw));
  EXPECT_TRUE(matches("port 53", kQuery6, LinkType::raw));
  EXPECT_TRUE(matches("port 53", kQuery, LinkType::ipv4));
  EXPECT_TRUE(matches("port 53", kQuery6, LinkType::ipv6));
  EXPECT_TRUE(matches("port 53", joined({0xff, 0x03, 0x00, 0x21}, kQuery), LinkType::ppp));
  for (const uint8_t family :
       std::initializer_list<uint8_t>{24, 28, 30})  // AF_INET6 of the BSDs and of macOS
    EXPECT_TRUE(matches("ip6 and port 53", joined({family, 0, 0, 0}, kQuery6), LinkType::null));
  EXPECT_TRUE(matches("port 53", joined({0, 0, 0, 2}, kQuery), LinkType::loop));
  EXPECT_TRUE(matches("port 53", joined(joined(Bytes(14), {0x08, 0x00}), kQuery), LinkType::linux_sll));
  EXPECT_TRUE(matches("port 53", joined(joined({0x08, 0x00}, Bytes(18)), kQuery), LinkType::linux_sll2));
}

TEST(PacketFilter, KnowsWhatNeverMatches) {
  EXPECT_TRUE(compile("ip and arp").never_matches());
  EXPECT_FALSE(matches("ip and arp", ethernet(0x0800, kQuery)));
  EXPECT_FALSE(compile("ip6").never_matches());
  EXPECT_TRUE(compile("ip6", LinkType::ipv4).never_matches());
  EXPECT_FALSE(matches("ip6", kQuery, LinkType::ipv4));
}

TEST(PacketFilter, SaysWhatIsNotUnderstood) {
  EXPECT_EQ(refusal("prot 53"),
            "'prot 53' is no filter for packets of link type EN10MB: can't parse filter expression: syntax "
            "error; pcap-filter(7) tells how to write one");
  EXPECT_NE(refusal("port 70000").find("illegal port number 70000 > 65535"), std::string::npos);
  EXPECT_NE(refusal("host no-such-name.invalid"), "");
  EXPECT_NE(refusal("(port 53"), "");
  // Only the kernel knows it, and only of packets as they pass.
  EXPECT_NE(refusal("inbound").find("EN10MB"), std::string::npos);
  EXPECT_EQ(refusal("inbound", LinkType::linux_sll), "");
  EXPECT_NE(refusal("vlan 1", LinkType::raw).find("RAW"), std::string::npos);
}

constexpr const char* kExpressions[] = {
    "port 53",
    "vlan and port 53",
    "port 53 or (vlan and port 53)",
    "tcp[tcpflags] & tcp-syn != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):2] > 10",
    "udp[10] & 0x80 != 0",
    "ip6",
    "ip[6:2] & 0x1fff != 0",
    "less 100",
    "icmp or arp",
};

// Both sides' filters of one expression; the oracle's is compiled for the file that it reads.
struct Both {
  Both(pcap_t* oracle, const char* of, LinkType link) : expression(of) {
    EXPECT_EQ(pcap_compile(oracle, &program, of, 0, PCAP_NETMASK_UNKNOWN), 0) << pcap_geterr(oracle);
    filter = compile(expression, link);
  }
  Both(Both&&) = delete;
  ~Both() { pcap_freecode(&program); }

  std::string expression;
  bpf_program program{};
  std::optional<PacketFilter> filter;
};

// libpcap reads the file itself and filters it: the oracle. It stops where Weir goes on, at damage. Packets
// compared.
size_t compare_file(const fs::path& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> oracle(pcap_open_offline(path.c_str(), error.data()),
                                                          pcap_close);
  if (oracle == nullptr) return 0;
  const std::vector<uint8_t> bytes = read_file(path);
  const auto parser = make_capture_parser(bytes);
  std::list<Both> filters;
  pcap_pkthdr* head = nullptr;
  const u_char* packet = nullptr;
  std::span<const uint8_t> rest = bytes;
  size_t compared = 0;
  for (; pcap_next_ex(oracle.get(), &head, &packet) == 1; ++compared) {
    CaptureStep step = parser->next(rest, true);
    for (; step.kind == CaptureStep::Kind::skipped; step = parser->next(rest, true))
      rest = rest.subspan(step.bytes);
    if (step.kind != CaptureStep::Kind::packet || step.packet.bytes.size() != head->caplen) break;
    rest = rest.subspan(step.bytes);
    const bool tagged = step.packet.link == LinkType::ethernet;
    if (filters.empty())
      for (const char* expression : kExpressions)
        if (tagged || std::strstr(expression, "vlan") == nullptr)
          filters.emplace_back(oracle.get(), expression, step.packet.link);
    for (const Both& both : filters)
      if (both.filter->matches(step.packet.bytes, step.packet.wire_len) !=
          (pcap_offline_filter(&both.program, head, packet) != 0))
        ADD_FAILURE() << path << ": packet " << compared << ": " << both.expression;
  }
  return compared;
}

size_t compare_files(const fs::path& folder) {
  size_t compared = 0;
  for (const auto& entry : fs::directory_iterator(folder)) compared += compare_file(entry.path());
  return compared;
}

TEST(PacketFilter, AgreesWithLibpcapOnFiles) {
  EXPECT_GT(compare_files(test_data("pcap")), 3'000U);
  EXPECT_GT(compare_files(test_data("malformed/pcap")), 100U);
}

TEST(PacketFilter, AgreesWithLibpcapOnTheCorpus) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the tree";
  EXPECT_GT(compare_files(corpus / "pcap"), 10'000U);
  compare_files(corpus / "malformed/pcap");
}

}  // namespace
}  // namespace weir
