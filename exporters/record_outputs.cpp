#include "exporters/record_outputs.h"

#include "exporters/files/compressed_framing.h"
#include "exporters/files/compressing_sink.h"
#include "exporters/files/file_sink.h"
#include "exporters/sinks/balanced_sink.h"
#include "exporters/sinks/datagram_sink.h"
#include "exporters/sinks/null_sink.h"
#include "exporters/sinks/offloaded_sink.h"

namespace weir {
namespace {

template <class Make>
Sinks one_each(unsigned export_lcores, const Make& make) {
  Sinks sinks;
  for (unsigned i = 0; i < export_lcores; ++i) sinks.push_back(make(i));
  return sinks;
}

// A file and the framing that it needs until it is closed.
struct CompressedFile {
  CompressedFraming framing;
  std::shared_ptr<RecordFile> file;
};

// Neither compressing nor writing is for the export lcore then.
Result<Sinks> open_compressed_sinks(const Delivery& delivery, const FileFraming& content,
                                    unsigned export_lcores) {
  const Compression& compression = delivery.compress;
  auto whole = std::make_shared<CompressedFile>(CompressedFile{{compression, content}, {}});
  auto file = RecordFile::open(*delivery.to, whole->framing, delivery.rotate);
  if (!file) return file.error();
  whole->file = std::move(*file);
  const std::shared_ptr<RecordFile> shared(whole, whole->file.get());
  return one_each(export_lcores, [&](unsigned lcore) {
    return std::make_unique<OffloadedSink>(
        std::make_unique<CompressingSink>(compression, FileSink(shared, lcore == 0)));
  });
}

Result<Sinks> open_file_sinks(const Delivery& delivery, FileFraming& framing, unsigned export_lcores) {
  if (delivery.compress.kind != Compression::Kind::none)
    return open_compressed_sinks(delivery, framing, export_lcores);
  auto file = RecordFile::open(*delivery.to, framing, delivery.rotate);
  if (!file) return file.error();
  return one_each(export_lcores,
                  [&](unsigned lcore) { return std::make_unique<FileSink>(*file, lcore == 0); });
}

Result<std::vector<Peer>> open_peers(const std::string& output, const Delivery& delivery) {
  std::vector<Target> targets = {*delivery.to};
  targets.insert(targets.end(), delivery.alternatives.begin(), delivery.alternatives.end());
  std::vector<Peer> peers;
  for (const Target& target : targets) {
    auto tls = open_tls(output, delivery.tls, target, false);
    if (!tls) return tls.error();
    peers.push_back({target, std::move(*tls)});
  }
  return peers;
}

std::unique_ptr<Sink> make_sink(Choose choose, const std::vector<Peer>& peers,
                                const MakePeerSink& make_peer_sink) {
  if (choose == Choose::failover || peers.size() == 1) return make_peer_sink(peers);
  std::vector<BalancedSink::Part> parts;
  parts.reserve(peers.size());
  for (const Peer& peer : peers) parts.push_back({to_string(peer.at), make_peer_sink({peer})});
  return std::make_unique<BalancedSink>(std::move(parts));
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
                         unsigned export_lcores, const MakePeerSink& make_peer_sink, size_t max_datagram) {
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
      const auto peers = open_peers(output, delivery);
      if (!peers) return peers.error();
      return one_each(export_lcores,
                      [&](unsigned /*lcore*/) { return make_sink(delivery.choose, *peers, make_peer_sink); });
    }
    case Target::Scheme::udp:
    case Target::Scheme::unix_datagram:
      if (max_datagram == 0) break;
      return one_each(export_lcores,
                      [&](unsigned /*lcore*/) { return std::make_unique<DatagramSink>(to, max_datagram); });
  }
  return Error{output + ": to: '" + to_string(to) +
               "' is not possible here; docs/configuration.md has what is"};
}

}  // namespace weir
