#include <algorithm>

#include "exporters/json/json_keys.h"
#include "src/config/nearest_name.h"
#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 8> kFieldKeys = {{
    {"to", target("file:///PATH|\"-\"|tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH|\"null:\""), "",
     "A file, which is appended to and reopened on SIGHUP; \"-\", standard output; a peer that is connected "
     "to, over TCP, TLS or a UNIX socket; or \"null:\", which throws lines away.",
     store<&JsonOptions::delivery, &Delivery::to>, true},
    {"name", of_type(KeyType::name), "json", kOutputNameHelp, store<&JsonOptions::name>},
    {"fields", of_type(KeyType::texts), "[]", "Only these keys of the line, see docs/schema.json; [] is all.",
     store<&JsonOptions::json, &JsonFields::fields>},
    {"omit", of_type(KeyType::texts), "[]", "Not these keys of the line.",
     store<&JsonOptions::json, &JsonFields::omit>},
    {"authority", of_type(KeyType::boolean), "false", "Write the authority section.",
     store<&JsonOptions::json, &JsonFields::authority>},
    {"additional", of_type(KeyType::boolean), "false", "Write the additional section, without OPT and TSIG.",
     store<&JsonOptions::json, &JsonFields::additional>},
    {"sequence", of_type(KeyType::boolean), "false",
     "Number the lines: `seq` counts from 0 within `lane`, the export lcore; `weir verify` finds gaps by "
     "them.",
     store<&JsonOptions::json, &JsonFields::sequence>},
    {"stream", of_type(KeyType::boolean), "false",
     "Write on which dnstap connection a message came: `connection`, `connection_seq`, `peer_pid`, "
     "`peer_uid`, "
     "`peer_name`.",
     store<&JsonOptions::json, &JsonFields::stream>},
}};
constexpr auto kTable =
    join(kFieldKeys, waiting_keys<&JsonOptions::waiting>(), spool_keys<&JsonOptions::waiting>(),
         peer_keys<&JsonOptions::delivery>(), rotate_keys<&JsonOptions::delivery>(),
         compress_keys<&JsonOptions::delivery>(), dial_tls_keys<&JsonOptions::delivery>());

void check_json_keys(const std::vector<std::string>& named, const char* key, Faults& faults) {
  for (const std::string& name : named) {
    if (json_key(name)) continue;
    const std::string_view near = nearest_name(name, {kJsonKeys.begin(), kJsonKeys.end()});
    std::string message = "'" + name + "' is no key of the JSON line; ";
    if (!near.empty()) message += "did you mean " + std::string(near) + "? ";
    faults.push_back({key, message + "docs/schema.json has them all"});
  }
}

}  // namespace

const ConfigSection kJsonSection = {"outputs",
                                    "json",
                                    "JSON lines, docs/schema.json.",
                                    kTable,
                                    add_output<JsonOptions>,
                                    complete_delivery<JsonOptions>};

Faults check(const JsonOptions& json) {
  Faults faults;
  check_json_keys(json.json.fields, "fields", faults);
  check_json_keys(json.json.omit, "omit", faults);
  for (const std::string& name : json.json.omit)
    if (std::find(json.json.fields.begin(), json.json.fields.end(), name) != json.json.fields.end())
      faults.push_back({"omit", "'" + name + "' is in fields, too; keep one of them"});
  const auto needs = [&](std::string_view field, bool on, std::string_view key) {
    const auto& fields = json.json.fields;
    if (!on && std::find(fields.begin(), fields.end(), field) != fields.end())
      faults.push_back({"fields", "'" + std::string(field) + "' is only written with " + std::string(key) +
                                      ": true; add that, or leave it out of fields"});
  };
  needs("authority", json.json.authority, "authority");
  needs("additional", json.json.additional, "additional");
  for (const char* key : {"connection", "connection_seq", "peer_pid", "peer_uid", "peer_name"})
    needs(key, json.json.stream, "stream");
  needs("seq", json.json.sequence, "sequence");
  needs("lane", json.json.sequence, "sequence");
  check_delivery(json.delivery, faults);
  check_waiting(json.waiting, json.delivery.to, faults);
  return faults;
}

}  // namespace weir
