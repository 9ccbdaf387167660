#include "src/config/config_flags.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "src/config/config_check.h"
#include "src/config/config_keys.h"

namespace weir {
namespace {

Error at_flag(const std::string& flag, const std::string& message) { return Error{flag + ": " + message}; }

// One key of a section, as if it stood in a file.
Status set_key(const ConfigSection& section, std::string_view name, void* values, const std::string& text,
               const std::string& flag) {
  const ConfigKey& key = *find_key(section, name);
  if (key.rule.automatic && text == "auto") return Ok{};  // as if it were left out
  auto value = parse_key_value(key.rule, text);
  if (!value) return at_flag(flag, value.error().message);
  key.store(values, *value);
  return Ok{};
}

Result<InputConfig> checked(InputConfig input, const std::string& flag) {
  const auto faults = check_input(input);
  if (!faults.empty()) return at_flag(flag, faults.front().key + ": " + faults.front().message);
  return input;
}

// 0000:3b:00.0 or 3b:00.0
bool is_pci_address(std::string_view text) {
  std::string_view rest = text;
  if (rest.size() == 12) {
    if (rest[4] != ':') return false;
    rest.remove_prefix(5);
  }
  return rest.size() == 7 && rest[2] == ':' && rest[5] == '.' &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool is_path(std::string_view text) {
  return !text.empty() && text != "-" && text.front() != '/' && text.find(':') == std::string_view::npos &&
         text != "null";
}

}  // namespace

Result<InputConfig> dnstap_input_from_flag(const std::string& text) {
  DnstapInputOptions options;
  if (Status set = set_key(*find_section("inputs", "dnstap"), "listen", &options, text, "--dnstap"); !set)
    return set.error();
  return checked(std::move(options), "--dnstap");
}

Result<InputConfig> mirror_input_from_flag(const std::string& text) {
  if (text.empty())
    return at_flag("--mirror", "is empty; expected an interface, a PCI address or a DPDK vdev");
  MirrorOptions options;
  const bool port = is_pci_address(text) || text.starts_with("net_") || text.find(',') != std::string::npos;
  (port ? options.port : options.interface) = text;
  return checked(std::move(options), "--mirror");
}

Result<InputConfig> file_input_from_flag(const std::vector<std::string>& paths, const std::string& flag) {
  FileOptions options;
  for (const std::string& path : paths)
    if (path.empty()) return at_flag(flag, "a path is empty; expected a file, or - for standard input");
  options.paths = paths;
  return checked(std::move(options), flag);
}

Result<OutputConfig> json_output_from_flag(const std::string& text) {
  const ConfigSection& section = *find_section("outputs", "json");
  JsonOptions options;
  const std::string to = is_path(text) ? std::filesystem::absolute(text).string() : text;
  if (Status set = set_key(section, "to", &options, to, "--json"); !set) return set.error();
  section.complete(&options, {});
  return OutputConfig(std::move(options));
}

Result<std::vector<uint16_t>> dns_ports_from_flag(const std::vector<std::string>& ports) {
  const ConfigKey& key = *find_key(*find_section("inputs", "file"), "dns_ports");
  KeyValue list;
  for (const std::string& port : ports)
    if (Status added = append_key_value(key.rule, port, list); !added)
      return at_flag("--dns-ports", added.error().message);
  FileOptions options;
  key.store(&options, list);
  return options.packets.dns_ports;
}

Result<OutputConfig> pcap_output_from_flag(const std::string& text) {
  PcapOptions options;
  const std::string to = is_path(text) ? std::filesystem::absolute(text).string() : text;
  if (Status set = set_key(*find_section("outputs", "pcap"), "to", &options, to, "--pcap"); !set)
    return set.error();
  if (options.delivery.to->path.ends_with(".pcap")) options.format = CaptureFormat::pcap;
  return OutputConfig(std::move(options));
}

Result<OutputConfig> statsd_output_from_flag(const std::string& text) {
  StatsdOptions options;
  if (Status set = set_key(*find_section("outputs", "statsd"), "to", &options, text, "--statsd"); !set)
    return set.error();
  return OutputConfig(std::move(options));
}

Result<Target> metrics_from_flag(const std::string& text) {
  auto value = parse_key_value(find_key(*find_section("", "metrics"), "listen")->rule, text);
  if (!value) return at_flag("--metrics", value.error().message);
  return value->target;
}

Status lcores_from_flag(const std::string& text, LcoreConfig& lcores) {
  const ConfigSection& section = *find_section("", "lcores");
  size_t from = 0;
  for (const std::string_view key : {"ingest", "decode", "export"}) {
    const bool last = key == "export";
    const size_t comma = text.find(',', from);
    if ((comma == std::string::npos) != last)
      return at_flag("--lcores",
                     "'" + text + "' is not INGEST,DECODE,EXPORT; write for example --lcores 1,2,2");
    if (Status set = set_key(section, key, &lcores, text.substr(from, comma - from), "--lcores"); !set)
      return set;
    from = comma + 1;
  }
  return Ok{};
}

Status idle_from_flag(const std::string& text, LcoreConfig& lcores) {
  return set_key(*find_section("", "lcores"), "idle", &lcores, text, "--idle");
}

Status log_level_from_flag(const std::string& text, Config& config) {
  return set_key(*find_section("", "log"), "level", &config, text, "--log-level");
}

Status validate(Config& config) {
  number_names(config);
  const auto faults = check_all(config, ConfigPart::whole);
  if (!faults.empty()) return Error{faults.front().key + ": " + faults.front().message};
  return Ok{};
}

}  // namespace weir
