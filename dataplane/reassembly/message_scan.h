// Is there plausibly a DNS message at this place of a TCP stream? For streams whose start, or a part, was not
// captured: length before it, header (RFC 1035 section 4.1.1) and question. Pure; ingest lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

constexpr size_t kMessagePrefix = 2;                       // the length, RFC 1035 section 4.2.2
constexpr size_t kMinMessage = 12;                         // a header
constexpr size_t kMaxMessage = 0xffff;                     // as long as the length can say
constexpr size_t kMinScan = kMessagePrefix + kMinMessage;  // bytes with which a place can be judged

// Nothing that is there of these bytes says that no message (with the length before it) begins with them.
[[nodiscard]] bool may_be_message(std::span<const uint8_t> bytes) noexcept;
// The first place with a message that is followed by another, by the end of the bytes, or reaches past it;
// bytes.size() if there is none. Linear: a place is given up after its name, 128 labels at most.
[[nodiscard]] size_t find_message(std::span<const uint8_t> bytes) noexcept;

}  // namespace weir
