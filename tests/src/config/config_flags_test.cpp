#include "src/config/config_flags.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

namespace weir {
namespace {

TEST(ConfigFlags, MirrorTellsInterfacesFromPorts) {
  const auto mirror = [](const std::string& text) {
    auto input = mirror_input_from_flag(text);
    EXPECT_TRUE(input.ok()) << text;
    return input ? std::get<MirrorOptions>(*input) : MirrorOptions{};
  };
  EXPECT_EQ(mirror("eth1").interface, "eth1");
  EXPECT_EQ(mirror("br-lan.53").interface, "br-lan.53");
  EXPECT_EQ(mirror("0000:3b:00.0").port, "0000:3b:00.0");
  EXPECT_EQ(mirror("3b:00.0").port, "3b:00.0");
  EXPECT_EQ(mirror("net_pcap0,rx_pcap=/x y.pcap").port, "net_pcap0,rx_pcap=/x y.pcap");
  EXPECT_EQ(mirror("net_null").port, "net_null");
  EXPECT_EQ(mirror_input_from_flag("").error().message,
            "--mirror: is empty; expected an interface, a PCI address or a DPDK vdev");
  EXPECT_EQ(
      mirror_input_from_flag("eth 1").error().message,
      "--mirror: interface: 'eth 1' is no interface's name; expected one that `ip link` shows, such as eth1");
}

TEST(ConfigFlags, JsonTakesPathsAsAShellDoes) {
  const auto to = [](const std::string& text) {
    const auto output = json_output_from_flag(text);
    return output ? to_string(std::get<JsonOptions>(*output).delivery.to.value()) : output.error().message;
  };
  EXPECT_EQ(to("-"), "-");
  EXPECT_EQ(to("null:"), "null:");
  EXPECT_EQ(to("/x/y.jsonl"), "file:///x/y.jsonl");
  EXPECT_EQ(to("y.jsonl"), "file://" + (std::filesystem::current_path() / "y.jsonl").string());
  EXPECT_EQ(to("tcp://127.0.0.1:5170"), "tcp://127.0.0.1:5170");
  EXPECT_EQ(to("tcp://127.0.0.1"),
            "--json: 'tcp://127.0.0.1' is not HOST:PORT; write for example tcp://127.0.0.1:6000 or "
            "tcp://[::1]:6000");
  EXPECT_EQ(std::get<JsonOptions>(*json_output_from_flag("-")).waiting.when_full, WhenFull::block);
  EXPECT_EQ(std::get<JsonOptions>(*json_output_from_flag("tcp://127.0.0.1:1")).waiting.when_full,
            WhenFull::drop_newest);
}

TEST(ConfigFlags, PcapTakesItsFormatFromTheName) {
  const auto options = [](const std::string& text) {
    return std::get<PcapOptions>(*pcap_output_from_flag(text));
  };
  EXPECT_EQ(options("/x/y.pcap").format, CaptureFormat::pcap);
  EXPECT_EQ(options("/x/y.pcapng").format, CaptureFormat::pcapng);
  EXPECT_EQ(options("-").format, CaptureFormat::pcapng);
  EXPECT_EQ(options("-").pick, CapturePick::all);
  EXPECT_EQ(pcap_output_from_flag("tcp://127.0.0.1:1").error().message.substr(0, 7), "--pcap:");
}

TEST(ConfigFlags, ErrorsNameTheFlag) {
  EXPECT_EQ(
      dnstap_input_from_flag("6000").error().message,
      "--dnstap: '6000' cannot stand here; expected one of tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH");
  EXPECT_EQ(statsd_output_from_flag("udp://127.0.0.1:0").error().message,
            "--statsd: 'udp://127.0.0.1:0': port 0 is none; choose one from 1 to 65535");
  EXPECT_EQ(metrics_from_flag("9953").error().message,
            "--metrics: '9953' is not HOST:PORT; expected HOST:PORT, such as 127.0.0.1:9953");
  EXPECT_EQ(file_input_from_flag({"a", ""}, "FILE").error().message,
            "FILE: a path is empty; expected a file, or - for standard input");
  EXPECT_EQ(file_input_from_flag({"-", "-"}, "FILE").error().message,
            "FILE: paths: standard input (\"-\") is named twice; keep one of them");
}

TEST(ConfigFlags, DnsPortsAreThoseOfTheKey) {
  const auto ports = dns_ports_from_flag({"53", "5353"});
  EXPECT_EQ(ports.value(), (std::vector<uint16_t>{53, 5353}));
  EXPECT_TRUE(dns_ports_from_flag({}).value().empty());
  for (const char* wrong : {"0", "65536", "x", ""})
    EXPECT_TRUE(dns_ports_from_flag({"53", wrong})
                    .error()
                    .message.starts_with("--dns-ports: '" + std::string(wrong) + "' is not valid; expected"));
}

TEST(ConfigFlags, LcoresIdleAndLogLevelFollowTheRulesOfTheirKeys) {
  const auto lcores = [](const std::string& text) {
    LcoreConfig config;
    const Status set = lcores_from_flag(text, config);
    return set ? std::to_string(config.ingest) + "/" + std::to_string(config.decode) + "/" +
                     std::to_string(config.export_)
               : set.error().message;
  };
  EXPECT_EQ(lcores("1,2,3"), "1/2/3");
  EXPECT_EQ(lcores("auto,64,1"), "0/64/1");
  for (const char* wrong : {"1,2", "1,2,3,4", "", "1"})
    EXPECT_EQ(lcores(wrong), "--lcores: '" + std::string(wrong) +
                                 "' is not INGEST,DECODE,EXPORT; write for example --lcores 1,2,2");
  EXPECT_EQ(lcores("-1,1,1"), "--lcores: '-1' is not valid; expected a number from 1 to 64, or auto");
  EXPECT_TRUE(lcores("65,1,1").starts_with("--lcores: '65'")) << lcores("65,1,1");
  EXPECT_TRUE(lcores("4294967297,1,1").starts_with("--lcores: '4294967297'"));
  LcoreConfig idle;
  EXPECT_TRUE(idle_from_flag("spin", idle).ok());
  EXPECT_EQ(idle.idle, IdlePolicy::spin);
  EXPECT_FALSE(idle_from_flag("lazy", idle).ok());
  Config config;
  EXPECT_TRUE(log_level_from_flag("debug", config).ok());
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_FALSE(log_level_from_flag("foo", config).ok());
}

TEST(ConfigFlags, AFileMayLackWhatFlagsAdd) {
  const std::string inputs = "inputs: [ dnstap: { listen: 'tcp://127.0.0.1:6000' } ]\n";
  EXPECT_FALSE(parse_config(inputs, "weir.yaml").ok());
  auto config = parse_config(inputs, "weir.yaml", ConfigPart::some);
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(validate(*config).ok());
  config->outputs.push_back(*json_output_from_flag("null:"));
  EXPECT_TRUE(validate(*config).ok());
}

TEST(ConfigFlags, WhatIsForPacketsNeedsAnInputThatReadsThem) {
  for (const auto& [section, fault] : std::map<std::string, std::string>{
           {"match: { whole_transfers: true }\n",
            "match.whole_transfers: is of no use: no input reads packets"},
           {"reassembly: { streams: 100 }\n", "reassembly: is of no use: no input reads packets"}}) {
    const std::string rest = section + "outputs: [ json: { to: 'null:' } ]\n";
    const std::string dnstap = "inputs: [ dnstap: { listen: 'tcp://127.0.0.1:6000' } ]\n" + rest;
    const auto refused = parse_config(dnstap, "weir.yaml");
    ASSERT_FALSE(refused.ok()) << section;
    EXPECT_EQ(refused.error().message, "weir.yaml:2: " + fault + "; add one such as mirror, or remove it");
    EXPECT_TRUE(parse_config("inputs: [ file: { paths: [a.pcap] } ]\n" + rest, "weir.yaml").ok());
    // A flag may add the input.
    auto config = parse_config(dnstap, "weir.yaml", ConfigPart::some);
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_FALSE(validate(*config).ok());
    config->inputs.push_back(*mirror_input_from_flag("eth0"));
    EXPECT_TRUE(validate(*config).ok());
  }
}

TEST(ConfigFlags, ACaptureNeedsAnInputThatReadsPackets) {
  Config config;
  config.inputs.push_back(*dnstap_input_from_flag("tcp://127.0.0.1:6000"));
  config.outputs.push_back(*pcap_output_from_flag("-"));
  EXPECT_EQ(
      validate(config).error().message,
      "outputs[0].pcap.to: would stay empty: no input reads packets; add one such as mirror, or remove it");
  config.inputs.push_back(*mirror_input_from_flag("eth0"));
  EXPECT_TRUE(validate(config).ok());
}

TEST(ConfigFlags, ValidateSeesWhatOnlyTheWholeShows) {
  Config config;
  config.inputs.push_back(*dnstap_input_from_flag("tcp://127.0.0.1:6000"));
  config.outputs.push_back(*json_output_from_flag("-"));
  EXPECT_TRUE(validate(config).ok());
  config.inputs.push_back(*dnstap_input_from_flag("tcp://127.0.0.1:6001"));
  EXPECT_TRUE(validate(config).ok());
  EXPECT_EQ(std::get<DnstapInputOptions>(config.inputs[1]).name, "dnstap-2");
  config.inputs.push_back(*dnstap_input_from_flag("tcp://127.0.0.1:6001"));
  EXPECT_EQ(
      validate(config).error().message,
      "inputs[2].dnstap.listen: tcp://127.0.0.1:6001 is already used by inputs[1].dnstap.listen; give each "
      "listener an address of its own");
  config.inputs.pop_back();
  std::get<JsonOptions>(config.outputs[0]).json.fields = {"nme"};
  EXPECT_EQ(validate(config).error().message,
            "outputs[0].json.fields: 'nme' is no key of the JSON line; docs/schema.json has them all");
}

}  // namespace
}  // namespace weir
