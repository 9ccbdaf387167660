// ByteStream: a connected, non-blocking stream socket, with TLS or without. Owner: one lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/net/tls.h"

namespace weir {

class ByteStream {
 public:
  enum class Io : uint8_t {
    done,
    again,   // when the socket is ready, see wants_to_write()
    closed,  // by the peer
    failed,  // see failure() and error(); for good
  };
  enum class Failure : uint8_t {
    none,
    socket,       // the network or the peer's kernel
    plain_text,   // the peer does not speak TLS
    certificate,  // of ours or the peer's is not accepted
    tls,          // all else of TLS
  };
  struct Result {
    Io io;
    size_t bytes;
  };

  // fd becomes the stream's.
  explicit ByteStream(int fd) noexcept : fd_(fd) {}
  ByteStream(int fd, const TlsSide& side);
  ByteStream(ByteStream&& other) noexcept;
  ByteStream& operator=(ByteStream&&) = delete;
  ~ByteStream();

  // TLS's handshake, as far as it goes now; to be called until it is done, before all else. Done at once
  // without TLS.
  [[nodiscard]] Io secure();
  [[nodiscard]] bool secured() const noexcept { return secured_; }
  // As many bytes as there are. done: at least one.
  [[nodiscard]] Result read(std::span<uint8_t> room);
  // done: at least one.
  [[nodiscard]] Result write(std::span<const uint8_t> bytes);

  [[nodiscard]] int fd() const noexcept { return fd_; }
  // After again: the socket must take bytes before there is anything to read.
  [[nodiscard]] bool wants_to_write() const noexcept { return wants_to_write_; }
  // After done: there is more to read (or a failure to hear of) that the socket does not tell.
  [[nodiscard]] bool unread() const noexcept { return unread_; }
  // Bytes that TLS has read from the socket and not given yet, at most: OpenSSL tells of its read-ahead only
  // whether there is any.
  [[nodiscard]] size_t held_bytes() const noexcept;

  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }  // a clause
  // Of the peer's certificate, if it has shown one that was verified: its first DNS name, else its subject.
  [[nodiscard]] std::string peer_subject() const;
  // "TLSv1.3, TLS_AES_256_GCM_SHA384"
  [[nodiscard]] std::string tls_text() const;

 private:
  Io after(int result);
  Io fail(Failure failure, std::string error);
  Io fail_tls();

  int fd_;
  TlsSession tls_;
  bool secured_ = true;
  bool wants_to_write_ = false;
  bool unread_ = false;
  Failure failure_ = Failure::none;
  std::string error_;
};

}  // namespace weir
