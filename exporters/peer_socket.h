// What sinks need to know of a peer's socket, TCP or UNIX: is it alive, and how much of what was sent may
// still be lost. Owner: whoever owns the socket.
#pragma once

#include <cstddef>

namespace weir {

// TCP: a peer that is gone without a word is noticed, and nothing waits to be sent in larger segments.
void watch_for_death(int fd);

class SentBytes {
 public:
  void reset() noexcept { unsettled_ = 0; }
  void add(size_t bytes) noexcept { unsettled_ += bytes; }
  // Asks the kernel. A system call or two, none while nothing is under way.
  void refresh(int fd, bool is_unix) noexcept;
  // At most so many of the last bytes may be lost: over TCP those that the peer's kernel has not
  // acknowledged, over a UNIX socket those that the peer has not read.
  [[nodiscard]] size_t unsettled() const noexcept { return unsettled_; }

 private:
  size_t unsettled_ = 0;
};

}  // namespace weir
