// What flags name, as parts of a Config: by the same rules as the configuration file. Called by the commands;
// errors start with the flag.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "src/config/config.h"

namespace weir {

// "tcp://HOST:PORT" or "unix:///PATH".
Result<InputConfig> dnstap_input_from_flag(const std::string& text);
// An interface, a PCI address, or a DPDK vdev ("net_pcap0,rx_pcap=x.pcap").
Result<InputConfig> mirror_input_from_flag(const std::string& text);
// "-" is standard input. `flag` is what errors name.
Result<InputConfig> file_input_from_flag(const std::vector<std::string>& paths, const std::string& flag);
// "-", a path, "tcp://HOST:PORT" or "null:". A relative path is one from the working directory.
Result<OutputConfig> json_output_from_flag(const std::string& text);
// Ports such as "53" and "5353", each as in a list of the key.
Result<std::vector<uint16_t>> dns_ports_from_flag(const std::vector<std::string>& ports);
// "-", a path, or "null:". A path that ends in .pcap gets the classic format.
Result<OutputConfig> pcap_output_from_flag(const std::string& text);
// "udp://HOST:PORT".
Result<OutputConfig> statsd_output_from_flag(const std::string& text);
// "HOST:PORT".
Result<Target> metrics_from_flag(const std::string& text);
// "I,D,E"
Status lcores_from_flag(const std::string& text, LcoreConfig& lcores);
Status idle_from_flag(const std::string& text, LcoreConfig& lcores);
Status log_level_from_flag(const std::string& text, Config& config);

// All rules once more, for a Config that flags have changed. Inputs and outputs
// that share a name get a number behind it, so that metrics tell them apart.
Status validate(Config& config);

}  // namespace weir
