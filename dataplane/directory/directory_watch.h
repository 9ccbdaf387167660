// DirectoryWatch: what the kernel tells of a directory (inotify). Owner: the directory's keeper, on its
// thread.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace weir {

class DirectoryWatch {
 public:
  struct News {
    std::vector<std::string> handed_in;  // names that were closed after writing, or renamed in
    bool missed = false;                 // there was more than the kernel keeps: look at the directory
    bool gone = false;                   // the directory was removed, renamed or unmounted
  };

  DirectoryWatch() = default;
  ~DirectoryWatch() { close(); }
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  // Error: without the name of the directory.
  Status open(const std::string& path);
  void close();
  // To wait for; -1: not open.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // All that came since the last call; does not wait.
  News take();

 private:
  int fd_ = -1;
};

}  // namespace weir
