// ByteSource: the bytes of a file, FIFO or standard input, plain or gzip, read ahead in 256 KiB. Owner: the
// ingest lcore whose file input reads it; size() and position() from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/counter.h"
#include "core/result.h"

struct z_stream_s;

namespace weir {

class ByteSource {
 public:
  enum class Fill : uint8_t {
    more,  // the window grew
    wait,  // a pipe or terminal that has nothing yet: call again later; never for regular files
    end,   // nothing follows the window; fault() says whether that is the end of the file or an error
  };

  // "-" is standard input. gzip is told by its magic (1f 8b), not by the name. Directories are refused. A
  // FIFO opens at once and waits for its first writer in fill().
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path);
  // `fd` becomes the source's; `name` is for messages.
  static Result<std::unique_ptr<ByteSource>> from_fd(int fd, const std::string& name);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Bytes read and not consumed; valid until the next fill(). Whether they are gzip shows with the second
  // byte: consume none before there are two.
  [[nodiscard]] std::span<const uint8_t> window() const noexcept {
    return {buffer_.data() + begin_, end_ - begin_};
  }
  // One read. Makes room first for a window of `need` bytes, which the caller bounds; memory grows only for
  // that.
  [[nodiscard]] Fill fill(size_t need = 0);
  // Precondition: n <= window().size().
  void consume(size_t n) noexcept {
    begin_ += n;
    consumed_ += n;
  }

  // For messages: the path in quotes, or "standard input".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Bytes consumed, after decompression: where the window starts.
  [[nodiscard]] uint64_t consumed() const noexcept { return consumed_; }
  // Of the file on disk, compressed or not; size 0: not a regular file. Any thread.
  [[nodiscard]] uint64_t size() const noexcept { return size_; }
  [[nodiscard]] uint64_t position() const noexcept { return position_.get(); }
  [[nodiscard]] bool regular() const noexcept { return regular_; }
  // After Fill::end: a sentence when the file could not be read to its end, else empty.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

  static constexpr size_t kReadAhead = 256U << 10U;

 private:
  struct EndInflate {
    void operator()(z_stream_s* stream) const noexcept;
  };
  enum class Kind : uint8_t { unknown, plain, gzip };

  ByteSource(int fd, std::string name, bool regular, uint64_t size);
  Fill read_into(uint8_t* to, size_t room, size_t& got);
  Fill fill_gzip();
  Fill start_gzip();
  Fill inflate_some();
  Fill fail(std::string sentence);

  int fd_;
  std::string name_;
  bool regular_;
  uint64_t size_;
  Counter position_;
  uint64_t consumed_ = 0;
  Kind kind_ = Kind::unknown;
  bool ended_ = false;
  std::string fault_;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  // gzip only
  std::vector<uint8_t> packed_;
  size_t packed_begin_ = 0;
  size_t packed_end_ = 0;
  bool in_member_ = false;
  std::unique_ptr<z_stream_s, EndInflate> inflate_;
};

}  // namespace weir
