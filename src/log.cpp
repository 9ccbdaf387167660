#include "src/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace weir {
namespace {

// systemd.exec(5): JOURNAL_STREAM holds device and inode of the journal's socket if stderr was connected to
// it.
bool stderr_is_journal() {
  const char* text = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (text == nullptr || fstat(STDERR_FILENO, &st) != 0) return false;
  return std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) == text;
}

}  // namespace

Status start_log(const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off")
    return Error{"log.level: '" + level + "' is not a level; use debug, info, warning, error or off"};
  std::shared_ptr<spdlog::logger> logger;
  if (stderr_is_journal()) {
    logger =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::systemd_sink_mt>("weir"));
  } else {
    logger =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  }
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return Ok{};
}

}  // namespace weir
