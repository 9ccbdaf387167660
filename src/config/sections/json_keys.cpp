#include "src/config/sections/json_keys.h"

#include <algorithm>

#include "exporters/json/json_keys.h"
#include "src/config/nearest_name.h"

namespace weir {
namespace {

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

void check_json_fields(const JsonFields& json, Faults& faults) {
  check_json_keys(json.fields, "fields", faults);
  check_json_keys(json.omit, "omit", faults);
  for (const std::string& name : json.omit)
    if (std::find(json.fields.begin(), json.fields.end(), name) != json.fields.end())
      faults.push_back({"omit", "'" + name + "' is in fields, too; keep one of them"});
  const auto needs = [&](std::string_view field, bool on, std::string_view key) {
    const auto& fields = json.fields;
    if (!on && std::find(fields.begin(), fields.end(), field) != fields.end())
      faults.push_back({"fields", "'" + std::string(field) + "' is only written with " + std::string(key) +
                                      ": true; add that, or leave it out of fields"});
  };
  needs("authority", json.authority, "authority");
  needs("additional", json.additional, "additional");
  for (const char* key : {"connection", "connection_seq", "peer_pid", "peer_uid", "peer_name"})
    needs(key, json.stream, "stream");
  needs("seq", json.sequence, "sequence");
  needs("lane", json.sequence, "sequence");
}

}  // namespace weir
