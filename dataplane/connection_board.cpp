#include "dataplane/connection_board.h"

namespace weir {
namespace {

// A label must be UTF-8, and a peer's certificate may say anything: what is not printable ASCII is \DDD, as
// in zone files (RFC 1035 section 5.1), and a backslash two.
std::string label_text(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= ' ' && byte < 0x7f) {
      text += c == '\\' ? "\\\\" : std::string(1, c);
      continue;
    }
    text += '\\';
    for (const unsigned unit : {100U, 10U, 1U}) text += static_cast<char>('0' + byte / unit % 10);
  }
  return text;
}

}  // namespace

std::shared_ptr<ConnectionPlace> ConnectionBoard::show(uint32_t connection, const std::string& peer,
                                                       std::string_view name) {
  const std::lock_guard lock(lock_);
  if (shown_.size() >= places_) return nullptr;
  auto place = std::make_shared<ConnectionPlace>();
  place->connection = connection;
  place->peer = peer;
  place->name = label_text(name);
  return shown_.emplace_back(std::move(place));
}

void ConnectionBoard::take_down(const std::shared_ptr<ConnectionPlace>& place) {
  if (!place) return;
  const std::lock_guard lock(lock_);
  std::erase(shown_, place);
}

void ConnectionBoard::describe(MetricVisitor& visitor, const Labels& owner) const {
  std::vector<std::shared_ptr<ConnectionPlace>> shown;
  {
    const std::lock_guard lock(lock_);
    shown = shown_;
  }
  for (const auto& place : shown) {
    Labels labels = owner;
    labels.push_back({"connection", std::to_string(place->connection)});
    labels.push_back({"peer", place->peer});
    labels.push_back({"peer_name", place->name});
    visitor.counter("weir_dnstap_connection_frames_total",
                    "Frames that a connection brought, dropped ones too; of as many connections as "
                    "connection_metrics says.",
                    labels, static_cast<double>(place->frames.get()));
    visitor.counter("weir_dnstap_connection_bytes_total", "Bytes that were read from a connection.", labels,
                    static_cast<double>(place->bytes.get()));
  }
}

}  // namespace weir
