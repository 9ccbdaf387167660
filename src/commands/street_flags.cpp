#include "src/commands/street_flags.h"

#include <CLI/CLI.hpp>

#include "src/config/config_flags.h"

namespace weir {
namespace {

template <class Make, class List>
Status add_each(const std::vector<std::string>& texts, Make make, List& list) {
  for (const std::string& text : texts) {
    auto made = make(text);
    if (!made) return made.error();
    list.push_back(std::move(*made));
  }
  return Ok{};
}

}  // namespace

void StreetFlags::add_inputs_and_outputs(CLI::App& command) {
  config_given_ =
      command.add_option("-c,--config", config_path_, "Configuration file (docs/configuration.md)");
  command.add_option("--dnstap", dnstap_, "Listen for dnstap: tcp://HOST:PORT or unix:///PATH");
  command.add_option("--mirror", mirror_, "Take packets from an interface, a PCI address or a DPDK vdev");
  command.add_option("--file", file_, "Read a dnstap or capture file; - is standard input");
  command.add_option("--statsd", statsd_, "Send counters: udp://HOST:PORT");
  command.add_option("--metrics", metrics_, "Serve Prometheus metrics on HOST:PORT");
}

void StreetFlags::add_common(CLI::App& command) {
  command.add_option("--json", json_,
                     "Write JSON lines to: - (standard output), PATH, tcp://HOST:PORT, null:");
  command.add_option("--pcap", pcap_,
                     "Write the packets to: - (standard output), PATH, null:; a PATH that ends in "
                     ".pcap is classic, others pcapng. Alone it takes the place of the lines: write "
                     "--json - beside it for both");
  command.add_option("--fields", fields_, "Only these keys of the JSON line")->delimiter(',');
  command.add_option("--omit", omit_, "Not these keys of the JSON line")->delimiter(',');
  command.add_flag("--authority", authority_, "Show the authority section");
  command.add_flag("--additional", additional_, "Show the additional section");
  command.add_flag("--sequence", sequence_, "Number the lines (seq, lane), for weir verify");
  command.add_flag("--pair", pair_, "Join dnstap queries with their responses");
  command.add_option("--filter", filter_,
                     "Only packets that match, in libpcap's syntax; see Filters in docs/configuration.md");
  command
      .add_option("--dns-ports", dns_ports_,
                  "Ports whose packets are DNS; default 53; mDNS has 5353, LLMNR 5355")
      ->delimiter(',');
  command.add_option("--lcores", lcores_, "INGEST,DECODE,EXPORT; default: from the machine");
  command.add_option("--idle", idle_, "Idle policy: auto, spin or adaptive");
  command.add_option("--log-level", log_level_, "debug, info, warning, error or off");
}

Result<Config> StreetFlags::base(const std::vector<std::string>& files) const {
  if (config_given_ != nullptr && config_given_->count() != 0) {
    if (config_path_.empty()) return Error{"--config: is empty; expected a file"};
    return load_config(config_path_, ConfigPart::some);
  }
  Config config;
  const bool inputs_named = !files.empty() || !dnstap_.empty() || !mirror_.empty() || !file_.empty();
  if (!inputs_named) return parse_config(embedded_default_config(), "(embedded default)");
  return config;
}

Result<Config> StreetFlags::config(const std::vector<std::string>& files) const {
  auto config = base(files);
  if (!config) return config;
  if (Status applied = apply(*config); !applied) return applied.error();
  if (!files.empty()) {
    auto input = file_input_from_flag(files, "FILE");
    if (!input) return input.error();
    config->inputs.push_back(std::move(*input));
  }
  // Inputs by flags and no output: lines on standard output, as every such tool does.
  if (config->outputs.empty() && config_path_.empty()) {
    if (Status added = add_each({"-"}, json_output_from_flag, config->outputs); !added) return added.error();
  }
  if (Status applied = apply_to_packets(*config); !applied) return applied.error();
  for (InputConfig& input : config->inputs) {
    if (auto* dnstap = std::get_if<DnstapInputOptions>(&input)) dnstap->pair |= pair_;
    if (auto* file = std::get_if<FileOptions>(&input)) file->pair |= pair_;
    if (auto* directory = std::get_if<DirectoryOptions>(&input)) directory->pair |= pair_;
  }
  for (OutputConfig& output : config->outputs) {
    auto* json = std::get_if<JsonOptions>(&output);
    if (json == nullptr) continue;
    if (!fields_.empty()) json->json.fields = fields_;
    if (!omit_.empty()) json->json.omit = omit_;
    json->json.authority |= authority_;
    json->json.additional |= additional_;
    json->json.sequence |= sequence_;
  }
  if (Status valid = validate(*config); !valid) return valid.error();
  return config;
}

Status StreetFlags::apply_to_packets(Config& config) const {
  if (filter_.empty() && dns_ports_.empty()) return Ok{};
  const auto ports = dns_ports_from_flag(dns_ports_);
  if (!ports) return ports.error();
  bool any = false;
  for (InputConfig& input : config.inputs) {
    PacketOptions* packets = packet_options(input);
    if (packets == nullptr) continue;
    any = true;
    if (!filter_.empty()) packets->filter = filter_;
    if (!ports->empty()) packets->dns_ports = *ports;
  }
  if (any) return Ok{};
  return Error{std::string(filter_.empty() ? "--dns-ports" : "--filter") +
               ": is for packets, but no input reads them; name one with --mirror or --file"};
}

Status StreetFlags::apply(Config& config) const {
  if (Status s = add_each(dnstap_, dnstap_input_from_flag, config.inputs); !s) return s;
  if (Status s = add_each(mirror_, mirror_input_from_flag, config.inputs); !s) return s;
  if (!file_.empty()) {
    auto input = file_input_from_flag(file_, "--file");
    if (!input) return input.error();
    config.inputs.push_back(std::move(*input));
  }
  // A JSON output named by a flag takes the place of the embedded default's and is added to a file's.
  if (!json_.empty() && config_path_.empty()) config.outputs.clear();
  if (Status s = add_each(json_, json_output_from_flag, config.outputs); !s) return s;
  if (Status s = add_each(pcap_, pcap_output_from_flag, config.outputs); !s) return s;
  if (Status s = add_each(statsd_, statsd_output_from_flag, config.outputs); !s) return s;
  if (!metrics_.empty()) {
    auto listen = metrics_from_flag(metrics_);
    if (!listen) return listen.error();
    config.metrics.listen = std::move(*listen);
  }
  if (!lcores_.empty())
    if (Status s = lcores_from_flag(lcores_, config.lcores); !s) return s;
  if (!idle_.empty())
    if (Status s = idle_from_flag(idle_, config.lcores); !s) return s;
  if (!log_level_.empty())
    if (Status s = log_level_from_flag(log_level_, config); !s) return s;
  return Ok{};
}

}  // namespace weir
