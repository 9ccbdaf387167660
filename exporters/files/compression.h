// Compression: how a file's records are compressed. Each block of records becomes one whole zstd frame or
// gzip member, so that the file can be read up to the last of them at any time, and a killed writer's can be
// gone on with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

struct Compression {
  enum class Kind : uint8_t { none, zstd, gzip };
  Kind kind = Kind::none;
  uint32_t level = 1;  // zstd: 1 to 19, gzip: 1 to 9; the higher, the smaller and the slower
  bool operator==(const Compression&) const = default;
};

// Owner: one thread.
class Compressor {
 public:
  virtual ~Compressor() = default;
  // Puts `bytes` into `to` as one whole frame or member, in place of what was there. false: no memory.
  [[nodiscard]] virtual bool compress(std::string_view bytes, std::string& to) = 0;
};

// Precondition: not Kind::none.
std::unique_ptr<Compressor> make_compressor(const Compression& compression);

}  // namespace weir
