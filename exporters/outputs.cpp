#include "exporters/outputs.h"

#include <utility>

#include "exporters/broadcast_output.h"
#include "exporters/capture/packet_format.h"
#include "exporters/dnstap_format.h"
#include "exporters/file_sink.h"
#include "exporters/frame_streams_sink.h"
#include "exporters/json_format.h"
#include "exporters/line_sink.h"
#include "exporters/null_sink.h"
#include "exporters/receiver_listener.h"
#include "exporters/record_output.h"
#include "exporters/statsd_output.h"

namespace weir {
namespace {

using Sinks = std::vector<std::unique_ptr<Sink>>;

template <class Make>
Sinks one_each(unsigned export_lcores, const Make& make) {
  Sinks sinks;
  for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(make(i));
  return sinks;
}

Result<Sinks> open_file_sinks(const Target& to, FileFraming& framing, const FileRotation& rotation,
                              unsigned export_lcores) {
  auto file = RecordFile::open(to, framing, rotation);
  if (!file) return file.error();
  return one_each(export_lcores,
                  [&](unsigned lcore) { return std::make_unique<FileSink>(*file, lcore == 0); });
}

// One for all export lcores; nothing where there is no TLS.
Result<std::shared_ptr<TlsSide>> open_tls(const std::string& output, const TlsOptions& options,
                                          const Target& at, bool listens) {
  if (at.scheme != Target::Scheme::tls) return std::shared_ptr<TlsSide>();
  auto side = listens ? TlsSide::server(options) : TlsSide::client(options, at.host);
  if (!side) return Error{output + ": " + side.error().message};
  return side;
}

// One sink for each export lcore: framing for a file, PeerSink for a peer.
template <class PeerSink, class Options>
Result<Sinks> open_sinks(const Options& options, const Target& to, FileFraming& framing,
                         unsigned export_lcores) {
  switch (to.scheme) {
    case Target::Scheme::null:
      return one_each(export_lcores, [](unsigned /*lcore*/) { return std::make_unique<NullSink>(); });
    case Target::Scheme::file:
    case Target::Scheme::stdio:
      return open_file_sinks(to, framing, options.rotate, export_lcores);
    case Target::Scheme::tcp:
    case Target::Scheme::tls:
    case Target::Scheme::unix_stream: {
      const auto tls = open_tls(options.name, options.tls, to, false);
      if (!tls) return tls.error();
      return one_each(export_lcores,
                      [&](unsigned /*lcore*/) { return std::make_unique<PeerSink>(to, *tls); });
    }
    case Target::Scheme::udp:
      break;
  }
  return Error{options.name + ": to: '" + to_string(to) +
               "' is not possible here; use a file, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or null:"};
}

// One RecordOutput for each sink. make_format is given the export lcore.
template <class Options, class MakeFormat>
Outputs join(const Options& options, Sinks sinks, const MakeFormat& make_format) {
  const RecordOutputOptions record{
      .flush_ms = options.flush_ms, .backlog = options.backlog, .when_full = options.when_full};
  Outputs outputs;
  for (unsigned lcore = 0; lcore < sinks.size(); ++lcore)
    outputs.push_back(std::make_unique<RecordOutput>(options.name, lcore, record, make_format(lcore),
                                                     std::move(sinks[lcore])));
  return outputs;
}

template <class MakeFormat>
Result<Outputs> open_broadcast(const DnstapOptions& options, unsigned export_lcores,
                               const MakeFormat& make_format) {
  auto socket =
      ListenSocket::open({.at = *options.listen, .mode = options.socket_mode, .owner = options.socket_owner});
  if (!socket) return Error{options.name + ": " + socket.error().message};
  const auto tls = open_tls(options.name, options.tls, *options.listen, true);
  if (!tls) return tls.error();
  const auto listener = std::make_shared<ReceiverListener>(
      std::move(*socket), *tls,
      ReceiverListenerOptions{.max_receivers = options.max_receivers,
                              .stall_timeout_ms = options.stall_timeout_ms},
      export_lcores);
  Outputs outputs;
  for (unsigned lcore = 0; lcore < export_lcores; ++lcore)
    outputs.push_back(std::make_unique<BroadcastOutput>(
        options.name, lcore, BroadcastOptions{.flush_ms = options.flush_ms, .backlog = options.backlog},
        make_format(lcore), listener));
  return outputs;
}

}  // namespace

Result<Outputs> open_output(const JsonOptions& options, unsigned export_lcores,
                            const std::vector<std::string>& input_names) {
  if (Status status = JsonFormat::check(options.json); !status)
    return Error{options.name + ": " + status.error().message};
  auto sinks = open_sinks<LineSink>(options, options.to, line_framing(), export_lcores);
  if (!sinks) return sinks.error();
  return join(options, std::move(*sinks),
              [&](unsigned lcore) { return std::make_unique<JsonFormat>(options.json, input_names, lcore); });
}

Result<Outputs> open_output(const DnstapOptions& options, unsigned export_lcores,
                            const std::vector<std::string>& input_names, size_t max_event_bytes) {
  if (Status status = DnstapFormat::check(options.dnstap); !status)
    return Error{options.name + ": " + status.error().message};
  const auto make_format = [&](unsigned /*lcore*/) {
    return std::make_unique<DnstapFormat>(options.dnstap, input_names, max_event_bytes);
  };
  if (options.listen) return open_broadcast(options, export_lcores, make_format);
  auto sinks = open_sinks<FrameStreamsSink>(options, *options.to, frame_streams_framing(), export_lcores);
  if (!sinks) return sinks.error();
  return join(options, std::move(*sinks), make_format);
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

Result<std::unique_ptr<PcapOutput>> open_output(const PcapOptions& options, unsigned export_lcore,
                                                const std::vector<std::string>& input_names) {
  auto format = make_packet_format(options, input_names);
  std::unique_ptr<Sink> sink = std::make_unique<NullSink>();
  if (options.to.scheme != Target::Scheme::null) {
    auto file = RecordFile::open(options.to, *format, options.rotate);
    if (!file) return Error{options.name + ": " + file.error().message};
    sink = std::make_unique<FileSink>(std::move(*file));
  }
  return std::make_unique<PcapOutput>(options, export_lcore, std::move(format), std::move(sink));
}

}  // namespace weir
