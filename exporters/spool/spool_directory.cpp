#include "exporters/spool/spool_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "core/rename.h"

namespace weir {
namespace {

constexpr std::string_view kLane = "lane-";

std::string lane_path(const std::string& directory, unsigned lane) {
  return directory + "/" + std::string(kLane) + std::to_string(lane);
}

Result<std::shared_ptr<SpoolFile>> lock(const std::string& directory) {
  const int fd = ::open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0)
    return Error{"'" + directory + "/lock' cannot be opened: " + std::strerror(errno) +
                 "; let Weir write to the spool's directory"};
  auto file = std::make_shared<SpoolFile>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return Error{"'" + directory + "' is in use by another output or process; give each its own directory"};
  return file;
}

// Names are times; one that both lanes have goes a nanosecond on.
Status adopt(const std::filesystem::path& segment, const std::string& into) {
  std::string number = segment.stem().string();
  for (int attempt = 0; attempt < 1'000; ++attempt) {
    const std::string to =
        (std::filesystem::path(into) / std::string(number).append(Spool::kSuffix)).string();
    const int error = rename_to_new(AT_FDCWD, segment.c_str(), AT_FDCWD, to);
    if (error == 0) return Ok{};
    if (error != EEXIST) return Error{"'" + segment.string() + "' cannot be moved: " + std::strerror(error)};
    uint64_t begun_ns = 0;
    (void)std::from_chars(number.data(), number.data() + number.size(), begun_ns);
    number = Spool::segment_name(begun_ns + 1);
  }
  return Error{"'" + segment.string() + "' cannot be moved: its name is taken"};
}

Status adopt_lanes(const std::string& directory, unsigned lanes) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    unsigned lane = 0;
    if (!name.starts_with(kLane) ||
        std::from_chars(name.data() + kLane.size(), name.data() + name.size(), lane).ec != std::errc() ||
        lane < lanes)
      continue;
    const std::string into = lane_path(directory, lane % lanes);
    (void)::mkdir(into.c_str(), 0750);
    for (const auto& segment : std::filesystem::directory_iterator(entry.path(), error)) {
      if (segment.path().extension() != Spool::kSuffix) continue;
      if (Status moved = adopt(segment.path(), into); !moved) return moved;
    }
    std::filesystem::remove_all(entry.path(), error);
  }
  return Ok{};
}

}  // namespace

Result<std::vector<std::unique_ptr<Spool>>> open_spools(const std::string& output,
                                                        const SpoolOptions& options, unsigned lanes) {
  const auto named = [&](const Error& error) { return Error{output + ": spool: " + error.message}; };
  if (::mkdir(options.path.c_str(), 0750) != 0 && errno != EEXIST)
    return named(Error{"'" + options.path + "' cannot be made: " + std::strerror(errno) +
                       "; make the directory above it, or let Weir write there"});
  auto locked = lock(options.path);
  if (!locked) return named(locked.error());
  if (Status adopted = adopt_lanes(options.path, lanes); !adopted) return named(adopted.error());
  std::vector<std::unique_ptr<Spool>> spools;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    auto spool = Spool::open(lane_path(options.path, lane), options, *locked);
    if (!spool) return named(spool.error());
    spools.push_back(std::move(*spool));
  }
  return spools;
}

}  // namespace weir
