#include "core/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace weir {
namespace {

constexpr size_t kMaxSecretBytes = 4096;

class OpenSecret {
 public:
  OpenSecret(const std::string& key, const std::string& path)
      : where_(key + ": '" + path + "'"),
        fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  OpenSecret(const OpenSecret&) = delete;
  OpenSecret& operator=(const OpenSecret&) = delete;
  ~OpenSecret() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] Status check() const {
    struct stat st {};
    if (fd_ < 0 || fstat(fd_, &st) != 0)
      return Error{where_ + " cannot be read: " + std::strerror(errno) +
                   "; check the path, and that the user Weir runs as may read it"};
    if (S_ISDIR(st.st_mode)) return Error{where_ + " is a directory; name the file in it"};
    if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
      return Error{
          where_ +
          " holds a secret that everybody on this machine may read or change; run chmod o-rwx on it"};
    return Ok{};
  }
  [[nodiscard]] Result<std::string> first_line() const {
    std::array<char, kMaxSecretBytes> bytes;
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    if (got < 0) return Error{where_ + " cannot be read: " + std::strerror(errno)};
    std::string text(bytes.data(), static_cast<size_t>(got));
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty()) return Error{where_ + " has nothing in its first line; write the secret there"};
    return text;
  }

 private:
  std::string where_;
  int fd_;
};

}  // namespace

Status check_secret_file(const std::string& key, const std::string& path) {
  return OpenSecret(key, path).check();
}

Result<std::string> read_secret_file(const std::string& key, const std::string& path) {
  const OpenSecret secret(key, path);
  if (Status usable = secret.check(); !usable) return usable.error();
  return secret.first_line();
}

}  // namespace weir
