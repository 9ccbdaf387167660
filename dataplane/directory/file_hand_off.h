// FileHandOff: files from the keeper's thread to the ingest lcore that reads them, and back with how they
// ended: a ring of slots, of which each side touches its own. Nobody waits for the other.
#pragma once

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "dataplane/directory/file_id.h"

namespace weir {

// The number of a file in the order of reading is that of its slot: 1, 2, ...
struct HandedFile {
  std::string name;     // in the directory
  FileId id;            // when it was opened
  int fd = -1;          // the lcore's, once it has taken it
  std::string fault{};  // why it failed, by the lcore; empty: read to its end
};

class FileHandOff {
 public:
  static constexpr uint64_t kSlots = 16;

  FileHandOff() = default;
  ~FileHandOff() {
    for (HandedFile& slot : slots_)
      if (slot.fd >= 0) close(slot.fd);
  }
  FileHandOff(const FileHandOff&) = delete;
  FileHandOff& operator=(const FileHandOff&) = delete;

  // The keeper.
  [[nodiscard]] bool has_room() const noexcept { return offered() - collected_ < kSlots; }
  // Precondition: has_room().
  void offer(HandedFile file) {
    slots_[offered() % kSlots] = std::move(file);
    offered_.store(offered() + 1, std::memory_order_release);
  }
  // The number of the next file that was read, which `file` becomes; 0: there is none.
  uint64_t collect(HandedFile& file) {
    if (collected_ == read_.load(std::memory_order_acquire)) return 0;
    file = std::move(slots_[collected_ % kSlots]);
    slots_[collected_ % kSlots].fd = -1;
    return ++collected_;
  }

  // The lcore: the file to read, until done_reading(); nullptr: there is none.
  [[nodiscard]] HandedFile* next() noexcept {
    if (read() == offered_.load(std::memory_order_acquire)) return nullptr;
    return &slots_[read() % kSlots];
  }
  void done_reading() noexcept { read_.store(read() + 1, std::memory_order_release); }
  // How many were read: the number of the latest.
  [[nodiscard]] uint64_t read() const noexcept { return read_.load(std::memory_order_relaxed); }

  // Any thread: files that wait to be read, or are being read.
  [[nodiscard]] uint64_t waiting() const noexcept {
    const uint64_t read = this->read();
    const uint64_t offered = this->offered();
    return offered > read ? offered - read : 0;
  }

 private:
  [[nodiscard]] uint64_t offered() const noexcept { return offered_.load(std::memory_order_relaxed); }

  std::array<HandedFile, kSlots> slots_;
  std::atomic<uint64_t> offered_{0};  // written by the keeper
  std::atomic<uint64_t> read_{0};     // written by the lcore
  uint64_t collected_ = 0;            // the keeper's
};

}  // namespace weir
