#include "dataplane/connection_board.h"

namespace weir {

std::shared_ptr<ConnectionPlace> ConnectionBoard::show(uint32_t connection, const std::string& peer,
                                                       std::string_view name) {
  const std::lock_guard lock(lock_);
  if (shown_.size() >= places_) return nullptr;
  auto place = std::make_shared<ConnectionPlace>();
  place->connection = connection;
  place->peer = peer;
  place->name = name;
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
