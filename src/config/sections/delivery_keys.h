// The keys that all outputs which write records have: where to, and how records wait. Part: the member of the
// options that they are kept in.
#pragma once

#include <array>
#include <string_view>

#include "src/config/sections/key_rules.h"
#include "src/config/sections/shared_help.h"

namespace weir {

template <auto Part>
constexpr std::array<ConfigKey, 2> rotate_keys() {
  return {{
      {"rotate_size", bytes(0, 1024 * kGiB), "0", kRotateSizeHelp,
       store<Part, &Delivery::rotate, &FileRotation::bytes>},
      {"rotate_every", duration(0, 31 * 24 * kHour), "0", kRotateEveryHelp,
       store<Part, &Delivery::rotate, &FileRotation::every_ms>},
  }};
}

// Of those whose files may be compressed.
template <auto Part>
constexpr std::array<ConfigKey, 2> compress_keys() {
  return {{
      {"compress", choice("none|zstd|gzip"), "none",
       "Compress what goes to a file or standard output, on a thread of its own, an export lcore: see "
       "Compressed files in docs/operations.md.",
       store<Part, &Delivery::compress, &Compression::kind>},
      {"compress_level", integer(1, 19), "1",
       "How hard to try: `zstd` 1 to 19, `gzip` 1 to 9. Files get smaller, and take more CPU time.",
       store<Part, &Delivery::compress, &Compression::level>},
  }};
}

// Of those that may connect to several peers.
template <auto Part>
constexpr std::array<ConfigKey, 2> peer_keys(std::string_view only_with = {}) {
  return {{
      {"alternatives",
       {KeyType::targets, 0, 0, "tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH", false},
       "[]",
       "More receivers of the same, for when that of `to` is away.",
       store<Part, &Delivery::alternatives>,
       false,
       only_with},
      {"choose", choice("failover|balance"), "failover",
       "With `alternatives`: `failover` sends to the first that can be reached, `to` before the others; "
       "`balance` sends to all of them in turn, as fast as each takes.",
       store<Part, &Delivery::choose>, false, only_with},
  }};
}

template <auto Part>
constexpr std::array<ConfigKey, 5> dial_tls_keys() {
  return {{
      {"tls_certificate", of_type(KeyType::text), "", kDialCertificateHelp,
       store<Part, &Delivery::tls, &TlsOptions::certificate>},
      {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp, store<Part, &Delivery::tls, &TlsOptions::key>},
      {"tls_ca", of_type(KeyType::text), "", kDialCaHelp, store<Part, &Delivery::tls, &TlsOptions::ca>},
      {"tls_verify", of_type(KeyType::boolean), "true", kDialVerifyHelp,
       store<Part, &Delivery::tls, &TlsOptions::verify>},
      {"tls_name", of_type(KeyType::text), "", kDialNameHelp, store<Part, &Delivery::tls, &TlsOptions::name>},
  }};
}

// Part: a Waiting.
template <auto Part>
constexpr std::array<ConfigKey, 3> waiting_keys(std::string_view when_full_only_with = {}) {
  return {{
      {"flush", duration(1, 60 * kSecond), "1s", "Nothing waits longer to be written.",
       store<Part, &Waiting::flush_ms>},
      {"backlog", bytes(64 * kKiB, kGiB), "8MiB",
       "Bytes that may wait in memory for the destination, an export lcore.", store<Part, &Waiting::backlog>},
      {"when_full",
       {KeyType::choice, 0, 0, "drop_newest|block|drop_oldest|spool", true},
       "auto",
       "When the backlog is full: `drop_newest` counts the event and goes on; `drop_oldest` counts what has "
       "waited longest; `block` waits, and the inputs' `overflow` decides; `spool` writes to disk, see "
       "[Spool](#spool). auto: `spool` with a `spool` directory, else `drop_newest` for a peer, else "
       "`block`.",
       store<Part, &Waiting::when_full>,
       false,
       when_full_only_with},
  }};
}

// Part: a Waiting.
template <auto Part>
constexpr std::array<ConfigKey, 4> spool_keys(std::string_view only_with = {}) {
  return {{
      {"spool", of_type(KeyType::text), "",
       "Directory of the spool. It is made if need be; no other output or process may use it.",
       store<Part, &Waiting::spool, &SpoolOptions::path>, false, only_with},
      {"spool_size", bytes(kMiB, 1024 * kGiB), "1GiB",
       "The most that the spool takes on disk, an export lcore; beyond, the oldest records are given up and "
       "counted.",
       store<Part, &Waiting::spool, &SpoolOptions::size>, false, "spool"},
      {"spool_max_age", duration(0, 365 * 24 * kHour), "0",
       "Records that have been in the spool for longer are given up and counted. 0: none.",
       store<Part, &Waiting::spool, &SpoolOptions::max_age_ms>, false, "spool"},
      {"spool_sync", duration(0, kHour), "1s",
       "How often what was written to the spool is forced to disk, so that a power cut loses no more than "
       "this. 0: when the system likes.",
       store<Part, &Waiting::spool, &SpoolOptions::sync_ms>, false, "spool"},
  }};
}

// A peer that is away for an hour must not stop the street; a full disk is told, and the inputs wait.
template <class Options>
void complete_delivery(void* section, GivenKeys given) {
  auto& options = *static_cast<Options*>(section);
  if (has(given, "when_full")) return;
  if (!options.waiting.spool.path.empty()) {
    options.waiting.when_full = WhenFull::spool;
    return;
  }
  const auto& to = options.delivery.to;
  options.waiting.when_full = !to || is_peer(*to) ? WhenFull::drop_newest : WhenFull::block;
}

}  // namespace weir
