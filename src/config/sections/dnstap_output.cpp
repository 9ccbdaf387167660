#include "exporters/formats/field_template.h"
#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 11> kFrameKeys = {{
    {"to", target("file:///PATH|tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH|\"null:\""), "",
     "A Frame Streams file, which is appended to and reopened on SIGHUP; a receiver that is connected to, "
     "over TCP, TLS or a UNIX socket; or \"null:\", which throws frames away. Either this or `listen`.",
     store<&DnstapOptions::delivery, &Delivery::to>},
    {"listen", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "Where receivers connect, each of which is sent all frames. Only this machine reaches 127.0.0.1. Either "
     "this or `to`.",
     store<&DnstapOptions::listen>},
    {"name", of_type(KeyType::name), "dnstap", kOutputNameHelp, store<&DnstapOptions::name>},
    {"as", choice("client|auth"), "client",
     "What messages made from mirrored traffic are: `client`, CLIENT_QUERY and CLIENT_RESPONSE, as from a "
     "resolver; "
     "`auth`, AUTH_QUERY and AUTH_RESPONSE, as from an authoritative server.",
     store<&DnstapOptions::dnstap, &DnstapFields::as>},
    {"identity", of_type(KeyType::text), "",
     "Written in place of the frame's identity; a template, see below. Without it, the field stays as it "
     "came.",
     store<&DnstapOptions::dnstap, &DnstapFields::identity>},
    {"version", of_type(KeyType::text), "", "The same for the frame's version.",
     store<&DnstapOptions::dnstap, &DnstapFields::version>},
    {"extra", of_type(KeyType::text), "", "The same for the frame's extra.",
     store<&DnstapOptions::dnstap, &DnstapFields::extra>},
    {"max_receivers", integer(1, 4'096), "64", "With `listen`: more are closed at once and counted.",
     store<&DnstapOptions::max_receivers>, false, "listen"},
    {"stall_timeout", duration(100, kHour), "10s",
     "With `listen`: a receiver that takes nothing for so long, though frames wait for it, is closed.",
     store<&DnstapOptions::stall_timeout_ms>, false, "listen"},
    {"socket_mode",
     {KeyType::octal, 0, 0777, {}, false},
     "0660",
     "With `listen`: file mode of a UNIX socket.",
     store<&DnstapOptions::socket_mode>,
     false,
     "listen"},
    {"socket_owner", of_type(KeyType::text), "",
     "With `listen`: USER or USER:GROUP of a UNIX socket; without it, those of the process.",
     store<&DnstapOptions::socket_owner>, false, "listen"},
}};
constexpr std::array<ConfigKey, 6> kTlsKeys = {{
    {"tls_certificate", of_type(KeyType::text), "",
     "PEM file with the certificate that Weir shows, and those below it. Needed to listen on tls://; to "
     "connect, if the receiver asks for one. SIGHUP reads it, the key and the CA again; connections stay.",
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::certificate>},
    {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp,
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::key>},
    {"tls_ca", of_type(KeyType::text), "", kTlsCaHelp,
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::ca>},
    {"tls_clients", choice("none|optional|required|auto"), "auto",
     "With `listen`: whether receivers must show a certificate that `tls_ca` signed. `optional`: none, or a "
     "good one. auto: `required` with `tls_ca`, else `none`.",
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::clients>, false, "listen"},
    {"tls_verify", of_type(KeyType::boolean), "true", kDialVerifyHelp,
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::verify>, false, "to"},
    {"tls_name", of_type(KeyType::text), "", kDialNameHelp,
     store<&DnstapOptions::delivery, &Delivery::tls, &TlsOptions::name>, false, "to"},
}};
constexpr auto kTable =
    join(kFrameKeys, waiting_keys<&DnstapOptions::waiting>("to"), spool_keys<&DnstapOptions::waiting>("to"),
         peer_keys<&DnstapOptions::delivery>("to"), rotate_keys<&DnstapOptions::delivery>(),
         compress_keys<&DnstapOptions::delivery>(), kTlsKeys);

}  // namespace

const ConfigSection kDnstapOutputSection = {"outputs",
                                            "dnstap",
                                            "dnstap frames, as a Frame Streams writer.",
                                            kTable,
                                            add_output<DnstapOptions>,
                                            complete_delivery<DnstapOptions>};

Faults check(const DnstapOptions& output) {
  Faults faults;
  if (output.delivery.to && output.listen)
    faults.push_back({"listen", "to and listen are both given; keep one of them"});
  if (!output.delivery.to && !output.listen)
    faults.push_back({"to",
                      "neither to nor listen is given; write to: with a file or a receiver to connect to, or "
                      "listen: for receivers that connect"});
  if (output.listen && !output.delivery.to) check_socket_file(output, faults);
  if (output.listen) {
    check_rotation(output.delivery.rotate, nullptr, faults);
    check_compression(output.delivery.compress, nullptr, faults);
    check_tls(output.delivery.tls, *output.listen, true, faults);
  } else {
    check_delivery(output.delivery, faults);
    check_waiting(output.waiting, output.delivery.to, faults);
  }
  const auto check_template = [&](const char* key, const std::string& text) {
    if (Status status = FieldTemplate::check(text); !status) faults.push_back({key, status.error().message});
  };
  check_template("identity", output.dnstap.identity);
  check_template("version", output.dnstap.version);
  check_template("extra", output.dnstap.extra);
  return faults;
}

}  // namespace weir
