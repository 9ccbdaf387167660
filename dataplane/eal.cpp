#include "dataplane/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include "dataplane/eal_log.h"

namespace weir {
namespace {

// EAL orders what the control thread wrote before the launch and what the lcore wrote before its end; the
// flags say the same where ThreadSanitizer sees it, which does not look into DPDK's libraries.
struct LcoreTask {
  void (*fn)(void*) = nullptr;
  void* arg = nullptr;
  std::atomic<bool> launched{false};
  std::atomic<bool> ended{false};
};

// EAL is one per process, so is this.
EalLog& eal_log() {
  static auto* log = new EalLog;  // never freed: DPDK may log until the process ends
  return *log;
}

std::array<LcoreTask, RTE_MAX_LCORE> tasks;
bool started = false;
std::array<std::thread, RTE_MAX_LCORE> threads;  // instead of EAL's, where it was not started

int run_task(void* task) {
  auto* what = static_cast<LcoreTask*>(task);
  (void)what->launched.load(std::memory_order_acquire);
  what->fn(what->arg);
  what->ended.store(true, std::memory_order_release);
  return 0;
}

}  // namespace

Status start_eal(const std::vector<std::string>& args) {
  static std::vector<std::string> kept;  // DPDK keeps pointers into argv
  kept = {"weir"};
  kept.insert(kept.end(), args.begin(), args.end());
  std::vector<char*> argv;
  argv.reserve(kept.size() + 1);
  for (std::string& arg : kept) argv.push_back(arg.data());
  argv.push_back(nullptr);

  eal_log().attach();
  int result = 0;
  int reason = 0;
  {
    const SilentStdout silent;
    result = rte_eal_init(static_cast<int>(kept.size()), argv.data());
    reason = rte_errno;
  }
  if (result < 0) {
    std::string said = eal_said(4);
    if (said.empty()) said = std::strerror(reason);
    std::string text = "DPDK's EAL did not start with \"";
    for (size_t i = 1; i < kept.size(); ++i) text += (i > 1 ? " " : "") + kept[i];
    return Error{text + "\": " + said + ". See `eal:` in the configuration, and `weir plan`."};
  }
  eal_log().forward();
  started = true;
  return Ok{};
}

std::string eal_said(size_t newest_lines) { return eal_log().newest(newest_lines); }

unsigned eal_ports() { return started ? rte_eth_dev_count_avail() : 0U; }

Status run_on_lcore(unsigned lcore_id, void (*fn)(void*), void* arg) {
  if (!started) {
    threads.at(lcore_id) = std::thread(fn, arg);
    return Ok{};
  }
  if (lcore_id >= RTE_MAX_LCORE || rte_lcore_is_enabled(lcore_id) == 0)
    return Error{"EAL has no lcore " + std::to_string(lcore_id) +
                 ": `eal: args` must leave --lcores to Weir, or name as many lcores as `weir plan` prints."};
  LcoreTask& task = tasks[lcore_id];
  if (rte_eal_get_lcore_state(lcore_id) != WAIT)
    return Error{"EAL's lcore " + std::to_string(lcore_id) + " is already running a stage."};
  (void)task.ended.load(std::memory_order_acquire);
  task.fn = fn;
  task.arg = arg;
  task.launched.store(true, std::memory_order_release);
  if (rte_eal_remote_launch(run_task, &task, lcore_id) != 0)
    return Error{"EAL's lcore " + std::to_string(lcore_id) + " is already running a stage."};
  return Ok{};
}

void wait_for_lcore(unsigned lcore_id) {
  if (started) {
    (void)rte_eal_wait_lcore(lcore_id);
    (void)tasks.at(lcore_id).ended.load(std::memory_order_acquire);
  } else if (threads.at(lcore_id).joinable()) {
    threads.at(lcore_id).join();
  }
}

void stop_eal() { (void)rte_eal_cleanup(); }

}  // namespace weir
