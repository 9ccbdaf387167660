#include "exporters/files/file_rotation.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <limits>
#include <string_view>

#include "core/clock.h"
#include "core/rename.h"

namespace weir {
namespace {

constexpr unsigned kAttempts = 10'000;
constexpr std::string_view kConversions = "YmdHMSjyF%";

tm utc_at(uint64_t at_ns) {
  const auto seconds = static_cast<time_t>(at_ns / kNsPerSec);
  tm utc{};
  gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

Status check_file_name(const std::string& path) {
  const size_t name = path.rfind('/') + 1;
  for (size_t at = path.find('%'); at != std::string::npos; at = path.find('%', at + 2)) {
    if (at < name)
      return Error{"'" + path + "' has a % in the name of a directory; write it in the file's name only"};
    if (at + 1 == path.size() || kConversions.find(path[at + 1]) == std::string_view::npos)
      return Error{
          "'" + path.substr(at, 2) +
          "' is not valid in a file's name; expected %Y, %m, %d, %H, %M, %S, %j, %y, %F, or %% for a %"};
  }
  return Ok{};
}

std::string name_at(const std::string& path, uint64_t at_ns) {
  if (!names_the_time(path)) return path;
  const tm utc = utc_at(at_ns);
  std::string name(8 * path.size() + 1, '\0');
  name.resize(std::strftime(name.data(), name.size(), path.c_str(), &utc));
  return name;
}

uint64_t rotates_at_ns(const FileRotation& rotation, uint64_t from_ns) noexcept {
  if (rotation.every_ms == 0) return std::numeric_limits<uint64_t>::max();
  const uint64_t every_ns = rotation.every_ms * kNsPerMs;
  return (from_ns / every_ns + 1) * every_ns;
}

std::string rotated_path(const std::string& path, uint64_t at_ns, unsigned attempt) {
  const tm utc = utc_at(at_ns);
  std::array<char, 32> stamp{};
  (void)std::strftime(stamp.data(), stamp.size(), "-%Y%m%dT%H%M%SZ", &utc);
  const std::filesystem::path whole(path);
  const std::string number = attempt < 2 ? "" : "-" + std::to_string(attempt);
  return (whole.parent_path() / (whole.stem().string() + stamp.data() + number + whole.extension().string()))
      .string();
}

Result<std::string> move_away(const std::string& path, uint64_t at_ns) {
  int error = EEXIST;
  for (unsigned attempt = 1; error == EEXIST && attempt <= kAttempts; ++attempt) {
    std::string to = rotated_path(path, at_ns, attempt);
    error = rename_to_new(AT_FDCWD, path, AT_FDCWD, to);
    if (error == 0) return to;
  }
  return Error{"'" + path + "' cannot be rotated: " + std::strerror(error) +
               "; its directory must let Weir rename files"};
}

}  // namespace weir
