#include "exporters/capture/pcapng_format.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kLeastBlock = 12;

constexpr uint16_t kOptComment = 1;
constexpr uint16_t kOptUserAppl = 4;   // of a section
constexpr uint16_t kOptName = 2;       // of an interface
constexpr uint16_t kOptTimeResol = 9;  // of an interface
constexpr size_t kMostOfComment = 64;
constexpr std::string_view kComment = "weir: ";

uint32_t load_u32(const char* from) noexcept {
  uint32_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

constexpr size_t filled_up(size_t len) noexcept { return (len + 3) & ~size_t{3}; }

// Writes one block, whose lengths it fills in.
class BlockWriter {
 public:
  BlockWriter(uint32_t type, char* out) noexcept : start_(out), at_(out) {
    u32(type);
    u32(0);
  }
  void u16(uint16_t value) noexcept { put(&value, sizeof value); }
  void u32(uint32_t value) noexcept { put(&value, sizeof value); }
  // Filled up to 4 bytes.
  void bytes(const void* from, size_t len) noexcept {
    put(from, len);
    while ((at_ - start_) % 4 != 0) *at_++ = 0;
  }
  void option(uint16_t code, std::string_view value) noexcept {
    u16(code);
    u16(static_cast<uint16_t>(value.size()));
    bytes(value.data(), value.size());
  }
  void end_of_options() noexcept { u32(0); }
  // Gives the block's end.
  char* end() noexcept {
    const auto len = static_cast<uint32_t>(at_ - start_) + 4;
    u32(len);
    std::memcpy(start_ + 4, &len, sizeof len);
    return at_;
  }

 private:
  void put(const void* from, size_t len) noexcept {
    if (len != 0) std::memcpy(at_, from, len);
    at_ += len;
  }

  char* start_;
  char* at_;
};

}  // namespace

PcapngFormat::PcapngFormat(uint32_t snap_length, std::vector<std::string> input_names)
    : snap_length_(snap_length), input_names_(std::move(input_names)) {
  char block[64];
  BlockWriter writer(kSectionHeader, block);
  writer.u32(kByteOrderMagic);
  writer.u16(1);  // version 1.0
  writer.u16(0);
  writer.u32(0xffffffff);  // the section's length is not told
  writer.u32(0xffffffff);
  writer.option(kOptUserAppl, "weir");
  writer.end_of_options();
  opening_.assign(block, writer.end());
  constexpr uint16_t kEthernet = 1;
  no_packets_ = describe({.input = 0, .link = kEthernet}, {});
}

std::string PcapngFormat::describe(Interface interface, std::string_view name) const {
  constexpr size_t kMostOfName = 256;
  char block[64 + kMostOfName];
  BlockWriter writer(kInterfaceDescription, block);
  writer.u16(interface.link);
  writer.u16(0);
  writer.u32(snap_length_);
  if (!name.empty()) writer.option(kOptName, name.substr(0, kMostOfName));
  writer.option(kOptTimeResol, "\x09");  // 10^-9 seconds
  writer.end_of_options();
  return {block, writer.end()};
}

bool PcapngFormat::find_interface(Interface wanted, uint32_t& number) {
  if (last_ >= interfaces_.size() || interfaces_[last_] != wanted) {
    const auto found = std::find(interfaces_.begin(), interfaces_.end(), wanted);
    last_ = static_cast<uint32_t>(found - interfaces_.begin());
    if (found == interfaces_.end()) {
      if (interfaces_.size() == kMostInterfaces) return false;
      opening_ += describe(wanted, wanted.input < input_names_.size() ? input_names_[wanted.input] : "");
      interfaces_.push_back(wanted);
    }
  }
  number = last_;
  return true;
}

size_t PcapngFormat::max_record_bytes() const noexcept {
  constexpr size_t kHead = 28;
  constexpr size_t kOptions = 4 + kMostOfComment + 4;
  return kHead + filled_up(snap_length_) + kOptions + 4;
}

char* PcapngFormat::write(const CapturedPacket& packet, uint64_t /*seq*/, char* out) noexcept {
  uint32_t interface = 0;
  if (!find_interface({packet.input, packet.link}, interface)) return out;
  BlockWriter writer(kEnhancedPacket, out);
  writer.u32(interface);
  writer.u32(static_cast<uint32_t>(packet.time_ns >> 32U));
  writer.u32(static_cast<uint32_t>(packet.time_ns));
  writer.u32(packet.len);
  writer.u32(packet.wire_len);
  writer.bytes(packet.bytes().data(), packet.len);
  if (packet.refused != Drop::count_) {
    char comment[kMostOfComment];
    const std::string_view reason = drop_info(packet.refused).name;
    const size_t len = kComment.copy(comment, kComment.size());
    writer.option(kOptComment, {comment, len + reason.copy(comment + len, kMostOfComment - len)});
    writer.end_of_options();
  }
  return writer.end();
}

size_t PcapngFormat::record_start(std::string_view records, size_t sent) const noexcept {
  size_t start = 0;
  while (records.size() - start >= kLeastBlock) {
    const size_t next = start + load_u32(records.data() + start + 4);
    if (next > sent) break;
    start = next;
  }
  return start;
}

Result<bool> PcapngFormat::resume(int fd, const std::string& path) {
  const ReadHandle reader(path);
  if (reader.fd() < 0) return unreadable(path);
  const uint64_t size = size_of(fd);
  FileBytes file(reader.fd());
  uint64_t kept = 0;
  while (const char* head = file.at(kept, kLeastBlock)) {
    const uint32_t type = load_u32(head);
    const uint32_t len = load_u32(head + 4);
    if ((kept == 0 && type != kSectionHeader) ||
        (type == kSectionHeader && load_u32(head + 8) != kByteOrderMagic))
      return not_ours(path, "is no pcapng file, as this machine writes it");
    if (len < kLeastBlock || len % 4 != 0)
      return not_ours(path, "is damaged at byte " + std::to_string(kept));
    const char* end = file.at(kept + len - 4, 4);
    if (end == nullptr) break;
    if (load_u32(end) != len) return not_ours(path, "is damaged at byte " + std::to_string(kept));
    kept += len;
  }
  if (kept == 0) {
    // A part of a section's header, which a killed writer may leave.
    const char* part = size <= opening_.size() ? file.at(0, size) : nullptr;
    if (part == nullptr || !opening_.starts_with({part, size}))
      return not_ours(path, "has something else in it than packets");
  }
  if (kept == size) return false;
  if (Status cut = cut_back_to(kept, fd, path); !cut) return cut.error();
  spdlog::warn("{} ended inside a packet; the part of it was taken away", path);
  return false;
}

}  // namespace weir
