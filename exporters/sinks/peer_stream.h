// PeerStream: what sinks need of a connected socket, TCP or UNIX, with TLS or without: sends, hears, and
// knows how much of what was sent may still be lost. Owner: whoever owns the connection; nothing in here
// waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/net/byte_stream.h"

namespace weir {

class PeerStream {
 public:
  // fd: connected and non-blocking, its own from now on. tls: nullptr without.
  PeerStream(int fd, bool is_unix, const TlsSide* tls);

  // TLS's handshake, as far as it goes; to be called until it is done, before all else. true: secured.
  [[nodiscard]] bool secure();
  [[nodiscard]] bool secured() const noexcept { return stream_.secured(); }
  // How many bytes were taken.
  [[nodiscard]] size_t send(std::string_view bytes);
  // How many bytes came; 0: none now.
  [[nodiscard]] size_t receive(std::span<uint8_t> room);
  // The connection is over; why() says so in a clause.
  [[nodiscard]] bool over() const noexcept { return !why_.empty(); }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  // It ended in TLS: no TLS at all, a certificate that was not accepted, a broken record.
  [[nodiscard]] bool failed_in_tls() const noexcept;

  // Asks the kernel what is still under way. A system call or two, none while nothing is.
  void look() noexcept;
  // Of the last bytes taken, those that may still be lost, at most: over TCP those that the peer's kernel has
  // not acknowledged, over a UNIX socket those that the peer has not read.
  [[nodiscard]] size_t unsettled() const noexcept { return unsettled_; }

  [[nodiscard]] bool is_unix() const noexcept { return is_unix_; }
  [[nodiscard]] int fd() const noexcept { return stream_.fd(); }
  [[nodiscard]] std::string tls_text() const { return stream_.tls_text(); }

 private:
  bool send_held();
  bool take(const ByteStream::Result& result);

  ByteStream stream_;
  const bool is_unix_;
  const bool has_tls_;
  std::string held_;  // TLS: a record's bytes that have to be offered again, the same
  size_t unsettled_ = 0;
  std::string why_;
};

}  // namespace weir
