// How outputs that write records are put together: the sinks of a Delivery, and a RecordOutput on each.
// Control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/net/tls.h"
#include "core/result.h"
#include "exporters/files/file_framing.h"
#include "exporters/outputs.h"
#include "exporters/record_output.h"
#include "exporters/sinks/peer_connection.h"
#include "exporters/sinks/sink.h"
#include "exporters/spool/spool_directory.h"

namespace weir {

// One for each export lcore, by its number.
using Sinks = std::vector<std::unique_ptr<Sink>>;
// A sink that sends to the first of these peers that can be reached.
using MakePeerSink = std::function<std::unique_ptr<Sink>(std::vector<Peer> peers)>;

// framing: of files, which it outlives. An Error begins with the output's name.
// max_datagram: bytes of a record; 0: the output cannot be sent in datagrams.
Result<Sinks> open_sinks(const std::string& output, const Delivery& delivery, FileFraming& framing,
                         unsigned export_lcores, const MakePeerSink& make_peer_sink, size_t max_datagram = 0);
// Over UDP no datagram is longer.
constexpr size_t kMostUdpBytes = 65'507;

// Nothing where there is no TLS; one for all export lcores.
Result<std::shared_ptr<TlsSide>> open_tls(const std::string& output, const TlsOptions& options,
                                          const Target& at, bool listens);

// make_format is given the export lcore.
template <class MakeFormat>
Result<Outputs> record_outputs(const std::string& name, const Waiting& waiting, Sinks sinks,
                               const MakeFormat& make_format) {
  std::vector<std::unique_ptr<Spool>> spools(sinks.size());
  if (waiting.when_full == WhenFull::spool) {
    auto opened = open_spools(name, waiting.spool, static_cast<unsigned>(sinks.size()));
    if (!opened) return opened.error();
    spools = std::move(*opened);
  }
  Outputs outputs;
  for (unsigned lcore = 0; lcore < sinks.size(); ++lcore)
    outputs.push_back(std::make_unique<RecordOutput>(name, lcore, waiting, make_format(lcore),
                                                     std::move(sinks[lcore]), std::move(spools[lcore])));
  return outputs;
}

}  // namespace weir
