#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/json_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 2> kOwnKeys = {{
    {"to",
     target("file:///PATH|\"-\"|tcp://HOST:PORT|tls://HOST:PORT|udp://HOST:PORT|unix:///PATH|unix-dgram:///"
            "PATH|\"null:\""),
     "",
     "A file, which is appended to and reopened on SIGHUP; \"-\", standard output; a peer that is connected "
     "to, over TCP, TLS or a UNIX socket; `udp://` and `unix-dgram://`, a line a datagram; or \"null:\", "
     "which throws lines away.",
     store<&JsonOptions::delivery, &Delivery::to>, true},
    {"name", of_type(KeyType::name), "json", kOutputNameHelp, store<&JsonOptions::name>},
}};
constexpr auto kTable = join(kOwnKeys, json_keys<&JsonOptions::json>(), waiting_keys<&JsonOptions::waiting>(),
                             spool_keys<&JsonOptions::waiting>(), peer_keys<&JsonOptions::delivery>(),
                             rotate_keys<&JsonOptions::delivery>(), compress_keys<&JsonOptions::delivery>(),
                             dial_tls_keys<&JsonOptions::delivery>());

}  // namespace

const ConfigSection kJsonSection = {"outputs",
                                    "json",
                                    "JSON lines, docs/schema.json.",
                                    kTable,
                                    add_output<JsonOptions>,
                                    complete_delivery<JsonOptions>};

Faults check(const JsonOptions& json) {
  Faults faults;
  check_json_fields(json.json, faults);
  check_delivery(json.delivery, faults);
  check_waiting(json.waiting, json.delivery.to, faults);
  return faults;
}

}  // namespace weir
