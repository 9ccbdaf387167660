// The flags that run, decode and plan share, and how they change a Config. Each stands for a configuration
// key.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "src/config/config.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace weir {

class StreetFlags {
 public:
  // -c, --dnstap, --mirror, --file, --statsd, --metrics: run and plan.
  void add_inputs_and_outputs(CLI::App& command);
  // --filter, --dns-ports, --json and what shapes its lines, --pcap, lcores, log level: all three.
  void add_common(CLI::App& command);

  // The configuration file (or `files` for decode, or the embedded default when nothing is named), changed by
  // flags.
  [[nodiscard]] Result<Config> config(const std::vector<std::string>& files) const;

 private:
  [[nodiscard]] Result<Config> base(const std::vector<std::string>& files) const;
  [[nodiscard]] Status apply(Config& config) const;
  [[nodiscard]] Status apply_to_packets(Config& config) const;

  CLI::Option* config_given_ = nullptr;
  std::string config_path_;
  std::vector<std::string> dnstap_;
  std::vector<std::string> mirror_;
  std::vector<std::string> file_;
  std::vector<std::string> json_;
  std::vector<std::string> pcap_;
  std::vector<std::string> statsd_;
  std::string metrics_;
  std::string lcores_;
  std::string idle_;
  std::vector<std::string> fields_;
  std::vector<std::string> omit_;
  bool authority_ = false;
  bool additional_ = false;
  bool sequence_ = false;
  bool pair_ = false;
  std::string filter_;
  std::vector<std::string> dns_ports_;
  std::string log_level_;
};

}  // namespace weir
