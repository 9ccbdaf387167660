#include "src/run_street.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "dataplane/eal.h"
#include "src/config/packet_filters.h"
#include "src/config/tls_files.h"
#include "src/log.h"
#include "src/metrics_http.h"
#include "src/pipeline.h"
#include "src/plan/plan.h"
#include "src/report.h"
#include "src/version.h"

namespace weir {
namespace {

constexpr uint64_t kStuckNs = 10 * kNsPerSec;

int refuse(const Error& error, int code) {
  spdlog::error("{}", error.message);
  return code;
}

// Blocked before any thread starts, so that every thread inherits it and only this one takes signals.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that went away is a write that failed, which the output counts.
  (void)std::signal(SIGPIPE, SIG_IGN);
  return set;
}

int next_signal(const sigset_t& set) {
  const timespec wait{.tv_sec = 0, .tv_nsec = 20'000'000};
  return sigtimedwait(&set, nullptr, &wait);
}

// Notices that an output's destination is down and nothing has been written for a while.
class StuckOutput {
 public:
  bool for_longer_than(uint64_t limit_ns, const Pipeline::Progress& progress, uint64_t now_ns) {
    if (!progress.output_down || progress.events_written != written_) {
      written_ = progress.events_written;
      since_ns_ = now_ns;
    }
    return now_ns - since_ns_ > limit_ns;
  }

 private:
  uint64_t written_ = ~0ULL;
  uint64_t since_ns_ = 0;
};

enum class End : uint8_t {
  done,     // everything was written or counted
  overdue,  // the drain's time limit, a second signal, or an output that takes nothing
  lossy,    // in time, but units were lost while it drained
  held,     // an lcore did not come back
};

bool writes_to_stdout(const Config& config) {
  return std::any_of(config.outputs.begin(), config.outputs.end(), [](const OutputConfig& output) {
    const Delivery* delivery = delivery_of(output);
    return delivery != nullptr && delivery->to && delivery->to->scheme == Target::Scheme::stdio;
  });
}

// Waits for the end: by itself, by signal, by the drain's time limit.
End watch(Pipeline& pipeline, const Config& config, const RunOptions& options, const sigset_t& signals,
          std::atomic<bool>& draining) {
  ProgressLine line(writes_to_stdout(config));
  StuckOutput stuck;
  const uint64_t limit_ns = config.drain_timeout_ms * kNsPerMs;
  uint64_t stop_at_ns = 0;
  uint64_t drops_before = 0;  // it drained
  End end = End::done;
  const auto begin_drain = [&](const char* why) {
    spdlog::info("{}: draining, at most {} ms", why, config.drain_timeout_ms);
    draining = true;
    drops_before = pipeline.progress().drops;
    stop_at_ns = read_clock().mono_ns + limit_ns;
    pipeline.request_stop();
  };
  while (!pipeline.ended() && end == End::done) {
    const int signal = next_signal(signals);
    const uint64_t now_ns = read_clock().mono_ns;
    const Pipeline::Progress progress = pipeline.progress();
    if (signal == SIGHUP) {
      spdlog::info("SIGHUP: reopening files, reading certificates again, looking at directories");
      pipeline.request_reopen();
    } else if (signal == SIGTERM || signal == SIGINT) {
      line.clear();
      if (draining) {
        spdlog::warn("second signal: ending at once");
        end = End::overdue;
        continue;
      }
      begin_drain(signal == SIGTERM ? "SIGTERM" : "SIGINT");
    }
    if (!draining && pipeline.output_ended()) begin_drain("an output has ended");
    if (draining && now_ns > stop_at_ns) {
      spdlog::warn(
          "the drain took longer than {} ms: what is left is counted as dropped, but for what a spool keeps",
          config.drain_timeout_ms);
      end = End::overdue;
    }
    // A reader that is slow is waited for; a destination that is down, at the end of all inputs, is not.
    const bool may_give_up = options.give_up_when_stuck || pipeline.inputs_ended();
    if (may_give_up && stuck.for_longer_than(limit_ns, progress, now_ns)) {
      line.clear();
      spdlog::error("an output has taken nothing for {} ms: giving up", config.drain_timeout_ms);
      end = End::overdue;
    }
    line.show(progress, now_ns);
  }
  line.clear();
  if (!pipeline.finish()) return End::held;
  if (end == End::done && draining && pipeline.progress().drops != drops_before) end = End::lossy;
  return end;
}

// Files that a signal, or an output's end, kept from being read.
bool all_read(const Pipeline& pipeline) {
  const Pipeline::Progress progress = pipeline.progress();
  if (progress.bytes_done >= progress.bytes_all) return true;
  spdlog::warn("stopped before the end of the files: {} of {} bytes were read", progress.bytes_done,
               progress.bytes_all);
  return false;
}

int report(const Pipeline& pipeline, const RunOptions& options, End end) {
  const bool even = balance_is_even(pipeline.balance());
  const bool lost = pipeline.progress().drops != 0;
  if (options.print_balance || !even || lost)
    (void)std::fputs(balance_text(pipeline).c_str(), stderr);
  else
    (void)std::fputs(losses_text(pipeline).c_str(), stderr);
  int code = even && end != End::lossy && !(end == End::overdue && lost) && all_read(pipeline) ? kExitDone
                                                                                               : kExitRuntime;
  for (const std::string& fault : pipeline.faults()) {
    spdlog::error("{}", fault);
    code = kExitRuntime;
  }
  if (!options.stats_path.empty())
    if (Status written = write_stats(pipeline, options.stats_path); !written)
      return refuse(written.error(), kExitRuntime);
  return code;
}

void announce(const Config& config, const Plan& plan) {
  spdlog::info("weir {}: {} ingest, {} decode, {} export lcores; {} inputs, {} outputs{}", kVersion,
               plan.ingest, plan.decode, plan.export_, config.inputs.size(), config.outputs.size(),
               config.metrics.listen ? "; metrics on " + to_string(*config.metrics.listen).substr(6) : "");
  for (const std::string& note : plan.notes) spdlog::warn("{}", note);
  for (const InputConfig& input : config.inputs)
    if (const auto* dnstap = std::get_if<DnstapInputOptions>(&input); dnstap != nullptr && dnstap->listen)
      spdlog::info("listening for dnstap on {}", to_string(*dnstap->listen));
}

}  // namespace

