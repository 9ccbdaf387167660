#include "dataplane/directory/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

Status DirectoryWatch::open(const std::string& path) {
  close();
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0)
    return Error{std::string("no inotify: ") + std::strerror(errno) +
                 "; raise fs.inotify.max_user_instances"};
  if (inotify_add_watch(fd_, path.c_str(), kEvents) >= 0) return Ok{};
  const int error = errno;
  close();
  return Error{std::string("cannot be watched: ") + std::strerror(error) +
               (error == ENOSPC ? "; raise fs.inotify.max_user_watches" : "")};
}

void DirectoryWatch::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

DirectoryWatch::News DirectoryWatch::take() {
  News news;
  alignas(inotify_event) char buffer[64U << 10U];
  ssize_t n = 0;
  while (fd_ >= 0 && (n = ::read(fd_, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      news.missed |= (event->mask & IN_Q_OVERFLOW) != 0;
      news.gone |= (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0;
      if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0 && event->len != 0)
        news.handed_in.emplace_back(event->name);
    }
  }
  return news;
}

}  // namespace weir
