#include "decoder/protobuf_reader.h"

namespace weir {
namespace {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

constexpr uint32_t wire_type(uint32_t tag) { return tag & 7U; }

}  // namespace

bool ProtobufReader::skip_scalar(uint32_t tag) noexcept {
  if (tag >> 3U == 0) return false;
  switch (wire_type(tag)) {
    case kVarint: {
      uint64_t ignored = 0;
      return varint(ignored);
    }
    case kFixed64:
      if (end_ - at_ < 8) return false;
      at_ += 8;
      return true;
    case kLengthDelimited: {
      std::span<const uint8_t> ignored;
      return bytes(ignored);
    }
    case kFixed32: {
      uint32_t ignored = 0;
      return fixed32(ignored);
    }
    default:  // an end without a start, or a wire type that does not exist
      return false;
  }
}

const uint8_t* ProtobufReader::skipped(ProtobufReader reader, uint32_t tag, unsigned depth) noexcept {
  uint32_t open[kMaxDepth];  // the end tags that are awaited
  unsigned groups = 0;
  for (;;) {
    if (wire_type(tag) == kStartGroup && tag >> 3U != 0) {
      if (groups == depth) return nullptr;
      open[groups++] = tag + 1;
    } else if (groups != 0 && wire_type(tag) == kEndGroup) {
      if (tag != open[--groups]) return nullptr;
    } else if (!reader.skip_scalar(tag)) {
      return nullptr;
    }
    if (groups == 0) return reader.at_;
    if (!reader.tag(tag)) return nullptr;
  }
}

}  // namespace weir
