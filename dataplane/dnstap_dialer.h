// dnstap from a sender that listens (CoreDNS's `dnstap listen`): Weir connects and is the reader of Frame
// Streams, as if the sender had connected. One connection at a time, on one ingest lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/dialer.h"
#include "core/net/tls.h"
#include "core/result.h"
#include "dataplane/dnstap_streams.h"

namespace weir {

// The one input, on an ingest lcore that follows from its index. An Error names the configuration key and the
// remedy. Precondition: options.connect.
Result<std::vector<std::unique_ptr<Input>>> open_dnstap_dialer(const DnstapInputOptions& options,
                                                               uint16_t input_index, unsigned ingest_lcores);

class DnstapDialer : public DnstapStreams {
 public:
  // tls: none for a plain connection.
  DnstapDialer(const DnstapInputOptions& options, uint16_t index, unsigned lcore,
               std::shared_ptr<TlsSide> tls);

  void describe(MetricVisitor& visitor) const override;
  void request_reload() override;

 protected:
  bool meet(const Now& now, bool signalled) override;
  void turn_away() override { dials_ = false; }
  void parted(const DnstapConnection& connection, const Now& now) override;

 private:
  void failed(const std::string& why, uint64_t pause_ns, const Now& now);

  std::shared_ptr<TlsSide> tls_;
  Dialer dialer_;
  bool dials_ = true;
  uint64_t connected_ns_ = 0;
  Counter connects_;
  Counter failures_;
};

}  // namespace weir
