#include "core/peer_names.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>

namespace weir {
namespace {

struct Table {
  std::mutex lock;  // of those who add
  std::array<std::string, PeerNames::kMost> names;
  std::atomic<uint16_t> used{1};  // names below it are there to stay; 0 is no name
  bool told = false;              // under the lock: that it is full
};

Table& table() {
  static Table the_table;
  return the_table;
}

}  // namespace

uint16_t PeerNames::number_of(std::string_view name) {
  if (name.empty()) return 0;
  name = name.substr(0, kLongest);
  Table& at = table();
  const std::lock_guard lock(at.lock);
  const uint16_t used = at.used.load(std::memory_order_relaxed);
  const auto end = at.names.begin() + used;
  if (const auto known = std::find(at.names.begin() + 1, end, name); known != end)
    return static_cast<uint16_t>(known - at.names.begin());
  if (used == kMost) {
    if (!std::exchange(at.told, true))
      spdlog::warn(
          "{} names of peers' certificates are known, as many as can be: until a restart, peer_name is left "
          "out "
          "for new ones",
          kMost - 1);
    return 0;
  }
  at.names[used] = name;
  at.used.store(static_cast<uint16_t>(used + 1), std::memory_order_release);
  return used;
}

std::string_view PeerNames::at(uint16_t number) noexcept {
  const Table& from = table();
  return number < from.used.load(std::memory_order_acquire) ? std::string_view(from.names[number])
                                                            : std::string_view();
}

}  // namespace weir
