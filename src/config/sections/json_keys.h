// The keys of outputs that write JSON lines: what of the line they write. Part: the member of the options
// that they are kept in, a JsonFields.
#pragma once

#include <array>

#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"

namespace weir {

template <auto Part>
constexpr std::array<ConfigKey, 6> json_keys() {
  return {{
      {"fields", of_type(KeyType::texts), "[]",
       "Only these keys of the line, see docs/schema.json; [] is all.", store<Part, &JsonFields::fields>},
      {"omit", of_type(KeyType::texts), "[]", "Not these keys of the line.", store<Part, &JsonFields::omit>},
      {"authority", of_type(KeyType::boolean), "false", "Write the authority section.",
       store<Part, &JsonFields::authority>},
      {"additional", of_type(KeyType::boolean), "false",
       "Write the additional section, without OPT and TSIG.", store<Part, &JsonFields::additional>},
      {"sequence", of_type(KeyType::boolean), "false",
       "Number the lines: `seq` counts from 0 within `lane`, the export lcore; `weir verify` finds gaps by "
       "them.",
       store<Part, &JsonFields::sequence>},
      {"stream", of_type(KeyType::boolean), "false",
       "Write on which dnstap connection a message came: `connection`, `connection_seq`, `peer_pid`, "
       "`peer_uid`, "
       "`peer_name`.",
       store<Part, &JsonFields::stream>},
  }};
}

void check_json_fields(const JsonFields& json, Faults& faults);

}  // namespace weir
