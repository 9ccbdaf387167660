#include "exporters/spool/spool_chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace weir {
namespace {

uint64_t hash_of_body(const void* table, size_t table_bytes, std::string_view payload) noexcept {
  return XXH3_64bits_withSeed(payload.data(), payload.size(), XXH3_64bits(table, table_bytes));
}

uint64_t hash_of_head(const SpoolChunkHead& head) noexcept {
  return XXH3_64bits(&head, offsetof(SpoolChunkHead, head_hash));
}

}  // namespace

SpoolChunkHead make_chunk_head(std::span<const SpoolRecord> table, std::string_view payload,
                               uint64_t wall_ns) noexcept {
  SpoolChunkHead head;
  head.records = static_cast<uint32_t>(table.size());
  head.payload_bytes = static_cast<uint32_t>(payload.size());
  head.wall_ns = wall_ns;
  for (const SpoolRecord& record : table) head.units += record.units;
  head.body_hash = hash_of_body(table.data(), table.size_bytes(), payload);
  head.head_hash = hash_of_head(head);
  return head;
}

std::optional<SpoolChunkHead> read_chunk_head(std::span<const char> bytes) noexcept {
  if (bytes.size() < sizeof(SpoolChunkHead)) return {};
  SpoolChunkHead head;
  std::memcpy(&head, bytes.data(), sizeof head);
  const bool sound = head.magic == SpoolChunkHead::kMagic && head.records != 0 &&
                     head.records <= SpoolChunkHead::kMostRecords &&
                     head.payload_bytes <= SpoolChunkHead::kMostPayload &&
                     head.head_hash == hash_of_head(head);
  return sound ? std::optional(head) : std::nullopt;
}

std::optional<SpoolChunkBody> read_chunk_body(const SpoolChunkHead& head, std::span<const char> body) {
  if (body.size() != head.body_bytes()) return {};
  SpoolChunkBody read;
  read.payload = {body.data() + head.table_bytes(), head.payload_bytes};
  if (hash_of_body(body.data(), head.table_bytes(), read.payload) != head.body_hash) return {};
  read.table.resize(head.records);
  std::memcpy(read.table.data(), body.data(), head.table_bytes());
  uint32_t before = 0;
  uint64_t units = 0;
  for (const SpoolRecord& record : read.table) {
    if (record.end <= before) return {};
    before = record.end;
    units += record.units;
  }
  if (before != head.payload_bytes || units != head.units) return {};
  return read;
}

}  // namespace weir
