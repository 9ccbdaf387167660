#include "exporters/capture/pcap_format.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/clock.h"
#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

constexpr uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr uint32_t kVersion = 2U | 4U << 16U;  // 2.4, as two words of 16 bits

uint32_t load_u32(const char* from) noexcept {
  uint32_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <size_t N>
char* put(const uint32_t (&words)[N], char* out) noexcept {
  std::memcpy(out, words, sizeof words);
  return out + sizeof words;
}

}  // namespace

PcapFormat::PcapFormat(uint32_t snap_length) : snap_length_(snap_length) { set_link(link_); }

void PcapFormat::set_link(uint32_t link) noexcept {
  link_ = link;
  put({kMagicNanoseconds, kVersion, 0, 0, snap_length_, link_}, header_.data());
}

char* PcapFormat::write(const CapturedPacket& packet, uint64_t /*seq*/, char* out) noexcept {
  if (!link_known_) {
    link_known_ = true;
    set_link(packet.link);
  }
  if (packet.link != link_) return out;
  constexpr uint64_t kLast = std::numeric_limits<uint32_t>::max();
  out = put({static_cast<uint32_t>(std::min(packet.time_ns / kNsPerSec, kLast)),
             static_cast<uint32_t>(packet.time_ns % kNsPerSec), packet.len, packet.wire_len},
            out);
  std::memcpy(out, packet.bytes().data(), packet.len);
  return out + packet.len;
}

size_t PcapFormat::record_start(std::string_view records, size_t sent) const noexcept {
  size_t start = 0;
  while (records.size() - start >= kHeadBytes) {
    const size_t next = start + kHeadBytes + load_u32(records.data() + start + 8);
    if (next > sent) break;
    start = next;
  }
  return start;
}

Result<bool> PcapFormat::resume(int fd, const std::string& path) {
  const ReadHandle reader(path);
  if (reader.fd() < 0) return unreadable(path);
  const uint64_t size = size_of(fd);
  FileBytes file(reader.fd());
  uint64_t kept = 0;
  const char* header = file.at(0, kHeaderBytes);
  if (header == nullptr) {
    // A part of a header, which a killed writer may leave.
    constexpr size_t kBeforeLink = 20;
    const char* part = file.at(0, size);
    if (part == nullptr || !opening().substr(0, kBeforeLink).starts_with({part, std::min(size, kBeforeLink)}))
      return not_ours(path, "has something else in it than packets");
  } else {
    if (load_u32(header) != kMagicNanoseconds || load_u32(header + 4) != kVersion)
      return not_ours(path, "is no pcap file with nanoseconds, as this machine writes it");
    const uint32_t longest = load_u32(header + 16);
    const uint32_t link = load_u32(header + 20);
    if (longest < snap_length_) return not_ours(path, "has a smaller snap length");
    constexpr uint32_t kLastLink = 0xffff;  // above it stand other things, which no packet of ours has
    if (link > kLastLink || (link_known_ && link != link_))
      return not_ours(path, "has packets of another link type");
    kept = kHeaderBytes;
    while (const char* head = file.at(kept, kHeadBytes)) {
      const uint32_t len = load_u32(head + 8);
      if (len > longest) return not_ours(path, "is damaged at byte " + std::to_string(kept));
      if (kept + kHeadBytes + len > size) break;
      kept += kHeadBytes + len;
    }
    // Without a packet, the link type is but what a run without packets wrote.
    if (kept == kHeaderBytes) {
      kept = 0;
    } else {
      link_known_ = true;
      set_link(link);
    }
  }
  if (kept == size) return true;
  if (Status cut = cut_back_to(kept, fd, path); !cut) return cut.error();
  if (size > kHeaderBytes) spdlog::warn("{} ended inside a packet; the part of it was taken away", path);
  return kept != 0;
}

}  // namespace weir
