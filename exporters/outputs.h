// The outputs that there are, and how one is opened. Control thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "exporters/capture/pcap_output.h"
#include "exporters/output.h"
#include "exporters/output_options.h"

namespace weir {

struct OutputKind {
  std::string_view name;
  std::string_view help;
};
// A new output is a row here, an open_output(), its keys and check in src/config/sections and a section in
// docs/configuration.md.
inline constexpr std::array<OutputKind, 6> kOutputKinds = {{
    {JsonOptions::kKind, "JSON lines, to standard output, a file, a peer or nowhere"},
    {DnstapOptions::kKind,
     "dnstap frames, to a file, or over TCP or UNIX sockets to a receiver or to those that connect"},
    {PcapOptions::kKind, "packets as they came in, to a capture file"},
    {SyslogOptions::kKind, "JSON lines as syslog messages, to the local socket, over UDP, TCP or TLS"},
    {KafkaOptions::kKind, "JSON lines, to a topic of Apache Kafka"},
    {StatsdOptions::kKind, "counters and gauges to a statsd server over UDP"},
}};

// A part that a build may leave out: an option of meson_options.txt, of the same name.
struct OptionalPart {
  std::string_view name;
  std::string with;  // the library and its version; empty: it is left out
};
// In the order of their names; `weir --version` shows them. Each part says of itself what it is, in a file
// that is there, or in one that takes its place where it is left out.
std::vector<OptionalPart> optional_parts();
OptionalPart kafka_part();

// What outputs are told of the street.
struct OutputContext {
  unsigned export_lcores = 1;
  std::vector<std::string> input_names = {};  // of the configuration, by Event::input
  size_t max_event_bytes = 1U << 20U;         // no event's wire data is longer
};

// One instance for each export lcore, by its number.
using Outputs = std::vector<std::unique_ptr<Output>>;

// An Error is a sentence that names the destination or the key, and the remedy. A peer that does not answer
// is no error: it is tried again until it does.
Result<Outputs> open_output(const JsonOptions& options, const OutputContext& context);
// Precondition: either to or listen.
Result<Outputs> open_output(const DnstapOptions& options, const OutputContext& context);
Result<Outputs> open_output(const SyslogOptions& options, const OutputContext& context);
// Without the part `kafka`, an Error says so. check: whether librdkafka knows its options and files of
// secrets can be used, opened or not.
Result<Outputs> open_output(const KafkaOptions& options, const OutputContext& context);
Status check_output(const KafkaOptions& options);
Result<Outputs> open_output(const StatsdOptions& options, const OutputContext& context);
// The only instance, on that export lcore. Its rings are for the caller to give.
Result<std::unique_ptr<PcapOutput>> open_output(const PcapOptions& options, unsigned export_lcore,
                                                const std::vector<std::string>& input_names);

}  // namespace weir
