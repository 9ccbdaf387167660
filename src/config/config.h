// Config: what the configuration file and the flags say, as plain values with defaults. Read once at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/addr.h"
#include "core/result.h"
#include "dataplane/input_options.h"
#include "decoder/decode_options.h"
#include "exporters/output_options.h"

namespace weir {

using InputConfig = std::variant<DnstapInputOptions, MirrorOptions, FileOptions, DirectoryOptions>;
using OutputConfig =
    std::variant<JsonOptions, DnstapOptions, KafkaOptions, PcapOptions, StatsdOptions, SyslogOptions>;

enum class IdlePolicy : uint8_t {
  automatic,  // spin if every lcore has a CPU of its own that is isolated from the scheduler, else adaptive
  spin,       // poll for ever
  adaptive,   // pause, then sleep
};

enum class Share : uint8_t {
  automatic,  // with fewer CPUs than kinds of stages, where no port must be polled in time
  on,
  off,
};

struct LcoreConfig {
  unsigned ingest = 0;  // 0: from the machine
  unsigned decode = 0;
  unsigned export_ = 0;            // `export` in the file
  Share share = Share::automatic;  // stages of the same number run on one lcore
  IdlePolicy idle = IdlePolicy::automatic;
  std::vector<unsigned> cpus;  // pinned in the order ingest, decode, export; empty: floating over all CPUs
  bool operator==(const LcoreConfig&) const = default;
};

struct RingConfig {
  uint32_t depth = 16;  // batches that may wait in one ring
  uint32_t batch_bytes = 64U << 10U;
  uint32_t large_batches = 16;  // a pool, for frames over batch_bytes
  bool operator==(const RingConfig&) const = default;
};

enum class Hugepages : uint8_t {
  automatic,  // when enough of them are free
  on,         // or refuse to start
  off,
};

struct EalConfig {
  Hugepages hugepages = Hugepages::automatic;
  uint64_t memory = 0;            // bytes; 0: from the plan
  std::vector<std::string> args;  // passed through
  bool operator==(const EalConfig&) const = default;
};

struct MetricsConfig {
  std::optional<Target> listen;  // tcp; the file writes HOST:PORT
  bool operator==(const MetricsConfig&) const = default;
};

// Of an input that reads packets, else nullptr.
const PacketOptions* packet_options(const InputConfig& input);
PacketOptions* packet_options(InputConfig& input);

// Of an output that has it, else nullptr.
const Delivery* delivery_of(const OutputConfig& output);
const Waiting* waiting_of(const OutputConfig& output);

struct Config {
  std::vector<InputConfig> inputs;
  std::vector<OutputConfig> outputs;
  DecodeOptions match;
  ReassemblyOptions reassembly;  // of all inputs that read packets
  LcoreConfig lcores;
  RingConfig rings;
  EalConfig eal;
  MetricsConfig metrics;
  uint32_t drain_timeout_ms = 10'000;
  std::string log_level = "info";  // debug, info, warning, error, off
  bool operator==(const Config&) const = default;
};

// Reads YAML. Errors name file, line, key, what is expected, and the remedy, one a line; unknown keys are
// errors.
// some: flags may add the inputs or outputs that the file lacks, so that it need not have any.
enum class ConfigPart : uint8_t { whole, some };
Result<Config> load_config(const std::string& path, ConfigPart part = ConfigPart::whole);
Result<Config> parse_config(const std::string& yaml, const std::string& file_name,
                            ConfigPart part = ConfigPart::whole);

// What `weir run` does when it is told nothing: dnstap from this machine, JSON lines on standard output.
std::string embedded_default_config();

}  // namespace weir
