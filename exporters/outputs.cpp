#include "exporters/outputs.h"

#include <utility>

#include "exporters/file_sink.h"
#include "exporters/json_format.h"
#include "exporters/null_sink.h"
#include "exporters/record_output.h"
#include "exporters/statsd_output.h"
#include "exporters/tcp_sink.h"

namespace weir {
namespace {

// One sink for each export lcore.
Result<std::vector<std::unique_ptr<Sink>>> open_sinks(const std::string& output, const Target& to,
                                                      unsigned export_lcores) {
  std::vector<std::unique_ptr<Sink>> sinks;
  switch (to.scheme) {
    case Target::Scheme::null:
      for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(std::make_unique<NullSink>());
      return sinks;
    case Target::Scheme::file:
    case Target::Scheme::stdio: {
      auto file = RecordFile::open(to);
      if (!file) return file.error();
      for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(std::make_unique<FileSink>(*file));
      return sinks;
    }
    case Target::Scheme::tcp:
      for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(std::make_unique<TcpSink>(to));
      return sinks;
    case Target::Scheme::udp:
    case Target::Scheme::unix_stream:
      break;
  }
  return Error{output + ": to: '" + to_string(to) +
               "' is not possible here; use a file, tcp://HOST:PORT, - or null:"};
}

}  // namespace

Result<Outputs> open_output(const JsonOptions& options, unsigned export_lcores,
                            const std::vector<std::string>& input_names) {
  if (Status status = JsonFormat::check(options.json); !status)
    return Error{options.name + ": " + status.error().message};
  auto sinks = open_sinks(options.name, options.to, export_lcores);
  if (!sinks) return sinks.error();
  Outputs outputs;
  for (unsigned lcore = 0; lcore < export_lcores; ++lcore) {
    outputs.push_back(std::make_unique<RecordOutput>(
        options.name, lcore,
        RecordOutputOptions{
            .flush_ms = options.flush_ms, .backlog = options.backlog, .when_full = options.when_full},
        std::make_unique<JsonFormat>(options.json, input_names, lcore), std::move((*sinks)[lcore])));
  }
  return outputs;
}

Result<Outputs> open_output(const StatsdOptions& options, unsigned export_lcores) {
  if (options.to.scheme != Target::Scheme::udp)
    return Error{options.name + ": to: '" + to_string(options.to) +
                 "' is not possible for statsd; use udp://HOST:PORT"};
  Outputs outputs;
  for (unsigned lcore = 0; lcore < export_lcores; ++lcore)
    outputs.push_back(std::make_unique<StatsdOutput>(options, lcore));
  return outputs;
}

}  // namespace weir
