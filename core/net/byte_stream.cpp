#include "core/net/byte_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace weir {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

std::string first_dns_name(X509* certificate) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string found;
  for (int i = 0; found.empty() && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    found.assign(bytes, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(names);
  return found;
}

std::string subject_text(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  (void)X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const char* bytes = nullptr;
  const long n = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(n)};
}

// What one sees who speaks Frame Streams or HTTP to a TLS port.
bool is_plain_text(int reason) {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_UNKNOWN_PROTOCOL ||
         reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_BAD_RECORD_TYPE;
}

// The peer has not begun: nothing of its handshake was understood.
bool is_first_heard(const SSL* session) {
  const OSSL_HANDSHAKE_STATE state = SSL_get_state(session);
  return state == TLS_ST_BEFORE || state == TLS_ST_CW_CLNT_HELLO;
}

bool is_about_certificates(int reason) {
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

ByteStream::ByteStream(int fd, const TlsSide& side) : fd_(fd), tls_(side.session(fd)), secured_(false) {}

ByteStream::ByteStream(ByteStream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      secured_(other.secured_),
      wants_to_write_(other.wants_to_write_),
      unread_(other.unread_),
      failure_(other.failure_),
      error_(std::move(other.error_)) {}

ByteStream::~ByteStream() {
  if (fd_ < 0) return;
  if (tls_ && secured_ && failure_ == Failure::none) (void)SSL_shutdown(tls_.get());
  ERR_clear_error();
  tls_.reset();
  ::close(fd_);
}

ByteStream::Io ByteStream::fail(Failure failure, std::string error) {
  failure_ = failure;
  error_ = std::move(error);
  return Io::failed;
}

ByteStream::Io ByteStream::fail_tls() {
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  const char* text = ERR_reason_error_string(code);
  std::string said = text != nullptr ? text : "unknown fault";
  ERR_clear_error();
  if (!secured_ && is_first_heard(tls_.get()) && is_plain_text(reason))
    return fail(Failure::plain_text, "it does not speak TLS (" + said + ")");
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
    said = std::string("its certificate is not accepted: ") +
           X509_verify_cert_error_string(SSL_get_verify_result(tls_.get()));
  return fail(is_about_certificates(reason) ? Failure::certificate : Failure::tls, std::move(said));
}

// What a call of OpenSSL that did not succeed means.
ByteStream::Io ByteStream::after(int result) {
  const int error = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::again;
    case SSL_ERROR_WANT_WRITE:
      wants_to_write_ = true;
      return Io::again;
    case SSL_ERROR_ZERO_RETURN:
      return Io::closed;
    case SSL_ERROR_SYSCALL:
      return error == 0 ? Io::closed : fail(Failure::socket, std::strerror(error));
    default:
      return fail_tls();
  }
}

ByteStream::Io ByteStream::secure() {
  if (secured_) return Io::done;
  if (!tls_) return fail(Failure::tls, "out of memory");
  ERR_clear_error();
  wants_to_write_ = false;
  errno = 0;
  const int result = SSL_do_handshake(tls_.get());
  if (result != 1) return after(result);
  secured_ = true;
  return Io::done;
}

ByteStream::Result ByteStream::read(std::span<uint8_t> room) {
  unread_ = false;
  if (failure_ != Failure::none) return {Io::failed, 0};
  if (!tls_) {
    const ssize_t n = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
    if (n > 0) return {Io::done, static_cast<size_t>(n)};
    if (n == 0) return {Io::closed, 0};
    if (errno == EAGAIN || errno == EINTR) return {Io::again, 0};
    return {fail(Failure::socket, std::strerror(errno)), 0};
  }
  wants_to_write_ = false;
  size_t total = 0;
  while (total < room.size()) {
    ERR_clear_error();
    errno = 0;
    size_t n = 0;
    const int result = SSL_read_ex(tls_.get(), room.data() + total, room.size() - total, &n);
    if (result == 1) {
      total += n;
      continue;
    }
    const Io io = after(result);
    if (total == 0) return {io, 0};
    unread_ = io != Io::again;  // it will be said again, or is kept
    return {Io::done, total};
  }
  unread_ = SSL_has_pending(tls_.get()) != 0;
  return {Io::done, total};
}

ByteStream::Result ByteStream::write(std::span<const uint8_t> bytes) {
  if (failure_ != Failure::none) return {Io::failed, 0};
  if (!tls_) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return {Io::done, static_cast<size_t>(n)};
    if (errno == EAGAIN || errno == EINTR) return {Io::again, 0};
    return {fail(Failure::socket, std::strerror(errno)), 0};
  }
  wants_to_write_ = false;
  ERR_clear_error();
  errno = 0;
  size_t n = 0;
  const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &n);
  if (result == 1) return {Io::done, n};
  return {after(result), 0};
}

size_t ByteStream::held_bytes() const noexcept {
  if (!tls_ || SSL_has_pending(tls_.get()) == 0) return 0;
  return static_cast<size_t>(SSL_pending(tls_.get())) + TlsSide::kReadAhead;
}

std::string ByteStream::peer_subject() const {
  if (!tls_ || SSL_get_verify_result(tls_.get()) != X509_V_OK) return {};
  const Certificate certificate(SSL_get1_peer_certificate(tls_.get()), X509_free);
  if (!certificate) return {};
  const std::string name = first_dns_name(certificate.get());
  return name.empty() ? subject_text(certificate.get()) : name;
}

std::string ByteStream::tls_text() const {
  if (!tls_) return {};
  return std::string(SSL_get_version(tls_.get())) + ", " + SSL_get_cipher_name(tls_.get());
}

}  // namespace weir
