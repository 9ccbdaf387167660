#include "src/config/packet_filters.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace weir {
namespace {

std::string fault_of(const std::string& input) {
  const auto config =
      parse_config("inputs:\n  - " + input + "\noutputs:\n  - json: { to: \"null:\" }\n", "weir.yaml");
  if (!config) return config.error().message;
  const Status sound = check_packet_filters(*config);
  return sound ? "" : sound.error().message;
}

TEST(PacketFilters, SoundOnesPass) {
  EXPECT_EQ(fault_of("mirror: { interface: eth0, filter: 'port 53 or (vlan and port 53)' }"), "");
  EXPECT_EQ(fault_of("mirror: { interface: eth0, filter: '' }"), "");
  EXPECT_EQ(fault_of("file: { paths: [x], filter: inbound }"), "") << "cooked captures tell it";
}

TEST(PacketFilters, FaultsNameTheKeyOfTheInput) {
  EXPECT_EQ(fault_of("mirror: { interface: eth0, filter: 'prot 53' }"),
            "inputs[0].mirror.filter: 'prot 53' is no filter for packets of link type EN10MB: can't parse "
            "filter expression: syntax error; pcap-filter(7) tells how to write one");
  EXPECT_EQ(fault_of("directory: { path: /x, filter: 'ip and arp' }"),
            "inputs[0].directory.filter: 'ip and arp' can match no packet; pcap-filter(7) tells how to write "
            "one");
  EXPECT_TRUE(fault_of("file: { paths: [x], filter: 'port 70000' }").starts_with("inputs[0].file.filter: "));
  EXPECT_NE(fault_of("mirror: { port: net_null0, filter: inbound }"), "");
}

TEST(PacketFilters, EveryFaultIsTold) {
  const auto config = parse_config(
      "inputs:\n  - file: { paths: [x], filter: 'prot 53' }\n  - mirror: { interface: a, filter: udp }\n"
      "  - mirror: { name: m, interface: b, filter: inbound }\noutputs:\n"
      "  - pcap: { to: '-', pick: filter, filter: 'ip and arp' }\n",
      "weir.yaml");
  ASSERT_TRUE(config) << config.error().message;
  const Status sound = check_packet_filters(*config);
  ASSERT_FALSE(sound);
  std::vector<std::string> keys;
  std::istringstream lines(sound.error().message);
  for (std::string line; std::getline(lines, line);) keys.push_back(line.substr(0, line.find(": ")));
  EXPECT_EQ(keys, (std::vector<std::string>{"inputs[0].file.filter", "inputs[2].mirror.filter",
                                            "outputs[0].pcap.filter"}));
}

TEST(PacketFilters, FaultsNameTheKeyOfTheOutput) {
  const auto fault = [](const std::string& filter) {
    const auto config =
        parse_config("inputs: [ file: { paths: [x] } ]\noutputs: [ pcap: { to: '-', pick: filter, filter: '" +
                         filter + "' } ]\n",
                     "weir.yaml");
    if (!config) return config.error().message;
    const Status sound = check_packet_filters(*config);
    return sound ? std::string() : sound.error().message;
  };
  EXPECT_EQ(fault("udp"), "");
  EXPECT_EQ(fault("inbound"), "") << "cooked captures tell it";
  const auto live = parse_config(
      "inputs: [ mirror: { port: net_null0 } ]\noutputs: [ pcap: { to: '-', pick: filter, filter: inbound } "
      "]\n",
      "x");
  ASSERT_TRUE(live);
  EXPECT_FALSE(check_packet_filters(*live)) << "Ethernet does not";
  EXPECT_TRUE(fault("prot 53").starts_with("outputs[0].pcap.filter: 'prot 53' is no filter for packets of"));
}

}  // namespace
}  // namespace weir
