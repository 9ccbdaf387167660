#include "core/net/addr_prefix.h"
#include "src/config/sections/key_rules.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kDnstapKeys[] = {
    {"listen", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "Where senders connect. Only this machine reaches 127.0.0.1; write an address of a network to open it "
     "to that network, 0.0.0.0 or [::] for all. Either this or `connect`.",
     store<&DnstapInputOptions::listen>},
    {"connect", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "A sender that listens, such as CoreDNS with `dnstap listen`: Weir connects, again and again with "
     "growing pauses of up to 30 s. Either this or `listen`.",
     store<&DnstapInputOptions::connect>},
    {"name", of_type(KeyType::name), "dnstap", kNameHelp, store<&DnstapInputOptions::name>},
    {"overflow", choice(kOverflow), "backpressure",
     "When decode lcores are behind: `backpressure` stops reading, so that TCP slows the sender; `drop` "
     "counts the "
     "frame and goes on.",
     store<&DnstapInputOptions::overflow>},
    {"pair", of_type(KeyType::boolean), "false", kPairHelp, store<&DnstapInputOptions::pair>},
    {"frame_limit", bytes(kKiB, 16 * kMiB), "1MiB",
     "Longer frames are skipped and counted; the connection lives on.",
     store<&DnstapInputOptions::frame_limit>},
    {"max_connections", integer(1, 65'536), "4096", "More are closed at once and counted.",
     store<&DnstapInputOptions::max_connections>, false, "listen"},
    {"max_connections_per_address", integer(0, 65'536), "0",
     "More from one address are closed at once and counted. 0: no such limit.",
     store<&DnstapInputOptions::max_connections_per_address>, false, "listen"},
    {"allow", of_type(KeyType::texts), "[]",
     "Who may connect: addresses and prefixes, such as 192.0.2.0/24; [] is everybody. Others are closed at "
     "once and counted.",
     store<&DnstapInputOptions::allow>, false, "listen"},
    {"deny", of_type(KeyType::texts), "[]", "Who may not connect, whatever `allow` says.",
     store<&DnstapInputOptions::deny>, false, "listen"},
    {"rate_limit", bytes(0, kGiB), "0",
     "Bytes a second that are read from one connection; a sender that has more to say is slowed, and that is "
     "counted. 0: no limit.",
     store<&DnstapInputOptions::rate_limit>},
    {"handshake_timeout", duration(100, kHour), "5s",
     "From accept to READY, from there to START, and from STOP to the end or the next of them.",
     store<&DnstapInputOptions::handshake_timeout_ms>},
    {"idle_timeout", duration(0, 24 * kHour), "0",
     "A connection without a byte for so long is closed. 0: never; quiet servers send nothing for hours.",
     store<&DnstapInputOptions::idle_timeout_ms>},
    {"read_buffer", bytes(4 * kKiB, 4 * kMiB), "256KiB", "Bytes asked for by one read.",
     store<&DnstapInputOptions::read_buffer>},
    {"connection_metrics", integer(0, 1'000), "0",
     "So many connections, an ingest lcore, have metrics of their own, with the peer and the name in its "
     "certificate as labels. 0: none.",
     store<&DnstapInputOptions::connection_metrics>},
    {"socket_mode",
     {KeyType::octal, 0, 0777, {}, false},
     "0660",
     "File mode of a UNIX socket.",
     store<&DnstapInputOptions::socket_mode>,
     false,
     "listen"},
    {"socket_owner", of_type(KeyType::text), "",
     "USER or USER:GROUP of a UNIX socket; without it, those of the process.",
     store<&DnstapInputOptions::socket_owner>, false, "listen"},
    {"tls_certificate", of_type(KeyType::text), "",
     "PEM file with the certificate that Weir shows, and those below it. Needed to listen on tls://; to "
     "connect, if the sender asks for one. SIGHUP reads it, the key and the CA again; connections stay.",
     store<&DnstapInputOptions::tls, &TlsOptions::certificate>},
    {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp, store<&DnstapInputOptions::tls, &TlsOptions::key>},
    {"tls_ca", of_type(KeyType::text), "", kTlsCaHelp, store<&DnstapInputOptions::tls, &TlsOptions::ca>},
    {"tls_clients", choice("none|optional|required|auto"), "auto",
     "Whether senders that connect must show a certificate that `tls_ca` signed. `optional`: none, or a good "
     "one. auto: `required` with `tls_ca`, else `none`.",
     store<&DnstapInputOptions::tls, &TlsOptions::clients>, false, "listen"},
    {"tls_verify", of_type(KeyType::boolean), "true",
     "To connect: whether the sender's certificate is checked. Without it anybody in between can read and "
     "forge.",
     store<&DnstapInputOptions::tls, &TlsOptions::verify>, false, "connect"},
    {"tls_name", of_type(KeyType::text), "",
     "To connect: the name or address that the sender's certificate must be for; without it, the host of "
     "`connect`.",
     store<&DnstapInputOptions::tls, &TlsOptions::name>, false, "connect"},
};

void check_access(const DnstapInputOptions& dnstap, Faults& faults) {
  for (const auto& [key, texts] : {std::pair{"allow", &dnstap.allow}, std::pair{"deny", &dnstap.deny}})
    for (const std::string& text : *texts)
      if (const auto prefix = parse_prefix(text); !prefix) faults.push_back({key, prefix.error().message});
  if (dnstap.listen && dnstap.listen->scheme != Target::Scheme::unix_stream) return;
  for (const auto& [key, given] :
       {std::pair{"allow", !dnstap.allow.empty()}, std::pair{"deny", !dnstap.deny.empty()},
        std::pair{"max_connections_per_address", dnstap.max_connections_per_address != 0}})
    if (given)
      faults.push_back(
          {key, "is for senders that have an address; remove it, or listen on tcp:// or tls://"});
}

}  // namespace

const ConfigSection kDnstapInputSection = {
    "inputs", "dnstap", "dnstap streams from DNS servers.", kDnstapKeys, add_input<DnstapInputOptions>,
    nullptr};

Faults check(const DnstapInputOptions& dnstap) {
  Faults faults;
  if (!dnstap.listen && !dnstap.connect)
    return {{"listen",
             "neither listen nor connect is given; write listen: \"tcp://127.0.0.1:6000\" for senders "
             "that connect, or connect: for one that listens"}};
  if (dnstap.listen && dnstap.connect)
    return {{"connect", "listen and connect are both given; keep one, or make two inputs of them"}};
  check_socket_file(dnstap, faults);
  check_tls(dnstap.tls, dnstap.listen ? *dnstap.listen : *dnstap.connect, dnstap.listen.has_value(), faults);
  check_access(dnstap, faults);
  return faults;
}

}  // namespace weir
