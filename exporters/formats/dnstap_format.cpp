#include "exporters/formats/dnstap_format.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "core/clock.h"

namespace weir {
namespace {

// All of a frame that we make but identity, version, extra and the DNS message.
constexpr size_t kMostOfFrame = 256;

char* put_be32(char* out, size_t value) {
  for (unsigned shift : {24U, 16U, 8U, 0U}) *out++ = static_cast<char>(value >> shift & 0xffU);
  return out;
}

// As they are: values of later schemas, which libprotobuf keeps aside, may leave a required field unset.
char* put_frame(const dnstap::Dnstap& dnstap, char* out) {
  out = put_be32(out, dnstap.ByteSizeLong());
  return reinterpret_cast<char*>(dnstap.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out)));
}

dnstap::Message::Type type_of(DnstapAs as, bool response) {
  if (as == DnstapAs::auth) return response ? dnstap::Message::AUTH_RESPONSE : dnstap::Message::AUTH_QUERY;
  return response ? dnstap::Message::CLIENT_RESPONSE : dnstap::Message::CLIENT_QUERY;
}

}  // namespace

Status DnstapFormat::check(const DnstapFields& fields) {
  for (const auto& [key, text] : {std::pair{"identity", &fields.identity},
                                  std::pair{"version", &fields.version}, std::pair{"extra", &fields.extra}})
    if (Status status = FieldTemplate::check(*text); !status)
      return Error{std::string(key) + ": " + status.error().message};
  return Ok{};
}

DnstapFormat::DnstapFormat(const DnstapFields& fields, const std::vector<std::string>& input_names,
                           size_t max_event_bytes)
    : as_(fields.as),
      identity_(fields.identity),
      version_(fields.version),
      extra_(fields.extra),
      untouched_(identity_.empty() && version_.empty() && extra_.empty()),
      input_names_(input_names),
      max_record_bytes_(max_event_bytes + 2 * (kMostOfFrame + 3 * FieldTemplate::kMaxBytes)) {}

char* DnstapFormat::write(const Event& event, uint64_t /*seq*/, char* out) noexcept {
  if (event.kind != EventKind::dnstap) {
    if (event.query.wire.present()) out = write_message(event, false, out);
    if (event.response.wire.present()) out = write_message(event, true, out);
    return out;
  }
  const std::span<const uint8_t> all = event.bytes();
  if (event.query_frame_len != 0) out = write_payload(event, all.first(event.query_frame_len), out);
  return write_payload(event, all.subspan(event.query_frame_len), out);
}

// As resolvers do it: the response carries both times and its own message only.
char* DnstapFormat::write_message(const Event& event, bool response, char* out) {
  made_.Clear();
  put_fields(event, made_);
  made_.set_type(dnstap::Dnstap::MESSAGE);
  dnstap::Message& message = *made_.mutable_message();
  message.set_type(type_of(as_, response));
  message.set_socket_family(static_cast<dnstap::SocketFamily>(event.family));
  message.set_socket_protocol(static_cast<dnstap::SocketProtocol>(event.protocol));
  message.set_query_address(event.client.addr.bytes.data(), event.client.addr.len);
  message.set_response_address(event.server.addr.bytes.data(), event.server.addr.len);
  message.set_query_port(event.client.port);
  message.set_response_port(event.server.port);
  if (event.has_query_time) {
    message.set_query_time_sec(event.query_time_ns / kNsPerSec);
    message.set_query_time_nsec(static_cast<uint32_t>(event.query_time_ns % kNsPerSec));
  }
  if (response && event.has_response_time) {
    message.set_response_time_sec(event.response_time_ns / kNsPerSec);
    message.set_response_time_nsec(static_cast<uint32_t>(event.response_time_ns % kNsPerSec));
  }
  const std::span<const uint8_t> wire = event.bytes((response ? event.response : event.query).wire);
  if (response)
    message.set_response_message(wire.data(), wire.size());
  else
    message.set_query_message(wire.data(), wire.size());
  return put_frame(made_, out);
}

char* DnstapFormat::write_payload(const Event& event, std::span<const uint8_t> payload, char* out) {
  if (untouched_) {
    out = put_be32(out, payload.size());
    std::memcpy(out, payload.data(), payload.size());
    return out + payload.size();
  }
  // It parses: the decoder lets nothing else pass.
  (void)read_.ParsePartialFromArray(payload.data(), static_cast<int>(payload.size()));
  put_fields(event, read_);
  return put_frame(read_, out);
}

void DnstapFormat::put_fields(const Event& event, dnstap::Dnstap& to) {
  const FieldValues from = {.identity = to.identity(),
                            .version = to.version(),
                            .extra = to.extra(),
                            .input = event.input < input_names_.size()
                                         ? std::string_view(input_names_[event.input])
                                         : std::string_view(),
                            .peer = event.peer};
  // All three before the first is put: they may be made of each other.
  identity_.expand(from, values_[0]);
  version_.expand(from, values_[1]);
  extra_.expand(from, values_[2]);
  if (!identity_.empty()) to.set_identity(values_[0]);
  if (!version_.empty()) to.set_version(values_[1]);
  if (!extra_.empty()) to.set_extra(values_[2]);
}

}  // namespace weir
