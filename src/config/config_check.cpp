#include "src/config/config_check.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "core/net/addr_prefix.h"
#include "dataplane/mirror_eal.h"
#include "exporters/field_template.h"
#include "exporters/json_keys.h"
#include "src/config/config_conflicts.h"
#include "src/config/nearest_name.h"

namespace weir {
namespace {

struct InputKind {
  std::string_view operator()(const DnstapInputOptions& /*input*/) const { return "dnstap"; }
  std::string_view operator()(const MirrorOptions& /*input*/) const { return "mirror"; }
  std::string_view operator()(const FileOptions& /*input*/) const { return "file"; }
  std::string_view operator()(const DirectoryOptions& /*input*/) const { return "directory"; }
};
struct OutputKind {
  std::string_view operator()(const JsonOptions& /*output*/) const { return "json"; }
  std::string_view operator()(const DnstapOptions& /*output*/) const { return "dnstap"; }
  std::string_view operator()(const PcapOptions& /*output*/) const { return "pcap"; }
  std::string_view operator()(const StatsdOptions& /*output*/) const { return "statsd"; }
};

using Faults = std::vector<KeyFault>;

// listen: absent where Weir connects. A mode that is the default's is not known to be given.
template <class Options>
void check_socket_file(const Options& options, Faults& faults) {
  const std::string& owner = options.socket_owner;
  const std::optional<Target>& listen = options.listen;
  if (!listen || listen->scheme != Target::Scheme::unix_stream) {
    for (const auto& [key, given] : {std::pair{"socket_mode", options.socket_mode != Options{}.socket_mode},
                                     std::pair{"socket_owner", !owner.empty()}})
      if (given)
        faults.push_back({key, "is for UNIX sockets that Weir makes" +
                                   (listen ? ", but listen is " + to_string(*listen) : std::string()) +
                                   "; remove it or listen on unix:///PATH"});
  }
  if (owner.empty()) return;
  const size_t colon = owner.find(':');
  if (colon == 0 || colon + 1 == owner.size())
    faults.push_back({"socket_owner", "'" + owner + "' is not valid; expected USER or USER:GROUP"});
}

void check_tls(const TlsOptions& tls, const Target& at, bool listens, Faults& faults) {
  if (at.scheme != Target::Scheme::tls) {
    for (const auto& [key, given] :
         {std::pair{"tls_certificate", !tls.certificate.empty()}, std::pair{"tls_key", !tls.key.empty()},
          std::pair{"tls_ca", !tls.ca.empty()}, std::pair{"tls_name", !tls.name.empty()},
          std::pair{"tls_clients", tls.clients != TlsOptions{}.clients},
          std::pair{"tls_verify", !tls.verify}})
      if (given)
        faults.push_back({key, "is for TLS, but the address is " + to_string(at) +
                                   "; remove it or write tls://HOST:PORT"});
    return;
  }
  if (listens && tls.certificate.empty())
    faults.push_back({"tls_certificate",
                      "is needed to listen on " + to_string(at) + "; name a PEM file with the certificate"});
  if (!tls.key.empty() && tls.certificate.empty())
    faults.push_back({"tls_key", "is given without tls_certificate; name the PEM file with the certificate"});
  const bool asks =
      tls.clients == TlsOptions::Clients::optional || tls.clients == TlsOptions::Clients::required;
  const bool unused_ca = listens ? tls.clients == TlsOptions::Clients::none : !tls.verify;
  if (!tls.ca.empty() && unused_ca)
    faults.push_back({"tls_ca", std::string("is of no use with ") +
                                    (listens ? "tls_clients: none" : "tls_verify: false") +
                                    "; remove one of them"});
  if (listens && asks && tls.ca.empty())
    faults.push_back({"tls_ca", "is needed to check clients' certificates; name a PEM file with their CA"});
}

void check_rotation(const FileRotation& rotation, const Target* to, Faults& faults) {
  if (to != nullptr && to->scheme == Target::Scheme::file) {
    if (rotation.every_ms != 0 && rotation.every_ms < 1'000)
      faults.push_back({"rotate_every", "is shorter than a second; expected 1s or more, or 0"});
    return;
  }
  for (const auto& [key, given] :
       {std::pair{"rotate_size", rotation.bytes != 0}, std::pair{"rotate_every", rotation.every_ms != 0}})
    if (given)
      faults.push_back(
          {key, "is for files, but this output writes to none; remove it or write to: file:///PATH"});
}

void check_access(const DnstapInputOptions& dnstap, Faults& faults) {
  for (const auto& [key, texts] : {std::pair{"allow", &dnstap.allow}, std::pair{"deny", &dnstap.deny}})
    for (const std::string& text : *texts)
      if (const auto prefix = parse_prefix(text); !prefix) faults.push_back({key, prefix.error().message});
  if (dnstap.listen && dnstap.listen->scheme != Target::Scheme::unix_stream) return;
  for (const auto& [key, given] :
       {std::pair{"allow", !dnstap.allow.empty()}, std::pair{"deny", !dnstap.deny.empty()},
        std::pair{"max_connections_per_address", dnstap.max_connections_per_address != 0}})
    if (given)
      faults.push_back(
          {key, "is for senders that have an address; remove it, or listen on tcp:// or tls://"});
}

Faults check(const DnstapInputOptions& dnstap) {
  Faults faults;
  if (!dnstap.listen && !dnstap.connect)
    return {{"listen",
             "neither listen nor connect is given; write listen: \"tcp://127.0.0.1:6000\" for senders "
             "that connect, or connect: for one that listens"}};
  if (dnstap.listen && dnstap.connect)
    return {{"connect", "listen and connect are both given; keep one, or make two inputs of them"}};
  check_socket_file(dnstap, faults);
  check_tls(dnstap.tls, dnstap.listen ? *dnstap.listen : *dnstap.connect, dnstap.listen.has_value(), faults);
  check_access(dnstap, faults);
  return faults;
}

Faults check(const MirrorOptions& mirror) {
  Faults faults;
  if (mirror.port.empty() && mirror.interface.empty())
    faults.push_back({"port",
                      "neither port nor interface is given; write interface: NAME for packets through the "
                      "kernel, or port: PCI-ADDRESS for a NIC bound to DPDK"});
  if (!mirror.port.empty() && !mirror.interface.empty())
    faults.push_back({"interface", "port and interface are both given; keep one of them"});
  if (mirror.interface.size() > 15 || mirror.interface.find_first_of("/, \t") != std::string::npos)
    faults.push_back(
        {"interface", "'" + mirror.interface +
                          "' is no interface's name; expected one that `ip link` shows, such as eth1"});
  if (mirror.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  // An interface's ring has no descriptors.
  const uint32_t least = least_mbufs(mirror.rx_descriptors);
  if (mirror.interface.empty() && mirror.mbufs < least)
    faults.push_back({"mbufs", std::to_string(mirror.mbufs) + " are too few: a port with rx_descriptors: " +
                                   std::to_string(mirror.rx_descriptors) + " needs at least " +
                                   std::to_string(least) +
                                   "; raise mbufs, better to twice rx_descriptors or more"});
  return faults;
}

Faults check(const FileOptions& file) {
  Faults faults;
  if (file.paths.empty()) faults.push_back({"paths", "is empty; expected at least one file"});
  if (file.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  if (std::count(file.paths.begin(), file.paths.end(), "-") > 1)
    faults.push_back({"paths", "standard input (\"-\") is named twice; keep one of them"});
  return faults;
}

Faults check(const DirectoryOptions& directory) {
  Faults faults;
  if (directory.path.empty()) faults.push_back({"path", "is empty; expected a directory"});
  if (directory.pattern.empty())
    faults.push_back({"pattern", "is empty; expected at least one, such as [\"*.pcap\"]"});
  const bool moves = directory.after.starts_with("move:");
  if (directory.after != "keep" && directory.after != "delete" && !moves)
    faults.push_back({"after", "'" + directory.after + "' is not valid; expected keep, delete or move:DIR"});
  if (moves && directory.move_to().empty())
    faults.push_back({"after", "names no directory; expected move:DIR, such as move:done"});
  if (directory.state.empty()) faults.push_back({"state", "is empty; expected a file, such as .weir-state"});
  if (directory.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  return faults;
}

void check_json_keys(const std::vector<std::string>& named, const char* key, Faults& faults) {
  for (const std::string& name : named) {
    if (json_key(name)) continue;
    const std::string_view near = nearest_name(name, {kJsonKeys.begin(), kJsonKeys.end()});
    std::string message = "'" + name + "' is no key of the JSON line; ";
    if (!near.empty()) message += "did you mean " + std::string(near) + "? ";
    faults.push_back({key, message + "docs/schema.json has them all"});
  }
}

Faults check(const JsonOptions& json) {
  Faults faults;
  check_json_keys(json.json.fields, "fields", faults);
  check_json_keys(json.json.omit, "omit", faults);
  for (const std::string& name : json.json.omit)
    if (std::find(json.json.fields.begin(), json.json.fields.end(), name) != json.json.fields.end())
      faults.push_back({"omit", "'" + name + "' is in fields, too; keep one of them"});
  const auto needs = [&](std::string_view field, bool on, std::string_view key) {
    const auto& fields = json.json.fields;
    if (!on && std::find(fields.begin(), fields.end(), field) != fields.end())
      faults.push_back({"fields", "'" + std::string(field) + "' is only written with " + std::string(key) +
                                      ": true; add that, or leave it out of fields"});
  };
  needs("authority", json.json.authority, "authority");
  needs("additional", json.json.additional, "additional");
  for (const char* key : {"connection", "connection_seq", "peer_pid", "peer_uid", "peer_name"})
    needs(key, json.json.stream, "stream");
  needs("seq", json.json.sequence, "sequence");
  needs("lane", json.json.sequence, "sequence");
  check_tls(json.tls, json.to, false, faults);
  check_rotation(json.rotate, &json.to, faults);
  return faults;
}

Faults check(const DnstapOptions& output) {
  Faults faults;
  if (output.to && output.listen)
    faults.push_back({"listen", "to and listen are both given; keep one of them"});
  if (!output.to && !output.listen)
    faults.push_back({"to",
                      "neither to nor listen is given; write to: with a file or a receiver to connect to, or "
                      "listen: for receivers that connect"});
  if (output.listen && !output.to) check_socket_file(output, faults);
  check_rotation(output.rotate, output.to ? &*output.to : nullptr, faults);
  if (output.listen || output.to)
    check_tls(output.tls, output.listen ? *output.listen : *output.to, output.listen.has_value(), faults);
  const auto check_template = [&](const char* key, const std::string& text) {
    if (Status status = FieldTemplate::check(text); !status) faults.push_back({key, status.error().message});
  };
  check_template("identity", output.dnstap.identity);
  check_template("version", output.dnstap.version);
  check_template("extra", output.dnstap.extra);
  return faults;
}

Faults check(const PcapOptions& pcap) {
  Faults faults;
  check_rotation(pcap.rotate, &pcap.to, faults);
  const bool filters = pcap.pick == CapturePick::filter;
  if (filters && pcap.filter.empty())
    faults.push_back({"filter", "is needed with pick: filter; write for example filter: \"host 192.0.2.1\""});
  if (!filters && !pcap.filter.empty())
    faults.push_back({"filter", "is only asked with pick: filter; write that, or remove it"});
  return faults;
}

Faults check(const StatsdOptions& /*statsd*/) { return {}; }

template <class Item>
std::string& name_of(Item& item) {
  return std::visit([](auto& options) -> std::string& { return options.name; }, item);
}

template <class Items>
void number_names_of(Items& items) {
  std::set<std::string> used;
  for (auto& item : items) {
    std::string& name = name_of(item);
    const std::string base = name;
    for (unsigned n = 2; !used.insert(name).second; ++n) name = base + "-" + std::to_string(n);
  }
}

}  // namespace

Faults check_input(const InputConfig& input) {
  return std::visit([](const auto& options) { return check(options); }, input);
}

Faults check_output(const OutputConfig& output) {
  return std::visit([](const auto& options) { return check(options); }, output);
}

Faults check_all(const Config& config) {
  Faults faults;
  const auto add = [&](const std::string& path, const Faults& found) {
    for (const KeyFault& fault : found) faults.push_back({path + "." + fault.key, fault.message});
  };
  for (size_t i = 0; i < config.inputs.size(); ++i) add(input_path(config, i), check_input(config.inputs[i]));
  for (size_t i = 0; i < config.outputs.size(); ++i)
    add(output_path(config, i), check_output(config.outputs[i]));
  if (config.inputs.empty())
    faults.push_back({"inputs",
                      "there are none; expected at least one, such as - dnstap: { listen: "
                      "\"tcp://127.0.0.1:6000\" }"});
  if (config.outputs.empty())
    faults.push_back({"outputs",
                      "there are none; expected at least one, such as - json: { to: "
                      "\"file:///var/log/weir/dns.jsonl\" }"});
  check_conflicts(config, faults);
  return faults;
}

void number_names(Config& config) {
  number_names_of(config.inputs);
  number_names_of(config.outputs);
}

std::string input_path(const Config& config, size_t index) {
  return "inputs[" + std::to_string(index) + "]." +
         std::string(std::visit(InputKind{}, config.inputs[index]));
}

std::string output_path(const Config& config, size_t index) {
  return "outputs[" + std::to_string(index) + "]." +
         std::string(std::visit(OutputKind{}, config.outputs[index]));
}

}  // namespace weir
