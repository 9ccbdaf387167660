#include "exporters/outputs.h"

#include <utility>

#include "exporters/capture/packet_format.h"
#include "exporters/files/file_sink.h"
#include "exporters/formats/dnstap_format.h"
#include "exporters/json/json_format.h"
#include "exporters/receivers/broadcast_output.h"
#include "exporters/receivers/receiver_listener.h"
#include "exporters/record_outputs.h"
#include "exporters/sinks/frame_streams_sink.h"
#include "exporters/sinks/line_sink.h"
#include "exporters/sinks/null_sink.h"
#include "exporters/statsd/statsd_output.h"

namespace weir {
namespace {

template <class MakeFormat>
Result<Outputs> open_broadcast(const DnstapOptions& options, unsigned export_lcores,
                               const MakeFormat& make_format) {
  auto socket =
      ListenSocket::open({.at = *options.listen, .mode = options.socket_mode, .owner = options.socket_owner});
  if (!socket) return Error{options.name + ": " + socket.error().message};
  const auto tls = open_tls(options.name, options.delivery.tls, *options.listen, true);
  if (!tls) return tls.error();
  const auto listener = std::make_shared<ReceiverListener>(
      std::move(*socket), *tls,
      ReceiverListenerOptions{.max_receivers = options.max_receivers,
                              .stall_timeout_ms = options.stall_timeout_ms},
      export_lcores);
  Outputs outputs;
  for (unsigned lcore = 0; lcore < export_lcores; ++lcore)
    outputs.push_back(std::make_unique<BroadcastOutput>(
        options.name, lcore,
        BroadcastOptions{.flush_ms = options.waiting.flush_ms, .backlog = options.waiting.backlog},
        make_format(lcore), listener));
  return outputs;
}

}  // namespace

std::vector<OptionalPart> optional_parts() { return {kafka_part()}; }

Result<Outputs> open_output(const JsonOptions& options, const OutputContext& context) {
  if (Status status = JsonFormat::check(options.json); !status)
    return Error{options.name + ": " + status.error().message};
  auto sinks = open_sinks(
      options.name, options.delivery, line_framing(), context.export_lcores,
      [](std::vector<Peer> peers) { return std::make_unique<LineSink>(std::move(peers)); }, kMostUdpBytes);
  if (!sinks) return sinks.error();
  return record_outputs(options.name, options.waiting, std::move(*sinks), [&](unsigned lcore) {
    return std::make_unique<JsonFormat>(options.json, context.input_names, lcore);
  });
}

Result<Outputs> open_output(const DnstapOptions& options, const OutputContext& context) {
  if (Status status = DnstapFormat::check(options.dnstap); !status)
    return Error{options.name + ": " + status.error().message};
  const auto make_format = [&](unsigned /*lcore*/) {
    return std::make_unique<DnstapFormat>(options.dnstap, context.input_names, context.max_event_bytes);
  };
  if (options.listen) return open_broadcast(options, context.export_lcores, make_format);
  auto sinks = open_sinks(
      options.name, options.delivery, frame_streams_framing(), context.export_lcores,
      [](std::vector<Peer> peers) { return std::make_unique<FrameStreamsSink>(std::move(peers)); });
  if (!sinks) return sinks.error();
  return record_outputs(options.name, options.waiting, std::move(*sinks), make_format);
}

Result<Outputs> open_output(const StatsdOptions& options, const OutputContext& context) {
  if (options.to.scheme != Target::Scheme::udp)
    return Error{options.name + ": to: '" + to_string(options.to) +
                 "' is not possible for statsd; use udp://HOST:PORT"};
  Outputs outputs;
  for (unsigned lcore = 0; lcore < context.export_lcores; ++lcore)
    outputs.push_back(std::make_unique<StatsdOutput>(options, lcore));
  return outputs;
}

Result<std::unique_ptr<PcapOutput>> open_output(const PcapOptions& options, unsigned export_lcore,
                                                const std::vector<std::string>& input_names) {
  auto format = make_packet_format(options, input_names);
  std::unique_ptr<Sink> sink = std::make_unique<NullSink>();
  if (options.delivery.to->scheme != Target::Scheme::null) {
    auto file = RecordFile::open(*options.delivery.to, *format, options.delivery.rotate);
    if (!file) return Error{options.name + ": " + file.error().message};
    sink = std::make_unique<FileSink>(std::move(*file));
  }
  return std::make_unique<PcapOutput>(options, export_lcore, std::move(format), std::move(sink));
}

}  // namespace weir
