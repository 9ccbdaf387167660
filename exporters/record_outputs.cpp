#include "exporters/record_outputs.h"

#include "exporters/files/file_sink.h"
#include "exporters/sinks/null_sink.h"

namespace weir {
namespace {

template <class Make>
Sinks one_each(unsigned export_lcores, const Make& make) {
  Sinks sinks;
  for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(make(i));
  return sinks;
}

Result<Sinks> open_file_sinks(const Delivery& delivery, FileFraming& framing, unsigned export_lcores) {
  auto file = RecordFile::open(*delivery.to, framing, delivery.rotate);
  if (!file) return file.error();
  return one_each(export_lcores,
                  [&](unsigned lcore) { return std::make_unique<FileSink>(*file, lcore == 0); });
}

}  // namespace

Result<std::shared_ptr<TlsSide>> open_tls(const std::string& output, const TlsOptions& options,
                                          const Target& at, bool listens) {
  if (at.scheme != Target::Scheme::tls) return std::shared_ptr<TlsSide>();
  auto side = listens ? TlsSide::server(options) : TlsSide::client(options, at.host);
  if (!side) return Error{output + ": " + side.error().message};
  return side;
}

Result<Sinks> open_sinks(const std::string& output, const Delivery& delivery, FileFraming& framing,
                         unsigned export_lcores, const MakePeerSink& make_peer_sink) {
  if (!delivery.to) return Error{output + ": to: is missing; name a destination"};
  const Target& to = *delivery.to;
  switch (to.scheme) {
    case Target::Scheme::null:
      return one_each(export_lcores, [](unsigned /*lcore*/) { return std::make_unique<NullSink>(); });
    case Target::Scheme::file:
    case Target::Scheme::stdio:
      return open_file_sinks(delivery, framing, export_lcores);
    case Target::Scheme::tcp:
    case Target::Scheme::tls:
    case Target::Scheme::unix_stream: {
      const auto tls = open_tls(output, delivery.tls, to, false);
      if (!tls) return tls.error();
      return one_each(export_lcores, [&](unsigned /*lcore*/) { return make_peer_sink(to, *tls); });
    }
    case Target::Scheme::udp:
    case Target::Scheme::unix_datagram:
      break;
  }
  return Error{output + ": to: '" + to_string(to) +
               "' is not possible here; use a file, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or null:"};
}

}  // namespace weir
