// dnstap over TCP and UNIX sockets: one listening socket, an instance on each ingest lcore. Every instance
// accepts, polls its own connections with epoll, and reads them one at a time into one buffer; a connection
// keeps only the beginning of an unfinished frame, so that thousands of idle senders cost little.
//
// Backpressure: when a shard has no room, the rest of the buffer waits and the instance reads nothing more
// until there is room: whatever another connection sent would meet the same full shard. Then the next
// connection in turn is read, so a fast sender takes no more than its share.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/frame_streams.h"
#include "core/net/listen_socket.h"
#include "core/result.h"
#include "dataplane/dnstap_connection.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"
#include "dataplane/peer_log.h"

namespace weir {

// One input an ingest lcore, all on one listening socket. An Error names the configuration key and the
// remedy.
Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapListenOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores);

// What the instances of one listener share.
struct DnstapListenerShare {
  // One cache line an lcore: written by its owner, read by the others.
  struct alignas(64) Load {
    std::atomic<uint32_t> connections{0};
    std::atomic<bool> accepts{true};  // false while it waits for room, and when it has ended
  };
  DnstapListenerShare(std::unique_ptr<ListenSocket> listening, unsigned lcores)
      : socket(std::move(listening)), loads(lcores) {}

  std::unique_ptr<ListenSocket> socket;
  std::vector<Load> loads;
  std::atomic<uint32_t> connections{0};
  // Sockets have numbers below this one, so that files can be reopened and metrics be read whoever connects.
  int fd_limit = INT_MAX;
};

// Why a connection ended. Names are the values of weir_dnstap_connections_closed_total's reason.
enum class ConnectionEnd : uint8_t {
  finished,           // after STOP
  eof,                // without STOP: the sender was killed, or is of the kind that says none
  reset,              // by the network or the peer's kernel
  fault,              // its stream was damaged: weir_dnstap_stream_faults_total says how
  handshake_timeout,  // no START in time
  idle_timeout,       // no byte in time
  memory,             // too much memory held by unfinished frames
  stopped,            // by us, at the end
  count_
};
constexpr size_t kConnectionEndCount = static_cast<size_t>(ConnectionEnd::count_);
std::string_view to_string(ConnectionEnd end) noexcept;

class DnstapListener : public Input {
 public:
  DnstapListener(const DnstapListenOptions& options, uint16_t index, unsigned lcore,
                 std::shared_ptr<DnstapListenerShare> share);
  ~DnstapListener() override;
  // Control thread, once, before the first poll().
  Status watch();

  Poll poll(const Now& now, FrameWriter& writer) override;
  void stop(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;

  [[nodiscard]] const Target& bound() const { return share_->socket->bound(); }
  [[nodiscard]] uint64_t connections() const noexcept { return open_.get(); }  // any thread
  [[nodiscard]] uint64_t closed(ConnectionEnd end) const noexcept {
    return closed_[static_cast<size_t>(end)].get();
  }
  [[nodiscard]] uint64_t faults(StreamFault fault) const noexcept {
    return faults_[static_cast<size_t>(fault)].get();
  }

 private:
  bool resume(const Now& now, FrameWriter& writer);
  bool look(const Now& now);
  Poll drain(const Now& now, FrameWriter& writer);
  size_t read(DnstapConnection& connection, size_t limit, const Now& now, FrameWriter& writer);
  bool take(DnstapConnection& connection, const Now& now, FrameWriter& writer);
  void accept_waiting(const Now& now);
  void add(int fd, const Now& now);
  [[nodiscard]] bool my_turn() const noexcept;
  void check_timeouts(const Now& now);
  void close(DnstapConnection& connection, ConnectionEnd end, const Now& now);
  template <class... Args>
  void log(const Now& now, const char* format, const Args&... args);

  DnstapListenOptions options_;
  std::shared_ptr<DnstapListenerShare> share_;
  DnstapIntake intake_;
  int epoll_;
  std::vector<uint8_t> buffer_;  // options_.read_buffer bytes
  std::vector<std::unique_ptr<DnstapConnection>> connections_;

  // What epoll said, worked off one after the other.
  std::array<DnstapConnection*, 64> ready_{};
  size_t ready_at_ = 0;
  size_t ready_count_ = 0;
  bool accept_ready_ = false;

  // Backpressure: the connection whose bytes wait in the buffer.
  DnstapConnection* current_ = nullptr;
  std::span<const uint8_t> rest_;
  uint64_t waiting_since_ns_ = 0;
  uint64_t resumed_ns_ = 0;  // idle time does not run while we do not read

  bool stopped_ = false;
  uint64_t stopped_ns_ = 0;
  size_t drain_at_ = 0;
  uint64_t accept_after_ns_ = 0;
  uint64_t check_after_ns_ = 0;
  PeerLog log_;

  Counter open_;
  Counter held_bytes_;
  Counter waiting_bytes_;
  Counter accepted_;
  Counter refused_;
  Counter accept_errors_;
  Counter odd_control_;
  std::array<Counter, kConnectionEndCount> closed_;
  std::array<Counter, kStreamFaultCount> faults_;
};

}  // namespace weir
