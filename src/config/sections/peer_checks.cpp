#include "src/config/sections/peer_checks.h"

#include <string>
#include <utility>

namespace weir {

void check_tls(const TlsOptions& tls, const Target& at, bool listens, Faults& faults) {
  if (at.scheme != Target::Scheme::tls) {
    for (const auto& [key, given] :
         {std::pair{"tls_certificate", !tls.certificate.empty()}, std::pair{"tls_key", !tls.key.empty()},
          std::pair{"tls_ca", !tls.ca.empty()}, std::pair{"tls_name", !tls.name.empty()},
          std::pair{"tls_clients", tls.clients != TlsOptions{}.clients},
          std::pair{"tls_verify", !tls.verify}})
      if (given)
        faults.push_back({key, "is for TLS, but the address is " + to_string(at) +
                                   "; remove it or write tls://HOST:PORT"});
    return;
  }
  if (listens && tls.certificate.empty())
    faults.push_back({"tls_certificate",
                      "is needed to listen on " + to_string(at) + "; name a PEM file with the certificate"});
  if (!tls.key.empty() && tls.certificate.empty())
    faults.push_back({"tls_key", "is given without tls_certificate; name the PEM file with the certificate"});
  const bool asks =
      tls.clients == TlsOptions::Clients::optional || tls.clients == TlsOptions::Clients::required;
  const bool unused_ca = listens ? tls.clients == TlsOptions::Clients::none : !tls.verify;
  if (!tls.ca.empty() && unused_ca)
    faults.push_back({"tls_ca", std::string("is of no use with ") +
                                    (listens ? "tls_clients: none" : "tls_verify: false") +
                                    "; remove one of them"});
  if (listens && asks && tls.ca.empty())
    faults.push_back({"tls_ca", "is needed to check clients' certificates; name a PEM file with their CA"});
}

// No conversion gives the same for it as for 0.
constexpr uint64_t kOtherTimeNs = 1'000'000'000'123'456'789U;

void check_rotation(const FileRotation& rotation, const Target* to, Faults& faults) {
  if (to != nullptr && to->scheme == Target::Scheme::file) {
    if (rotation.every_ms != 0 && rotation.every_ms < 1'000)
      faults.push_back({"rotate_every", "is shorter than a second; expected 1s or more, or 0"});
    if (Status status = check_file_name(to->path); !status) faults.push_back({"to", status.error().message});
    if (name_at(to->path, 0) != name_at(to->path, kOtherTimeNs) && rotation == FileRotation{})
      faults.push_back(
          {"to",
           "has a % for the time, but nothing begins a new file; add rotate_every or rotate_size, "
           "or write %% for a %"});
    return;
  }
  for (const auto& [key, given] :
       {std::pair{"rotate_size", rotation.bytes != 0}, std::pair{"rotate_every", rotation.every_ms != 0}})
    if (given)
      faults.push_back(
          {key, "is for files, but this output writes to none; remove it or write to: file:///PATH"});
}

void check_compression(const Compression& compression, const Target* to, Faults& faults) {
  constexpr uint32_t kMostGzip = 9;
  using Kind = Compression::Kind;
  const bool written =
      to != nullptr && (to->scheme == Target::Scheme::file || to->scheme == Target::Scheme::stdio);
  if (compression.kind != Kind::none && !written)
    faults.push_back(
        {"compress", "is for files, but this output writes to none; remove it or write to: file:///PATH"});
  if (compression.kind == Kind::none && compression.level != Compression{}.level)
    faults.push_back({"compress_level", "is of no use without compress; add that, or remove it"});
  if (compression.kind == Kind::gzip && compression.level > kMostGzip)
    faults.push_back({"compress_level", "is at most 9 for gzip; lower it, or write compress: zstd"});
}

void check_delivery(const Delivery& delivery, Faults& faults) {
  if (!delivery.to) {
    faults.push_back({"to", "is missing; name a destination"});
    return;
  }
  const Target& to = *delivery.to;
  check_tls(delivery.tls, to, false, faults);
  check_rotation(delivery.rotate, &to, faults);
  check_compression(delivery.compress, &to, faults);
  if (takes_datagrams(to) && !delivery.alternatives.empty()) {
    faults.push_back({"alternatives", "are for receivers that are connected to, but to is " + to_string(to) +
                                          "; remove them"});
    return;
  }
  for (const Target& other : delivery.alternatives)
    if (other.scheme != to.scheme)
      faults.push_back({"alternatives", to_string(other) + " is of another kind than to: " + to_string(to) +
                                            "; write receivers of the same kind"});
  if (delivery.alternatives.empty() && delivery.choose != Delivery{}.choose)
    faults.push_back({"choose", "is of no use without alternatives; add them, or remove it"});
}

void check_waiting(const Waiting& waiting, const std::optional<Target>& to, Faults& faults) {
  const bool spools = waiting.when_full == WhenFull::spool;
  if (spools && waiting.spool.path.empty())
    faults.push_back({"spool", "is needed with when_full: spool; name a directory for it"});
  if (!spools && !waiting.spool.path.empty())
    faults.push_back({"spool", "is only used with when_full: spool; write that, or remove it"});
  if (spools && !waiting.spool.path.empty() && waiting.spool.path.front() != '/')
    faults.push_back({"spool", "'" + waiting.spool.path + "' is relative; start it with /"});
  if (spools && waiting.spool.size < 2 * waiting.backlog)
    faults.push_back({"spool_size", "is less than twice the backlog; raise it, or lower backlog"});
  if (spools && to && !is_peer(*to))
    faults.push_back({"when_full", "spool is for destinations that may be away, but to is " + to_string(*to) +
                                       "; write block"});
}

}  // namespace weir
