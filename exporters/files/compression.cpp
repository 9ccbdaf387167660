#include "exporters/files/compression.h"

#include <zlib.h>
#include <zstd.h>

namespace weir {
namespace {

// RFC 8878. With a checksum, so that a reader notices a damaged disk.
class ZstdCompressor : public Compressor {
 public:
  explicit ZstdCompressor(uint32_t level) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    (void)ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, static_cast<int>(level));
    (void)ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }
  ZstdCompressor(const ZstdCompressor&) = delete;
  ZstdCompressor& operator=(const ZstdCompressor&) = delete;

  [[nodiscard]] bool compress(std::string_view bytes, std::string& to) override {
    if (context_ == nullptr) return false;
    to.resize(ZSTD_compressBound(bytes.size()));
    const size_t len = ZSTD_compress2(context_, to.data(), to.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(len) != 0U) return false;
    to.resize(len);
    return true;
  }

 private:
  ZSTD_CCtx* context_;
};

// RFC 1952.
class GzipCompressor : public Compressor {
 public:
  explicit GzipCompressor(uint32_t level) {
    constexpr int kGzip = 16;  // added to the bits of the window
    constexpr int kMemory = 8;
    ready_ = deflateInit2(&stream_, static_cast<int>(level), Z_DEFLATED, MAX_WBITS + kGzip, kMemory,
                          Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipCompressor() override {
    if (ready_) (void)deflateEnd(&stream_);
  }
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  [[nodiscard]] bool compress(std::string_view bytes, std::string& to) override {
    if (!ready_ || deflateReset(&stream_) != Z_OK) return false;
    to.resize(deflateBound(&stream_, bytes.size()));
    // zlib does not write to what it reads.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(to.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
    to.resize(to.size() - stream_.avail_out);
    return true;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<Compressor> make_compressor(const Compression& compression) {
  if (compression.kind == Compression::Kind::gzip) return std::make_unique<GzipCompressor>(compression.level);
  return std::make_unique<ZstdCompressor>(compression.level);
}

}  // namespace weir
