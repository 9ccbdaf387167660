// DirectoryKeeper: the thread beside a directory input: watches the directory, opens files in their order and
// hands them to the ingest lcore; when all that was read of a file has left the outputs, it is remembered,
// deleted, moved or set aside. So no lcore ever waits for a directory. A file is touched only then: whatever
// ends the process before, it is taken again, whole.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/clock.h"
#include "core/counter.h"
#include "core/net/backoff.h"
#include "core/peer_log.h"
#include "core/result.h"
#include "dataplane/directory/directory_counters.h"
#include "dataplane/directory/directory_places.h"
#include "dataplane/directory/directory_state.h"
#include "dataplane/directory/directory_watch.h"
#include "dataplane/directory/file_hand_off.h"
#include "dataplane/directory/pending_files.h"
#include "dataplane/input_options.h"

namespace weir {

class DirectoryKeeper {
 public:
  // Files that were read and whose lines are not all written; more are not handed on.
  static constexpr size_t kMostUnsettled = 2'048;

  // All outlive the keeper. arrived: up to which file the outputs are through, one a shard.
  DirectoryKeeper(const DirectoryOptions& options, FileHandOff& hand_off,
                  const std::vector<Counter>& arrived);
  ~DirectoryKeeper() { finish(); }
  DirectoryKeeper(const DirectoryKeeper&) = delete;
  DirectoryKeeper& operator=(const DirectoryKeeper&) = delete;

  // Control thread. A directory that is not there, or in use, is tried again; other faults are an Error.
  Status start();
  // Any thread: the directory is looked at soon.
  void request_look() noexcept {
    look_asked_.store(true, std::memory_order_relaxed);
    wake();
  }
  // Any thread: a file was read.
  void wake() noexcept;
  // Control thread, after the lcores stopped: ends the thread and settles what the outputs are through with.
  void finish();
  [[nodiscard]] const DirectoryCounters& counters() const noexcept { return counters_; }

 private:
  // Read to its end, or not to be read; number 0: there is nothing that it waits for.
  struct ReadFile {
    uint64_t number;
    HandedFile file;
  };
  enum class Attached : uint8_t { yes, later };

  void run();
  void wait(uint64_t mono_ns);
  void turn(const Now& now);
  void collect();

  Result<Attached> attach();
  void try_attach(const Now& now);
  void detach(const std::string& what, const Now& now);
  void hear(const Now& now);
  void look(const Now& now);
  bool look_through(std::unordered_set<FileId, FileIdHash>& there);
  void consider(const std::string& name, bool handed_in);
  void consider(const std::string& name, const struct stat& st, bool handed_in);

  void offer(const Now& now);
  void open_and_offer(FoundFile found, const Now& now);
  void look_again_at(FoundFile found, const Now& now);

  void settle(const Now& now);
  void follow(HandedFile& file, const std::string& told_name) const;
  [[nodiscard]] bool is_unchanged(const HandedFile& file);
  void act(const StateEntry& entry, const Now& now);
  void forget_gone();
  [[nodiscard]] bool is_untouched(const StateEntry& entry) const;
  void tell_failed(const StateEntry& entry, const Now& now);
  void fault(const std::string& what, const Now& now);
  void show(const Now& now);
  [[nodiscard]] std::string path_of(const std::string& name) const;

  const DirectoryOptions& options_;
  FileHandOff& hand_off_;
  const std::vector<Counter>& arrived_;
  int wake_fd_ = -1;
  std::thread thread_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> look_asked_{false};

  int directory_ = -1;  // open while attached
  DirectoryWatch watch_;
  DirectoryState state_;
  DirectoryPlaces places_;
  PendingFiles pending_;
  struct Again {
    FoundFile found;
    uint64_t at_ns;
  };
  std::deque<Again> again_;         // written when looked at, though a close was told
  std::deque<ReadFile> unsettled_;  // in the order of reading
  std::vector<FileId> gone_;        // taken out of the directory, and not forgotten yet
  // Inodes that are handed on and not settled, with the name they were last told of since.
  std::unordered_map<uint64_t, std::string> busy_;
  uint64_t look_at_ns_ = 0;
  uint64_t attach_at_ns_ = 0;
  Backoff backoff_;
  std::string told_;  // why it is not attached, as last logged
  PeerLog log_;

  DirectoryCounters counters_;
};

}  // namespace weir
