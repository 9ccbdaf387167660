// Output `syslog`: how one is opened.
#include <memory>
#include <utility>
#include <vector>

#include "exporters/outputs.h"
#include "exporters/record_outputs.h"
#include "exporters/sinks/line_sink.h"
#include "exporters/syslog/syslog_format.h"

namespace weir {
namespace {

SyslogFraming framing_of(const SyslogOptions& options) {
  const Target::Scheme scheme = options.delivery.to->scheme;
  if (takes_datagrams(*options.delivery.to)) return SyslogFraming::lines;
  if (options.syslog.framing != SyslogFraming::automatic) return options.syslog.framing;
  const bool network = scheme == Target::Scheme::tcp || scheme == Target::Scheme::tls;
  return network ? SyslogFraming::octets : SyslogFraming::lines;
}

}  // namespace

Result<Outputs> open_output(const SyslogOptions& options, const OutputContext& context) {
  if (Status status = JsonFormat::check(options.json); !status)
    return Error{options.name + ": " + status.error().message};
  auto sinks = open_sinks(
      options.name, options.delivery, line_framing(), context.export_lcores,
      [](std::vector<Peer> peers) { return std::make_unique<LineSink>(std::move(peers)); },
      options.syslog.max_message);
  if (!sinks) return sinks.error();
  const std::string hostname = syslog_hostname(options.syslog.hostname);
  return record_outputs(options.name, options.waiting, std::move(*sinks), [&](unsigned lcore) {
    return std::make_unique<SyslogFormat>(
        options.syslog, framing_of(options), hostname,
        std::make_unique<JsonFormat>(options.json, context.input_names, lcore));
  });
}

}  // namespace weir
