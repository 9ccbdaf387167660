// StreamId: which connection a dnstap frame came on, and which of its frames it was.
#pragma once

#include <cstdint>

namespace weir {

struct StreamId {
  uint64_t sequence = 0;  // of the frame in its connection, from 1; those that were dropped are numbered too
  uint32_t connection = 0;  // from 1, over all inputs, in the order in which they came; 0: not from a stream
  int32_t pid = 0;          // with has_credentials: of the sender, 0 where that is in another PID namespace
  uint32_t uid = 0;
  uint16_t name = 0;             // PeerNames: whose certificate the peer has shown
  bool has_credentials = false;  // UNIX sockets
};

}  // namespace weir
