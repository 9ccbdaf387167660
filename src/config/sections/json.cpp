#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/json_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 2> kWhereKeys = {{
    {"to", target("file:///PATH|\"-\"|tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH|\"null:\""), "",
     "A file, which is appended to and reopened on SIGHUP; \"-\", standard output; a peer that is connected "
     "to, over TCP, TLS or a UNIX socket; or \"null:\", which throws lines away.",
     store<&JsonOptions::delivery, &Delivery::to>, true},
    {"name", of_type(KeyType::name), "json", kOutputNameHelp, store<&JsonOptions::name>},
}};
constexpr auto kTable =
    join(kWhereKeys, json_keys<&JsonOptions::json>(), waiting_keys<&JsonOptions::waiting>(),
         spool_keys<&JsonOptions::waiting>(), peer_keys<&JsonOptions::delivery>(),
         rotate_keys<&JsonOptions::delivery>(), dial_tls_keys<&JsonOptions::delivery>());

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
