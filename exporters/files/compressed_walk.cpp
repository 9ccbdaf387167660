#include "exporters/files/compressed_walk.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
constexpr std::string_view kGzipMagic = "\x1F\x8B\x08";
// Frames of ours are of a block with at most one long record. Longer ones are somebody else's.
constexpr size_t kMostFrameBytes = 16U << 20U;
constexpr int kGzip = 16;  // added to the bits of inflate's window

bool begins(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic.substr(0, bytes.size());
}

class ZstdWalk {
 public:
  ZstdWalk(int fd, uint64_t size) : fd_(fd), size_(size), bytes_(FileBytes::kReadBytes) {}

  std::optional<CompressedEnd> run() {
    CompressedEnd end;
    while (end.bytes < size_) {
      const std::optional<size_t> len = frame_at(end.bytes);
      if (!len) return std::nullopt;
      if (*len == 0) break;
      end.last = end.bytes;
      end.bytes += *len;
    }
    return end;
  }

 private:
  // 0: it is cut. Nothing: it is no frame, or too long.
  std::optional<size_t> frame_at(uint64_t at) {
    if (at < from_ || at >= from_ + have_) load(at);
    for (;;) {
      const char* start = bytes_.data() + (at - from_);
      const auto here = static_cast<size_t>(from_ + have_ - at);
      if (!begins({start, here}, kZstdMagic)) return std::nullopt;
      const size_t len = ZSTD_findFrameCompressedSize(start, here);
      if (ZSTD_isError(len) == 0U) return len;
      if (ZSTD_getErrorCode(len) != ZSTD_error_srcSize_wrong) return std::nullopt;
      if (from_ + have_ >= size_) return 0;
      if (at != from_) {
        load(at);
      } else if (bytes_.size() < kMostFrameBytes) {
        bytes_.resize(2 * bytes_.size());
        load(at);
      } else {
        return std::nullopt;
      }
      if (have_ == 0) return std::nullopt;
    }
  }
  void load(uint64_t at) {
    from_ = at;
    have_ =
        read_at(fd_, at, bytes_.data(), static_cast<size_t>(std::min<uint64_t>(bytes_.size(), size_ - at)));
    if (have_ < bytes_.size()) size_ = std::min(size_, from_ + have_);
  }

  int fd_;
  uint64_t size_;
  std::vector<char> bytes_;
  uint64_t from_ = 0;
  size_t have_ = 0;
};

class Inflater {
 public:
  Inflater() : ready_(inflateInit2(&stream, MAX_WBITS + kGzip) == Z_OK) {}
  ~Inflater() {
    if (ready_) (void)inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  [[nodiscard]] bool ready() const { return ready_; }

  z_stream stream{};

 private:
  bool ready_;
};

std::optional<CompressedEnd> walk_gzip(int fd, uint64_t size) {
  Inflater inflater;
  if (!inflater.ready()) return std::nullopt;
  z_stream& stream = inflater.stream;
  std::vector<char> in(FileBytes::kReadBytes);
  std::vector<char> out(FileBytes::kReadBytes);
  CompressedEnd end;
  uint64_t member = 0;
  bool begun = false;
  for (uint64_t at = 0; at < size;) {
    const size_t have =
        read_at(fd, at, in.data(), static_cast<size_t>(std::min<uint64_t>(in.size(), size - at)));
    if (have == 0) break;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(have);
    while (stream.avail_in != 0) {
      const auto left = [&] { return static_cast<uint64_t>(stream.avail_in); };
      if (!begun) {
        member = at + have - left();
        const std::string_view head(reinterpret_cast<char*>(stream.next_in), stream.avail_in);
        if (!begins(head, kGzipMagic)) return std::nullopt;
        begun = true;
      }
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      const int result = inflate(&stream, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        end = {.bytes = at + have - left(), .last = member};
        begun = false;
        if (inflateReset(&stream) != Z_OK) return std::nullopt;
      } else if (result != Z_OK && !(result == Z_BUF_ERROR && stream.avail_in == 0)) {
        return std::nullopt;
      }
    }
    at += have;
  }
  return end;
}

std::string zstd_content(std::string_view frame, size_t most) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return {};
  std::string content(most, '\0');
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  ZSTD_outBuffer out{content.data(), content.size(), 0};
  while (out.pos < out.size && in.pos < in.size) {
    const size_t before = in.pos + out.pos;
    const size_t result = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(result) != 0U || result == 0 || in.pos + out.pos == before) break;
  }
  content.resize(out.pos);
  return content;
}

std::string gzip_content(std::string_view member, size_t most) {
  Inflater inflater;
  if (!inflater.ready()) return {};
  std::string content(most, '\0');
  z_stream& stream = inflater.stream;
  // zlib does not write to what it reads.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.data()));
  stream.avail_in = static_cast<uInt>(member.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  (void)inflate(&stream, Z_SYNC_FLUSH);
  content.resize(content.size() - stream.avail_out);
  return content;
}

}  // namespace

std::optional<CompressedEnd> walk_compressed(Compression::Kind kind, int fd, uint64_t size) {
  return kind == Compression::Kind::gzip ? walk_gzip(fd, size) : ZstdWalk(fd, size).run();
}

std::string content_at(Compression::Kind kind, int fd, uint64_t at, uint64_t end, size_t most) {
  std::string bytes(static_cast<size_t>(std::min<uint64_t>(end - at, FileBytes::kReadBytes)), '\0');
  bytes.resize(read_at(fd, at, bytes.data(), bytes.size()));
  return kind == Compression::Kind::gzip ? gzip_content(bytes, most) : zstd_content(bytes, most);
}

}  // namespace weir
