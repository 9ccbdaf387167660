#include "dataplane/reassembly/message_scan.h"

#include <algorithm>

#include "core/dns/wire_reader.h"

namespace weir {
namespace {

constexpr size_t kMaxName = 255;  // RFC 1035 section 2.3.4
constexpr size_t kMaxLabel = 63;
constexpr size_t kMinQuestion = 5;  // root, type, class
constexpr size_t kMinRecord = 11;   // root, type, class, TTL, length
constexpr unsigned kStateful = 6;   // RFC 8490: the counts are 0, and more than a header follows

bool opcode_exists(unsigned opcode) { return opcode <= kStateful && opcode != 3; }

// The name and what follows it end within the message, as far as they are there.
bool question_fits(std::span<const uint8_t> message, size_t message_len) {
  size_t at = kMinMessage;
  while (at < message.size() && message[at] != 0) {
    if (message[at] > kMaxLabel) return false;  // nothing stands before it that it could point to
    at += message[at] + size_t{1};
    if (at - kMinMessage >= kMaxName) return false;
  }
  return at + kMinQuestion <= message_len;
}

bool counts_fit(std::span<const uint8_t> message, size_t message_len, unsigned opcode) {
  const size_t questions = load_be16(&message[4]);  // or zones of an UPDATE, RFC 2136 section 2.3: one
  size_t records = 0;
  for (size_t count = 6; count < kMinMessage; count += 2) records += load_be16(&message[count]);
  if (questions > 1) return false;
  if (questions + records == 0) return message_len == kMinMessage || opcode == kStateful;
  return questions * kMinQuestion + records * kMinRecord <= message_len - kMinMessage;
}

}  // namespace

bool may_be_message(std::span<const uint8_t> bytes) noexcept {
  if (bytes.size() < kMessagePrefix) return true;
  const size_t message_len = load_be16(bytes.data());
  if (message_len < kMinMessage) return false;
  const auto message = bytes.subspan(kMessagePrefix, std::min(bytes.size() - kMessagePrefix, message_len));
  if (message.size() < 3) return true;
  const unsigned opcode = message[2] >> 3U & 0x0fU;
  if (!opcode_exists(opcode)) return false;
  if (message.size() < kMinMessage) return true;
  if (!counts_fit(message, message_len, opcode)) return false;
  return load_be16(&message[4]) == 0 || question_fits(message, message_len);
}

size_t find_message(std::span<const uint8_t> bytes) noexcept {
  for (size_t place = 0; place + kMinScan <= bytes.size(); ++place) {
    const auto here = bytes.subspan(place);
    if (here[6] != 0 || here[7] > 1) continue;  // questions; the rest need not be looked at mostly
    if (!may_be_message(here)) continue;
    const size_t end = kMessagePrefix + load_be16(here.data());
    if (end >= here.size() || may_be_message(here.subspan(end))) return place;
  }
  return bytes.size();
}

}  // namespace weir
