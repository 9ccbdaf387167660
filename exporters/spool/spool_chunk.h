// SpoolChunk: what a spool's files are made of. Pure functions on bytes.
//
//   segment = chunk*
//   chunk   = head table payload
//   head    = SpoolChunkHead
//   table   = (u32 end, u32 units){records}   end: offset behind the record in payload, rising
//   payload = the records, back to back
//
// All numbers little-endian. Hashes are XXH3 of 64 bits: of the head up to head_hash, and of table and
// payload.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

static_assert(std::endian::native == std::endian::little);

struct SpoolRecord {
  uint32_t end;
  uint32_t units;
};

struct SpoolChunkHead {
  static constexpr uint32_t kMagic = 0x4c505357;  // "WSPL"
  static constexpr uint32_t kMostRecords = 1U << 16U;
  static constexpr uint32_t kMostPayload = 64U << 20U;

  uint32_t magic = kMagic;
  uint32_t records = 0;
  uint32_t payload_bytes = 0;
  uint32_t reserved = 0;
  uint64_t units = 0;    // of all records
  uint64_t wall_ns = 0;  // when it was written, since 1970
  uint64_t body_hash = 0;
  uint64_t head_hash = 0;

  [[nodiscard]] size_t table_bytes() const noexcept { return size_t{records} * sizeof(SpoolRecord); }
  [[nodiscard]] size_t body_bytes() const noexcept { return table_bytes() + payload_bytes; }
  [[nodiscard]] size_t chunk_bytes() const noexcept { return sizeof(SpoolChunkHead) + body_bytes(); }
};
static_assert(sizeof(SpoolChunkHead) == 48);

// The head of a chunk of these; its units are counted here.
SpoolChunkHead make_chunk_head(std::span<const SpoolRecord> table, std::string_view payload,
                               uint64_t wall_ns) noexcept;
// Nothing where no whole and undamaged head begins.
std::optional<SpoolChunkHead> read_chunk_head(std::span<const char> bytes) noexcept;

struct SpoolChunkBody {
  std::vector<SpoolRecord> table;
  std::string_view payload;
};
// body: body_bytes() of them, which the payload points into. Nothing where they are damaged.
std::optional<SpoolChunkBody> read_chunk_body(const SpoolChunkHead& head, std::span<const char> body);

}  // namespace weir
