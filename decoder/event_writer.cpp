#include "decoder/event_writer.h"

#include <new>
#include <string>

namespace weir {

EventSink::Room EventWriter::reserve(size_t bytes_len, Event*& event) noexcept {
  const size_t bytes = sizeof(Event) + bytes_len;
  if (bytes > pool_.largest_bytes()) return Room::never;
  uint8_t* room = writer_.reserve(bytes, mono_ns_);
  if (room == nullptr) return Room::later;
  event = reserved_ = new (room) Event;
  event->record_len = BatchWriter::padded(bytes);
  event->bytes_len = static_cast<uint32_t>(bytes_len);
  return Room::yes;
}

void EventWriter::commit() noexcept {
  const Event& event = *reserved_;
  for (const DnsMessage* message : {&event.query, &event.response}) {
    if (message->malformed != Malformed::none) malformed_[static_cast<size_t>(message->malformed)].add(1);
  }
  events_.add(1);
  writer_.commit(event.record_len, event.units);
}

void EventWriter::describe(MetricVisitor& visitor, const Labels& owner) const {
  visitor.counter("weir_decode_events_total",
                  "Events (dnstap messages, transactions, queries, responses) written for the export lcore.",
                  owner, static_cast<double>(events_.get()));
  for (size_t i = 1; i < malformed_.size(); ++i) {
    Labels labels = owner;
    labels.push_back({"reason", std::string(to_string(static_cast<Malformed>(i)))});
    visitor.counter(
        "weir_decode_malformed_total",
        "DNS messages that could not be read to their end, by reason; they are written all the same. A few "
        "are normal on the Internet; capture_cut: raise the capture's snap length.",
        labels, static_cast<double>(malformed_[i].get()));
  }
  drops_.describe(visitor, StageKind::decode, owner);
}

}  // namespace weir
