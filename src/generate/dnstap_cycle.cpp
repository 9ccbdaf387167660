#include "src/generate/dnstap_cycle.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>

#include "core/clock.h"
#include "core/dnstap.pb.h"

namespace weir {

namespace {

// Seconds from 1978 to 3058 are varints of this many bytes, so they can be written over each other.
constexpr size_t kSecondsBytes = 5;
constexpr uint64_t kSampleSeconds = 1'767'225'600;

void put_seconds(char* at, uint64_t seconds) noexcept {
  for (size_t i = 0; i < kSecondsBytes; ++i) {
    const bool last = i + 1 == kSecondsBytes;
    at[i] = static_cast<char>((seconds & 0x7fU) | (last ? 0U : 0x80U));
    seconds >>= 7U;
  }
}

void put_fixed32(char* at, uint32_t value) noexcept {  // little-endian on the wire, whatever the machine
  for (size_t i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8U * i));
}

void put_time(char* frame, uint32_t seconds_at, uint32_t nsec_at, uint64_t time_ns) noexcept {
  put_seconds(frame + seconds_at, time_ns / kNsPerSec);
  put_fixed32(frame + nsec_at, static_cast<uint32_t>(time_ns % kNsPerSec));
}

std::string_view view(const IpAddr& addr) {
  return {reinterpret_cast<const char*>(addr.bytes.data()), addr.len};
}

}  // namespace

DnstapCycle::DnstapCycle(const DnstapCycleOptions& options) : options_(options) {
  Traffic traffic(options.traffic);
  slots_.reserve(options.transactions * (options.pairs ? 2 : 1));
  for (size_t i = 0; i < options.transactions; ++i) {
    const Transaction& transaction = traffic.next(i);
    if (options.pairs) {
      add(transaction, true, false);
      add(transaction, false, true);
    } else {
      add(transaction, true, true);
    }
  }
  for (const Slot& slot : slots_) max_bytes_ = std::max<size_t>(max_bytes_, slot.len);
  max_bytes_ *= frames_per_transaction();
}

void DnstapCycle::add(const Transaction& transaction, bool query, bool response) {
  dnstap::Dnstap frame;
  frame.set_identity("resolver-1.pop3.isp.example");
  frame.set_version("unbound 1.17.1");
  frame.set_type(dnstap::Dnstap::MESSAGE);
  dnstap::Message& message = *frame.mutable_message();
  message.set_type(response ? dnstap::Message::CLIENT_RESPONSE : dnstap::Message::CLIENT_QUERY);
  message.set_socket_family(transaction.client.addr.len == 4 ? dnstap::INET : dnstap::INET6);
  message.set_socket_protocol(transaction.tcp ? dnstap::TCP : dnstap::UDP);
  message.set_query_address(std::string(view(transaction.client.addr)));
  message.set_response_address(std::string(view(transaction.server.addr)));
  message.set_query_port(transaction.client.port);
  message.set_response_port(transaction.server.port);
  message.set_query_time_sec(kSampleSeconds);
  message.set_query_time_nsec(0);
  if (query) message.set_query_message(transaction.query);
  if (response) {
    message.set_response_time_sec(kSampleSeconds);
    message.set_response_time_nsec(0);
    message.set_response_message(transaction.response);
  }

  Slot slot;
  slot.start = bytes_.size();
  slot.latency_ns = transaction.latency_ns;
  const auto len = static_cast<uint32_t>(frame.ByteSizeLong());
  slot.len = len + 4;
  for (unsigned shift : {24U, 16U, 8U, 0U}) bytes_ += static_cast<char>(len >> shift);
  frame.AppendToString(&bytes_);
  find_fields(slot);
  slots_.push_back(slot);
}

// libprotobuf's own reader says where its writer has put each field.
void DnstapCycle::find_fields(Slot& slot) const {
  using google::protobuf::internal::WireFormatLite;
  constexpr uint32_t kPrefix = 4;
  google::protobuf::io::CodedInputStream in(
      reinterpret_cast<const uint8_t*>(bytes_.data()) + slot.start + kPrefix,
      static_cast<int>(slot.len - kPrefix));
  const auto position = [&in] { return static_cast<uint32_t>(in.CurrentPosition()) + kPrefix; };
  uint32_t tag = in.ReadTag();
  while (WireFormatLite::GetTagFieldNumber(tag) != dnstap::Dnstap::kMessageFieldNumber) {
    WireFormatLite::SkipField(&in, tag);
    tag = in.ReadTag();
  }
  uint32_t message_len = 0;
  in.ReadVarint32(&message_len);
  (void)in.PushLimit(static_cast<int>(message_len));
  while ((tag = in.ReadTag()) != 0) {
    const uint32_t value_at = position();
    uint32_t skipped_len = 0;
    switch (WireFormatLite::GetTagFieldNumber(tag)) {
      case dnstap::Message::kQueryTimeSecFieldNumber:
        slot.query_time = value_at;
        break;
      case dnstap::Message::kQueryTimeNsecFieldNumber:
        slot.query_nsec = value_at;
        break;
      case dnstap::Message::kResponseTimeSecFieldNumber:
        slot.response_time = value_at;
        break;
      case dnstap::Message::kResponseTimeNsecFieldNumber:
        slot.response_nsec = value_at;
        break;
      case dnstap::Message::kQueryMessageFieldNumber:
      case dnstap::Message::kResponseMessageFieldNumber: {
        in.ReadVarint32(&skipped_len);
        const bool query =
            WireFormatLite::GetTagFieldNumber(tag) == dnstap::Message::kQueryMessageFieldNumber;
        (query ? slot.query : slot.response) = position();
        in.Skip(static_cast<int>(skipped_len));
        continue;
      }
      default:
        break;
    }
    WireFormatLite::SkipField(&in, tag);
  }
}

char* DnstapCycle::write(char* out, uint64_t number) const noexcept {
  const unsigned frames = frames_per_transaction();
  const uint64_t round = number / options_.transactions;
  const uint64_t first = number % options_.transactions * frames;
  for (unsigned i = 0; i < frames; ++i) out = write_frame(out, slots_[first + i], number, round);
  return out;
}

char* DnstapCycle::write_frame(char* out, const Slot& slot, uint64_t number, uint64_t round) const noexcept {
  std::memcpy(out, bytes_.data() + slot.start, slot.len);
  const uint64_t asked_ns = options_.start_ns + number * options_.step_ns;
  put_time(out, slot.query_time, slot.query_nsec, asked_ns);
  if (slot.response_time != 0)
    put_time(out, slot.response_time, slot.response_nsec, asked_ns + slot.latency_ns);
  if (slot.query != 0) stamp_message(out + slot.query, number, round);
  if (slot.response != 0) stamp_message(out + slot.response, number, round);
  return out + slot.len;
}

// A later round has other ids, so that it is no repetition of the first.
void DnstapCycle::stamp_message(char* message, uint64_t number, uint64_t round) const noexcept {
  const unsigned id = static_cast<uint8_t>(message[0]) << 8U | static_cast<uint8_t>(message[1]);
  const uint64_t stamped = id + round;
  message[0] = static_cast<char>(stamped >> 8U);
  message[1] = static_cast<char>(stamped);
  if (options_.traffic.numbered) write_number(message + kNumberAt, number);
}

}  // namespace weir
