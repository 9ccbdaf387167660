// Dialer: makes connections to one peer, again and again with growing pauses; names are looked up at each
// try, and each address of a name is tried. Owner: one lcore; nothing in here waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/addr.h"
#include "core/clock.h"
#include "core/net/backoff.h"
#include "core/net/resolution.h"

namespace weir {

class Dialer {
 public:
  struct Step {
    bool worked = false;
    int fd = -1;           // a connected, non-blocking socket, the caller's from now on
    std::string why = {};  // of a try that failed; the next is after pause_ns
    uint64_t pause_ns = 0;
  };

  // peer: tcp, tls or unix_stream.
  explicit Dialer(Target peer);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Each time round, while the caller has no connection.
  Step poll(const Now& now);
  // The caller's connection broke, or was of no use. Returns the pause before the next try.
  uint64_t broke(const Now& now);
  // The connection is good: failures so far are forgotten.
  void good() noexcept { backoff_.reset(); }
  [[nodiscard]] const Target& peer() const noexcept { return peer_; }

 private:
  enum class State : uint8_t { waiting, resolving, connecting, connected };

  Step start(const Now& now);
  Step connect_next(const Now& now);
  Step await(const Now& now);
  Step use();
  Step fail(std::string why, const Now& now);

  const Target peer_;
  State state_ = State::waiting;
  std::shared_ptr<Resolution> resolution_;
  size_t next_address_ = 0;
  int fd_ = -1;
  uint64_t deadline_ns_ = 0;  // waiting: next try; connecting: given up
  Backoff backoff_;
};

}  // namespace weir
