// FileRotation: when a file has had enough, and what it is called from then on. Pure but for move_away().
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace weir {

struct FileRotation {
  uint64_t bytes = 0;     // a file of so many is full; 0: none is
  uint64_t every_ms = 0;  // by the clock, in UTC: 3'600'000 at each full hour; 0: never
  bool operator==(const FileRotation&) const = default;
};

// "/x/dns-%Y%m%d-%H.jsonl" becomes "/x/dns-20261125-08.jsonl", as strftime(3) does it, in UTC; a path without
// a % stays. Precondition: check_file_name().
std::string name_at(const std::string& path, uint64_t at_ns);
inline bool names_the_time(const std::string& path) { return path.find('%') != std::string::npos; }
// Which conversions there are, and that they stand in the file's name.
Status check_file_name(const std::string& path);
// When the time is over for a file whose first record was written at from_ns, in nanoseconds since 1970.
uint64_t rotates_at_ns(const FileRotation& rotation, uint64_t from_ns) noexcept;
// "/x/dns.jsonl" becomes "/x/dns-20261125T083000Z.jsonl", with attempt 2 "/x/dns-20261125T083000Z-2.jsonl".
// at_ns: since 1970.
std::string rotated_path(const std::string& path, uint64_t at_ns, unsigned attempt);
// Renames the file to the first of those names that nothing has; says which. Never over something else.
Result<std::string> move_away(const std::string& path, uint64_t at_ns);

}  // namespace weir
