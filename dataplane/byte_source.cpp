#include "dataplane/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint8_t kGzipMagic[2] = {0x1f, 0x8b};

std::string why(int error) { return std::strerror(error); }

}  // namespace

void ByteSource::EndInflate::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path) {
  if (path == "-") {
    const int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return Error{"standard input is not open: " + why(errno)};
    return from_fd(fd, "standard input");
  }
  // O_NONBLOCK: a FIFO that no one writes to yet must not hold up the start.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error{"cannot open '" + path + "': " + why(errno)};
  return from_fd(fd, "'" + path + "'");
}

Result<std::unique_ptr<ByteSource>> ByteSource::from_fd(int fd, const std::string& name) {
  struct stat st {};
  if (fstat(fd, &st) != 0) {
    const int error = errno;
    close(fd);
    return Error{"cannot look at " + name + ": " + why(error)};
  }
  if (S_ISDIR(st.st_mode)) {
    close(fd);
    return Error{name + " is a directory; name a file"};
  }
  const bool regular = S_ISREG(st.st_mode);
  return std::unique_ptr<ByteSource>(
      new ByteSource(fd, name, regular, regular ? static_cast<uint64_t>(st.st_size) : 0));
}

ByteSource::ByteSource(int fd, std::string name, bool regular, uint64_t size)
    : fd_(fd), name_(std::move(name)), regular_(regular), size_(size), buffer_(kReadAhead) {
  if (regular_) (void)posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

ByteSource::~ByteSource() { close(fd_); }

ByteSource::Fill ByteSource::fail(std::string sentence) {
  fault_ = std::move(sentence);
  ended_ = true;
  return Fill::end;
}

ByteSource::Fill ByteSource::read_into(uint8_t* to, size_t room, size_t& got) {
  got = 0;
  if (!regular_) {
    // The lcore must not sleep in read(), and O_NONBLOCK on standard input would change it for others too.
    // A FIFO that had no writer yet reports nothing; one whose writers are gone reports POLLHUP.
    pollfd p{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&p, 1, 0) == 0) return Fill::wait;
  }
  ssize_t n = 0;
  do n = ::read(fd_, to, room);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno == EAGAIN) return Fill::wait;
    return fail("cannot read " + name_ + ": " + why(errno));
  }
  if (n == 0) return Fill::end;
  got = static_cast<size_t>(n);
  position_.add(got);
  return Fill::more;
}

ByteSource::Fill ByteSource::fill(size_t need) {
  if (ended_) return Fill::end;
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  need = std::max(need, end_ + 1);
  if (buffer_.size() < need) buffer_.resize(need);
  if (kind_ == Kind::gzip) return fill_gzip();

  size_t got = 0;
  const Fill result = read_into(buffer_.data() + end_, buffer_.size() - end_, got);
  end_ += got;
  if (result == Fill::end) ended_ = true;
  if (kind_ == Kind::plain) return result;

  // The first bytes. A pipe may give one alone, which does not tell yet.
  if (result == Fill::more && end_ < sizeof kGzipMagic && buffer_[0] == kGzipMagic[0]) return fill(need);
  if (result == Fill::wait) return result;
  if (end_ >= sizeof kGzipMagic && std::memcmp(buffer_.data(), kGzipMagic, sizeof kGzipMagic) == 0)
    return start_gzip();
  kind_ = Kind::plain;
  return end_ != 0 ? Fill::more : Fill::end;
}

ByteSource::Fill ByteSource::start_gzip() {
  kind_ = Kind::gzip;
  packed_.swap(buffer_);
  packed_end_ = std::exchange(end_, 0);
  buffer_.resize(packed_.size());
  inflate_.reset(new z_stream_s{});
  if (inflateInit2(inflate_.get(), 15 + 16) != Z_OK) return fail("no memory to decompress " + name_);
  in_member_ = true;
  return fill_gzip();
}

ByteSource::Fill ByteSource::fill_gzip() {
  const size_t before = end_;
  for (;;) {
    if (packed_begin_ == packed_end_) {
      packed_begin_ = packed_end_ = 0;
      const Fill result = read_into(packed_.data(), packed_.size(), packed_end_);
      if (result == Fill::wait) return result;
      if (result == Fill::end) {
        ended_ = true;
        if (fault_.empty() && in_member_)
          return fail(name_ + " ends inside its gzip data: it was cut, or is still being written");
        return Fill::end;
      }
    }
    const Fill result = inflate_some();
    if (result == Fill::end || end_ != before) return result;
  }
}

ByteSource::Fill ByteSource::inflate_some() {
  if (!in_member_) {
    // RFC 1952 section 2.2: members follow each other; some tools pad the end with zeros.
    while (packed_begin_ < packed_end_ && packed_[packed_begin_] == 0) ++packed_begin_;
    if (packed_begin_ == packed_end_) return Fill::more;
    inflateReset(inflate_.get());
    in_member_ = true;
  }
  inflate_->next_in = packed_.data() + packed_begin_;
  inflate_->avail_in = static_cast<uInt>(packed_end_ - packed_begin_);
  inflate_->next_out = buffer_.data() + end_;
  inflate_->avail_out = static_cast<uInt>(buffer_.size() - end_);
  const int code = inflate(inflate_.get(), Z_NO_FLUSH);
  packed_begin_ = packed_end_ - inflate_->avail_in;
  end_ = buffer_.size() - inflate_->avail_out;
  if (code == Z_STREAM_END) in_member_ = false;
  if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) return Fill::more;
  const char* detail = inflate_->msg != nullptr ? inflate_->msg : "no detail";
  return fail(name_ + " has damaged gzip data (" + detail + ") after " + std::to_string(consumed_ + end_) +
              " bytes");
}

}  // namespace weir
