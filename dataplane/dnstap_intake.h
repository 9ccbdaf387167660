// DnstapIntake: from a dnstap payload to a Frame in its shard's batch; what connections and files do with
// each data frame. Owner: the input, on its ingest lcore.
#pragma once

#include <cstdint>
#include <span>

#include "core/addr.h"
#include "core/stream_id.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

// Where a dnstap frame comes from; of a file, nothing.
struct StreamOrigin {
  Endpoint peer;
  StreamId stream;
};

class DnstapIntake {
 public:
  struct Options {
    Overflow overflow = Overflow::backpressure;
    bool live = false;  // a stream; else a file
    bool pair = false;
  };
  // input: index in the configuration.
  DnstapIntake(uint16_t input, const Options& options) : input_(input), options_(options) {}

  // true: written, or dropped for want of room (Overflow::drop), and counted. false (Overflow::backpressure):
  // no room, nothing was counted; offer it again. counters.bytes is the caller's.
  [[nodiscard]] bool take(std::span<const uint8_t> payload, const StreamOrigin& from, const Now& now,
                          FrameWriter& writer, InputCounters& counters) noexcept;

 private:
  unsigned shard(std::span<const uint8_t> payload, unsigned shards) noexcept;

  uint16_t input_;
  Options options_;
  uint32_t turn_ = 0;  // frames with nothing to hash go round
};

// CRC32 over query_address and query_port of a Dnstap message, found by a look at the top of the protobuf;
// false: none there (or it does not parse, which the decoder will say). So that a client's query and response
// meet, and one busy connection spreads over all shards.
[[nodiscard]] bool dnstap_client_hash(std::span<const uint8_t> payload, uint32_t& hash) noexcept;

// The same over the id of the DNS message in it, by which a query and its response meet where there is no
// query_address. false: there is no id.
[[nodiscard]] bool dnstap_id_hash(std::span<const uint8_t> payload, uint32_t& hash) noexcept;

}  // namespace weir
