#include "dataplane/directory/directory_places.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/rename.h"
#include "dataplane/directory/state_line.h"

namespace weir {
namespace {

constexpr unsigned kMostTries = 16;
constexpr unsigned kMostSameNames = 1U << 30U;
constexpr std::string_view kReason = ".reason";

std::string why(int error) { return std::strerror(error); }

bool may_write(const char* path) { return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0; }

// The nth name to try; leaves room for ".reason".
std::string numbered(const std::string& name, unsigned n) {
  const std::string suffix = n == 0 ? "" : "." + std::to_string(n);
  return name.substr(0, NAME_MAX - kReason.size() - suffix.size()) + suffix;
}

bool is_there(int folder, const std::string& name) {
  struct stat st {};
  return fstatat(folder, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool is_taken(int folder, const std::string& name) {
  return is_there(folder, name) || is_there(folder, name + std::string(kReason));
}

// Some name that is not taken, by halving: there may be a file of this name each minute for years.
std::string free_name(int folder, const std::string& name) {
  unsigned above = 0;
  unsigned taken = 0;
  while (above < kMostSameNames && is_taken(folder, numbered(name, above))) {
    taken = above;
    above = above == 0 ? 1 : above * 2;
  }
  while (above - taken > 1) {
    const unsigned middle = taken + (above - taken) / 2;
    (is_taken(folder, numbered(name, middle)) ? taken : above) = middle;
  }
  return numbered(name, above);
}

}  // namespace

DirectoryPlaces::DirectoryPlaces(const DirectoryOptions& options)
    : path_(options.path), deletes_(options.after == "delete") {
  if (const std::string to = options.move_to(); !to.empty()) move_to_ = options.below_path(to);
  if (const std::string to = options.failed_to(); !to.empty()) failed_to_ = options.below_path(to);
}

bool DirectoryPlaces::takes_away(bool failed) const noexcept {
  return failed ? !failed_to_.empty() : deletes_ || !move_to_.empty();
}

Status DirectoryPlaces::check(int directory) const {
  if ((takes_away(false) || takes_away(true)) && !may_write(path_.c_str()))
    return Error{"after: files cannot be taken out of '" + path_ + "': " + why(errno) +
                 "; let the user that Weir runs as write there, or set after: keep"};
  if (!move_to_.empty())
    if (Status good = check_target(directory, "after", move_to_); !good) return good;
  if (!failed_to_.empty()) return check_target(directory, "failed", failed_to_);
  return Ok{};
}

Status DirectoryPlaces::check_target(int directory, const std::string& key, const std::string& target) const {
  if (mkdir(target.c_str(), 0770) != 0 && errno != EEXIST)
    return Error{key + ": cannot make '" + target + "': " + why(errno)};
  struct stat here {};
  struct stat there {};
  if (fstat(directory, &here) != 0 || stat(target.c_str(), &there) != 0)
    return Error{key + ": cannot look at '" + target + "': " + why(errno)};
  if (!S_ISDIR(there.st_mode)) return Error{key + ": '" + target + "' is no directory"};
  if (here.st_dev != there.st_dev)
    return Error{key + ": '" + target + "' is on another file system than '" + path_ +
                 "', where files cannot be moved to; name a directory on the same one"};
  if (here.st_ino == there.st_ino)
    return Error{key + ": '" + target + "' is the directory itself; name another"};
  if (!may_write(target.c_str()))
    return Error{key + ": cannot write in '" + target + "': " + why(errno) +
                 "; let the user that Weir runs as write there"};
  return Ok{};
}

Status DirectoryPlaces::take_away(int directory, const std::string& name) const {
  if (deletes_) {
    if (unlinkat(directory, name.c_str(), 0) == 0) return Ok{};
    return Error{"cannot delete it: " + why(errno)};
  }
  auto moved = move(directory, name, move_to_);
  if (!moved) return moved.error();
  return Ok{};
}

Status DirectoryPlaces::set_aside(int directory, const std::string& name, const std::string& reason) const {
  auto moved = move(directory, name, failed_to_);
  if (!moved) return moved.error();
  const std::string beside = failed_to_ + "/" + *moved + std::string(kReason);
  std::FILE* file = std::fopen(beside.c_str(), "wxe");
  const bool written = file != nullptr && std::fprintf(file, "%s\n", reason.c_str()) > 0;
  int error = errno;
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (written && !closed) error = errno;
  if (written && closed) return Ok{};
  if (file != nullptr) (void)::unlink(beside.c_str());
  return Error{"it is in '" + failed_to_ + "', but cannot write its reason: " + why(error)};
}

// The target is opened anew each time: it may have been removed and made again.
Result<std::string> DirectoryPlaces::move(int directory, const std::string& name,
                                          const std::string& target) const {
  (void)mkdir(target.c_str(), 0770);
  const int to = ::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (to < 0) return Error{"cannot open '" + target + "': " + why(errno)};
  int error = EEXIST;
  std::string fresh;
  for (unsigned tries = 0; error == EEXIST && tries < kMostTries; ++tries) {
    fresh = free_name(to, name);
    error = rename_to_new(directory, name, to, fresh);
  }
  ::close(to);
  if (error != 0) return Error{"cannot move it to '" + target + "': " + why(error)};
  return fresh;
}

}  // namespace weir