int run_street(const Config& config, const RunOptions& options) {
  const sigset_t signals = block_signals();
  auto plan = make_plan(config, read_machine());
  if (!plan) return refuse(plan.error(), kExitUsage);
  if (Status usable = check_tls_files(config); !usable) return refuse(usable.error(), kExitUsage);
  if (Status sound = check_packet_filters(config); !sound) return refuse(sound.error(), kExitUsage);
  if (options.eal)
    if (Status started = start_eal(plan->eal_args); !started) return refuse(started.error(), kExitRuntime);
  auto built = Pipeline::build(config, *plan);
  if (!built) return refuse(built.error(), kExitRuntime);
  // A port that is missing was refused by its input. More than were asked for come from eal: args.
  if (eal_ports() != plan->ports)
    spdlog::warn("EAL has {} ports, of which the configuration uses {}: see eal: args", eal_ports(),
                 plan->ports);
  Pipeline& pipeline = **built;

  std::atomic<bool> draining{false};
  std::unique_ptr<MetricsHttp> metrics;
  if (config.metrics.listen) {
    const Target& listen = *config.metrics.listen;
    auto http = MetricsHttp::start(to_string(listen).substr(6),
                                   {.describe = [&](MetricVisitor& visitor) { pipeline.describe(visitor); },
                                    .unhealthy =
                                        [&] {
                                          const std::string stuck = pipeline.stuck_lcore(kStuckNs);
                                          return stuck.empty() ? stuck : stuck + " has not turned for 10 s";
                                        },
                                    .not_ready = [&] { return std::string(draining ? "draining" : ""); }});
    if (!http) return refuse(http.error(), kExitRuntime);
    metrics = std::move(*http);
  }

  if (Status started = pipeline.start(); !started) return refuse(started.error(), kExitRuntime);
  if (options.print_balance) announce(config, *plan);
  const End end = watch(pipeline, config, options, signals, draining);
  if (end == End::held) {
    spdlog::error("{} does not come back from a write; ending as it is, the balance is not settled",
                  pipeline.stuck_lcore(0));
    (void)std::fputs(balance_text(pipeline).c_str(), stderr);
    std::_Exit(kExitRuntime);  // destructors would wait for the lcore
  }
  const int code = report(pipeline, options, end);
  metrics.reset();
  return code;
}

}  // namespace weir
