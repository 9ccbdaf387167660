// What all dnstap connections show, and what listeners and dialers show besides; the common metrics of an
// input are shown by IngestStage.
#include <string>

#include "dataplane/dnstap_dialer.h"
#include "dataplane/dnstap_listener.h"

namespace weir {
namespace {

double value(const Counter& counter) { return static_cast<double>(counter.get()); }

Labels labels_of(const Input& input) {
  return {{"input", input.name()}, {"lcore", std::to_string(input.lcore())}};
}

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
  constexpr std::array<std::string_view, kRefusalCount> kNames = {
      "not_allowed", "max_connections", "max_connections_per_address", "open_files"};
  return kNames[static_cast<size_t>(refusal)];
}

std::string_view to_string(ConnectionEnd end) noexcept {
  constexpr std::array<std::string_view, kConnectionEndCount> kNames = {
      "finished",     "eof",    "reset",   "fault",          "handshake_timeout",
      "idle_timeout", "memory", "stopped", "tls_plain_text", "tls_certificate",
      "tls"};
  return kNames[static_cast<size_t>(end)];
}

void DnstapStreams::describe(MetricVisitor& visitor) const {
  const Labels owner = labels_of(*this);
  const auto with_reason = [&owner](std::string_view reason) {
    Labels labels = owner;
    labels.push_back({"reason", std::string(reason)});
    return labels;
  };
  visitor.gauge("weir_dnstap_connections", "Senders that are connected.", owner, value(open_));
  for (size_t i = 0; i < kConnectionEndCount; ++i)
    visitor.counter(
        "weir_dnstap_connections_closed_total",
        "Connections that ended, by reason; fault, memory, tls and the time-outs are logged with the sender.",
        with_reason(to_string(static_cast<ConnectionEnd>(i))), value(closed_[i]));
  for (size_t i = 1; i < kStreamFaultCount; ++i)
    visitor.counter(
        "weir_dnstap_stream_faults_total",
        "Streams that were given up because they broke Frame Streams, by reason: look at the sender.",
        with_reason(to_string(static_cast<StreamFault>(i))), value(faults_[i]));
  visitor.counter("weir_dnstap_control_ignored_total",
                  "Control frames that had no place where they stood and were passed over.", owner,
                  value(odd_control_));
  visitor.counter(
      "weir_dnstap_rate_limited_total",
      "Times that a connection was not read for a while since it had used up rate_limit; its sender "
      "was slowed.",
      owner, value(pauses_));
  visitor.gauge("weir_dnstap_held_bytes", "Memory for frames whose rest has not come yet.", owner,
                value(held_bytes_));
  visitor.gauge("weir_dnstap_waiting_bytes", "Bytes that were read and wait for room in a ring.", owner,
                value(waiting_bytes_));
  board_.describe(visitor, owner);
}

void DnstapListener::describe(MetricVisitor& visitor) const {
  DnstapStreams::describe(visitor);
  const Labels owner = labels_of(*this);
  visitor.counter("weir_dnstap_connections_accepted_total", "Senders that were let in.", owner,
                  value(accepted_));
  for (size_t i = 0; i < kRefusalCount; ++i) {
    Labels labels = owner;
    labels.push_back({"reason", std::string(to_string(static_cast<Refusal>(i)))});
    visitor.counter("weir_dnstap_connections_refused_total",
                    "Senders that were turned away, by reason: the key of the configuration, or open_files.",
                    labels, value(refused_[i]));
  }
  visitor.counter("weir_dnstap_accept_errors_total",
                  "Times that a waiting sender could not be let in: raise the limit on open files.", owner,
                  value(accept_errors_));
}

void DnstapDialer::describe(MetricVisitor& visitor) const {
  DnstapStreams::describe(visitor);
  const Labels owner = labels_of(*this);
  visitor.counter("weir_dnstap_connects_total",
                  "Connections made to a sender that listens. Growing: it closes them; see its log and ours.",
                  owner, value(connects_));
  visitor.counter("weir_dnstap_connect_failures_total",
                  "Tries to connect that failed: is the sender up, and the address right?", owner,
                  value(failures_));
}

}  // namespace weir
