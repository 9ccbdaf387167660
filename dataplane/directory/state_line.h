// A line of a watched directory's state file, as text and back. Pure; any thread.
//
//   state = header *line
//   line  = crc SP ("done" / "failed" / "gone") SP inode SP size SP mtime_ns SP name [SP reason] LF
//   crc   = 8 HEX, CRC-32 of all between the space behind it and LF
//   gone: taken out of the directory; when it comes back it is a new file
//   name, reason: bytes other than !-[ and ]-~ are written \xHH, so that there is no space in them
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/directory/file_id.h"

namespace weir {

// What became of a file.
struct StateEntry {
  FileId id;
  std::string name;    // in the directory; any bytes but '/' and NUL
  std::string reason;  // why it failed; empty: all of it was taken
  bool gone = false;   // then without a reason
  [[nodiscard]] bool failed() const noexcept { return !reason.empty(); }
  bool operator==(const StateEntry&) const = default;
};

// With LF.
std::string state_line(const StateEntry& entry);
// A line without its LF; nullopt: damaged.
std::optional<StateEntry> parse_state_line(std::string_view line);

// A name for logs and for a state line: in one piece and on one line, whatever bytes it has.
std::string escape_name(std::string_view name);

}  // namespace weir
