#include "core/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <utility>

namespace weir {
namespace {

// The first thing that OpenSSL complained of.
std::string openssl_text() {
  const unsigned long code = ERR_peek_error();
  // The system's errors, such as a file that is not there, have no text of OpenSSL's.
  const char* text =
      ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
  std::string said = text != nullptr ? text : "unknown fault";
  ERR_clear_error();
  return said;
}

bool is_address(const std::string& name) {
  in6_addr addr{};
  return inet_pton(AF_INET, name.c_str(), &addr) == 1 || inet_pton(AF_INET6, name.c_str(), &addr) == 1;
}

// A key that wants a passphrase would ask for it on the terminal.
int no_passphrase(char* /*room*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

TlsOptions::Clients clients_of(const TlsOptions& options) {
  if (options.clients != TlsOptions::Clients::automatic) return options.clients;
  return options.ca.empty() ? TlsOptions::Clients::none : TlsOptions::Clients::required;
}

int verify_mode(bool listens, const TlsOptions& options) {
  if (!listens) return options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
  switch (clients_of(options)) {
    case TlsOptions::Clients::required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case TlsOptions::Clients::optional:
      return SSL_VERIFY_PEER;
    default:
      return SSL_VERIFY_NONE;
  }
}

}  // namespace

void TlsSessionDelete::operator()(ssl_st* session) const noexcept { SSL_free(session); }

Result<std::shared_ptr<TlsSide>> TlsSide::server(const TlsOptions& options) { return open(true, options); }

Result<std::shared_ptr<TlsSide>> TlsSide::client(const TlsOptions& options, const std::string& host) {
  TlsOptions named = options;
  if (named.name.empty()) named.name = host;
  return open(false, std::move(named));
}

Result<std::shared_ptr<TlsSide>> TlsSide::open(bool listens, TlsOptions options) {
  std::shared_ptr<TlsSide> side(new TlsSide(listens, std::move(options)));
  if (const Status read = side->reload(); !read) return read.error();
  return side;
}

Status TlsSide::reload() {
  auto context = read_files();
  if (!context) return context.error();
  const std::lock_guard lock(lock_);
  context_ = std::move(context).value();
  return Ok{};
}

Result<TlsSide::Context> TlsSide::read_files() const {
  ERR_clear_error();
  Context context(SSL_CTX_new(listens_ ? TLS_server_method() : TLS_client_method()), SSL_CTX_free);
  if (context == nullptr) return Error{"TLS cannot be set up: " + openssl_text()};
  SSL_CTX* at = context.get();
  SSL_CTX_set_min_proto_version(at, TLS1_2_VERSION);
  // Connections last for months: nothing is gained by resuming sessions, and tickets would be written to
  // senders that do not read. An end without close_notify is an end: Frame Streams say whether all came.
  SSL_CTX_set_options(at, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(at, 0);
  SSL_CTX_set_session_cache_mode(at, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(
      at, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(at, 1);  // else two system calls a record
  SSL_CTX_set_default_read_buffer_len(at, kReadAhead);
  SSL_CTX_set_default_passwd_cb(at, no_passphrase);
  if (!options_.certificate.empty()) {
    if (SSL_CTX_use_certificate_chain_file(at, options_.certificate.c_str()) != 1)
      return Error{"tls_certificate '" + options_.certificate + "' cannot be used: " + openssl_text() +
                   "; expected a PEM file that can be read"};
    const std::string& key = options_.key.empty() ? options_.certificate : options_.key;
    if (SSL_CTX_use_PrivateKey_file(at, key.c_str(), SSL_FILETYPE_PEM) != 1)
      return Error{"tls_key '" + key + "' cannot be used: " + openssl_text() +
                   "; expected the PEM key of tls_certificate, without a passphrase"};
  }
  if (!options_.ca.empty()) {
    if (SSL_CTX_load_verify_locations(at, options_.ca.c_str(), nullptr) != 1)
      return Error{"tls_ca '" + options_.ca + "' cannot be used: " + openssl_text() +
                   "; expected a PEM file that can be read"};
    if (listens_) SSL_CTX_set_client_CA_list(at, SSL_load_client_CA_file(options_.ca.c_str()));
  } else if (!listens_ && SSL_CTX_set_default_verify_paths(at) != 1) {
    return Error{"the system's certificate authorities cannot be read: " + openssl_text() + "; set tls_ca"};
  }
  SSL_CTX_set_verify(at, verify_mode(listens_, options_), nullptr);
  ERR_clear_error();
  return context;
}

TlsSession TlsSide::session(int fd) const {
  Context context;
  {
    const std::lock_guard lock(lock_);
    context = context_;
  }
  TlsSession session(SSL_new(context.get()));  // keeps the context, whatever reload() does
  if (session == nullptr || SSL_set_fd(session.get(), fd) != 1) return {};
  if (listens_) {
    SSL_set_accept_state(session.get());
    return session;
  }
  SSL_set_connect_state(session.get());
  if (is_address(options_.name)) {
    (void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), options_.name.c_str());
  } else {
    (void)SSL_set_tlsext_host_name(session.get(), options_.name.c_str());
    (void)SSL_set1_host(session.get(), options_.name.c_str());
  }
  return session;
}

void reload_certificates(TlsSide& side, const std::string& who) {
  if (const Status reloaded = side.reload(); reloaded)
    spdlog::info("{}: certificates were read again", who);
  else
    spdlog::error("{}: {}; the certificates read before stay in use", who, reloaded.error().message);
}

}  // namespace weir
