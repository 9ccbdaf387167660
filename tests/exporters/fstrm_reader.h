// libfstrm's reader, over a file or an accepted socket: what a receiver of ours would read.
#pragma once

#include <fstrm.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "core/net/control_frame.h"

namespace weir {

class FstrmReader {
 public:
  // A file: unidirectional.
  explicit FstrmReader(const std::string& path) {
    fstrm_file_options* options = fstrm_file_options_init();
    fstrm_file_options_set_file_path(options, path.c_str());
    reader_ = fstrm_file_reader_init(options, nullptr);
    fstrm_file_options_destroy(&options);
  }
  // A blocking socket, which becomes the reader's own: answers READY and STOP.
  explicit FstrmReader(int fd) : fd_(fd) {
    fstrm_rdwr* socket = fstrm_rdwr_init(this);
    fstrm_rdwr_set_open(socket, [](void*) { return fstrm_res_success; });
    fstrm_rdwr_set_close(socket, [](void*) { return fstrm_res_success; });
    fstrm_rdwr_set_read(socket, read_all);
    fstrm_rdwr_set_write(socket, write_all);
    fstrm_reader_options* options = fstrm_reader_options_init();
    fstrm_reader_options_add_content_type(
        options, reinterpret_cast<const uint8_t*>(kDnstapContentType.data()), kDnstapContentType.size());
    reader_ = fstrm_reader_init(options, &socket);
    fstrm_reader_options_destroy(&options);
  }
  ~FstrmReader() {
    fstrm_reader_destroy(&reader_);
    if (fd_ >= 0) ::close(fd_);
  }
  FstrmReader(const FstrmReader&) = delete;
  FstrmReader& operator=(const FstrmReader&) = delete;

  // false: the end; stopped() says whether it was one.
  bool next(std::string& frame) {
    const uint8_t* data = nullptr;
    size_t len = 0;
    const fstrm_res result = fstrm_reader_read(reader_, &data, &len);
    stopped_ = result == fstrm_res_stop;
    if (result == fstrm_res_success) frame.assign(reinterpret_cast<const char*>(data), len);
    return result == fstrm_res_success;
  }
  std::vector<std::string> all() {
    std::vector<std::string> frames;
    for (std::string frame; next(frame);) frames.push_back(frame);
    return frames;
  }
  // STOP ended the frames.
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  static fstrm_res read_all(void* self, void* data, size_t len) {
    for (auto* to = static_cast<char*>(data); len > 0;) {
      const ssize_t n = recv(static_cast<FstrmReader*>(self)->fd_, to, len, 0);
      if (n <= 0) return fstrm_res_failure;
      to += n;
      len -= static_cast<size_t>(n);
    }
    return fstrm_res_success;
  }
  static fstrm_res write_all(void* self, const iovec* vectors, int count) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(vectors);
    message.msg_iovlen = static_cast<size_t>(count);
    return sendmsg(static_cast<FstrmReader*>(self)->fd_, &message, MSG_NOSIGNAL) > 0 ? fstrm_res_success
                                                                                     : fstrm_res_failure;
  }

  fstrm_reader* reader_ = nullptr;
  int fd_ = -1;
  bool stopped_ = false;
};

}  // namespace weir
