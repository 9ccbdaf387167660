// A compressed file that is to be appended to, of any bytes: it is refused and stays as it is; or what was in
// it up to its last whole frame or member stays, and the next time it is taken as it is. Input: a byte that
// picks the compression, then the file.
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "exporters/files/compressed_framing.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::Compression;
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  static const weir::MemoryFile file;
  static weir::CompressedFraming zstd({.kind = Compression::Kind::zstd, .level = 1}, weir::line_framing());
  static weir::CompressedFraming gzip({.kind = Compression::Kind::gzip, .level = 1}, weir::line_framing());
  if (!quiet || size < 2) return 0;
  const Compression compression{
      .kind = (data[0] & 1U) != 0 ? Compression::Kind::gzip : Compression::Kind::zstd, .level = 1};
  weir::CompressedFraming& framing = compression.kind == Compression::Kind::gzip ? gzip : zstd;
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  file.put(input);
  const weir::Result<bool> resumed = framing.resume(file.fd(), file.path());
  const std::string kept = file.bytes();
  if (!resumed) {
    weir::check(kept == input);
    return 0;
  }
  weir::check(input.starts_with(kept) && *resumed == !kept.empty());
  std::string block;
  weir::check(weir::make_compressor(compression)->compress("one\n", block));
  file.append(block);
  weir::check(static_cast<bool>(framing.resume(file.fd(), file.path())));
  weir::check(file.bytes() == kept + block);
  return 0;
}
