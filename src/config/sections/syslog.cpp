#include <string>
#include <utility>

#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/json_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 9> kOwnKeys = {{
    {"to",
     target("unix-dgram:///PATH|unix:///PATH|udp://HOST:PORT|tcp://HOST:PORT|tls://HOST:PORT|\"null:\""),
     "unix-dgram:///dev/log",
     "The syslog daemon: the local socket, or one that is reached over UDP, TCP or TLS. Over UDP nobody "
     "knows "
     "what arrives.",
     store<&SyslogOptions::delivery, &Delivery::to>},
    {"name", of_type(KeyType::name), "syslog", kOutputNameHelp, store<&SyslogOptions::name>},
    {"protocol", choice("rfc5424|rfc3164"), "rfc5424",
     "The header before the line. `rfc3164` has a time without year, fraction and zone; it is in UTC.",
     store<&SyslogOptions::syslog, &SyslogFields::protocol>},
    {"framing", choice("auto|octets|lines"), "auto",
     "Between messages over TCP, TLS and `unix://`: `octets`, their length before them (RFC 6587, RFC 5425); "
     "`lines`, a line feed behind them. auto: `octets`, but `lines` for `unix://`. A datagram is a message.",
     store<&SyslogOptions::syslog, &SyslogFields::framing>},
    {"facility",
     choice("kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|ntp|audit|alert|clock|local0|"
            "local1|local2|local3|local4|local5|local6|local7"),
     "local0", "Of all messages.", store<&SyslogOptions::syslog, &SyslogFields::facility>},
    {"severity", choice("emerg|alert|crit|err|warning|notice|info|debug"), "info", "Of all messages.",
     store<&SyslogOptions::syslog, &SyslogFields::severity>},
    {"app_name", of_type(KeyType::name), "weir", "APP-NAME, in `rfc3164` the tag.",
     store<&SyslogOptions::syslog, &SyslogFields::app_name>},
    {"hostname", of_type(KeyType::text), "", "HOSTNAME; without it, the system's.",
     store<&SyslogOptions::syslog, &SyslogFields::hostname>},
    {"max_message", bytes(480, kMiB), "8192",
     "Longer messages, header and all, are dropped and counted as `refused`: a daemon would cut them, and a "
     "cut line is no JSON. rsyslog takes 8 KiB as it comes ($MaxMessageSize), syslog-ng 64 KiB "
     "(log-msg-size).",
     store<&SyslogOptions::syslog, &SyslogFields::max_message>},
}};
constexpr auto kTable =
    join(kOwnKeys, json_keys<&SyslogOptions::json>(), waiting_keys<&SyslogOptions::waiting>(),
         spool_keys<&SyslogOptions::waiting>(), peer_keys<&SyslogOptions::delivery>(),
         dial_tls_keys<&SyslogOptions::delivery>());

}  // namespace

const ConfigSection kSyslogSection = {"outputs",
                                      "syslog",
                                      "JSON lines as syslog messages.",
                                      kTable,
                                      add_output<SyslogOptions>,
                                      complete_delivery<SyslogOptions>};

Faults check(const SyslogOptions& syslog) {
  Faults faults;
  check_json_fields(syslog.json, faults);
  check_delivery(syslog.delivery, faults);
  check_waiting(syslog.waiting, syslog.delivery.to, faults);
  const bool datagrams = takes_datagrams(*syslog.delivery.to);
  if (datagrams && syslog.syslog.framing != SyslogFraming::automatic)
    faults.push_back({"framing", "is for streams, but to is " + to_string(*syslog.delivery.to) +
                                     "; remove it: a datagram is a message"});
  if (datagrams && syslog.syslog.max_message > 65'507)
    faults.push_back({"max_message", "is more than a datagram has room for; write at most 65507"});
  return faults;
}

}  // namespace weir
