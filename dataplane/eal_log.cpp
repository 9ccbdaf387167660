#include "dataplane/eal_log.h"

#include <fcntl.h>
#include <rte_log.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr size_t kKeptLines = 32;
constexpr size_t kLongestLine = 1024;

}  // namespace

void EalLog::attach() {
  cookie_io_functions_t functions{};
  functions.write = &EalLog::write;
  FILE* stream = fopencookie(this, "w", functions);
  if (stream != nullptr) (void)rte_openlog_stream(stream);
}

std::string EalLog::newest(size_t lines) {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (size_t i = lines_.size() - std::min(lines, lines_.size()); i < lines_.size(); ++i)
    text += (text.empty() ? "" : "; ") + lines_[i];
  return text;
}

// DPDK flushes its stream within each call of rte_log(), so the level of the current message is this one's.
ssize_t EalLog::write(void* self, const char* text, size_t len) {
  const int level = rte_log_cur_msg_loglevel();
  if (level > 0 && level <= static_cast<int>(RTE_LOG_WARNING)) static_cast<EalLog*>(self)->take({text, len});
  return static_cast<ssize_t>(len);
}

void EalLog::take(std::string_view text) {
  const std::lock_guard lock(mutex_);
  for (const char c : text) {
    if (c != '\n' && line_.size() < kLongestLine) line_ += c;
    if (c != '\n') continue;
    if (line_.empty()) continue;
    if (forward_.load(std::memory_order_relaxed)) spdlog::warn("DPDK: {}", line_);
    lines_.push_back(std::exchange(line_, {}));
    if (lines_.size() > kKeptLines) lines_.pop_front();
  }
}

SilentStdout::SilentStdout() {
  (void)std::fflush(stdout);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  saved_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (saved_ >= 0) (void)::dup2(nowhere, STDOUT_FILENO);
  (void)::close(nowhere);
}

SilentStdout::~SilentStdout() {
  (void)std::fflush(stdout);
  if (saved_ < 0) return;
  (void)::dup2(saved_, STDOUT_FILENO);
  (void)::close(saved_);
}

}  // namespace weir
