// TLS for non-blocking sockets (OpenSSL; TLS 1.2 and later): what one side shows and whom it accepts. The
// sessions are ByteStream's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "core/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace weir {

struct TlsOptions {
  // Clients' certificates, for the side that listens. automatic: required if there is a CA, else none.
  enum class Clients : uint8_t { none, optional, required, automatic };

  std::string certificate;  // PEM file, the chain below it included; must be there to listen
  std::string key;          // PEM file; empty: in the certificate's
  std::string ca;           // PEM file with those who may sign the peer's; empty, to dial: the system's
  Clients clients = Clients::automatic;
  bool verify = true;  // dial: the peer's certificate
  std::string name;    // dial: that the peer's certificate must be for; empty: the host
  bool operator==(const TlsOptions&) const = default;
};

struct TlsSessionDelete {
  void operator()(ssl_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_st, TlsSessionDelete>;

class TlsSide {
 public:
  // Bytes of records that a session may have read from its socket before they are asked for.
  static constexpr size_t kReadAhead = 64U << 10U;

  // An Error names the key of the configuration. Control thread.
  static Result<std::shared_ptr<TlsSide>> server(const TlsOptions& options);
  static Result<std::shared_ptr<TlsSide>> client(const TlsOptions& options, const std::string& host);

  // Reads the files again: sessions from now on use what they hold; those that exist are not touched. An
  // Error leaves all as it was. Control thread.
  Status reload();
  // Empty only when memory is out. fd stays the caller's. Any thread.
  [[nodiscard]] TlsSession session(int fd) const;

 private:
  using Context = std::shared_ptr<ssl_ctx_st>;
  TlsSide(bool listens, TlsOptions options) : listens_(listens), options_(std::move(options)) {}
  static Result<std::shared_ptr<TlsSide>> open(bool listens, TlsOptions options);
  [[nodiscard]] Result<Context> read_files() const;

  const bool listens_;
  const TlsOptions options_;
  mutable std::mutex lock_;
  Context context_;  // under lock_
};

// side.reload(), and a log line that says how it went; who: "input dnstap". Control thread.
void reload_certificates(TlsSide& side, const std::string& who);

}  // namespace weir
