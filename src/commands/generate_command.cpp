// weir generate: load for Weir and its like, reproducible by seed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <future>
#include <iterator>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "src/commands/commands.h"
#include "src/generate/load.h"

namespace weir {

namespace {

constexpr uint64_t kDefaultCount = 1'000'000;

struct GenerateFlags {
  LoadOptions load;
  std::string dnstap;
  std::string pcap;
  std::string start;
  std::string attack{kAttackNames[0]};
  bool json = false;
  CLI::Option* v6 = nullptr;
  CLI::Option* time_rate = nullptr;
  CLI::Option* tcp = nullptr;
};

LoadProgress* running = nullptr;  // for the signal handler

void stop_load(int) {
  if (running != nullptr) running->stop = true;
}

// The first signal ends the load in order; a second one finds the default action.
void catch_signals(LoadProgress& progress) {
  running = &progress;
  struct sigaction action {};
  action.sa_handler = stop_load;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  (void)::sigaction(SIGINT, &action, nullptr);
  (void)::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  action.sa_flags = 0;
  (void)::sigaction(SIGPIPE, &action, nullptr);
}

// Flags of the other kind of load would be of no effect.
Status check_kind(const CLI::App& command, const GenerateFlags& flags) {
  const bool dnstap = !flags.dnstap.empty();
  for (const CLI::Option* option : command.get_options())
    if (option->count() != 0 && option->get_group() == (dnstap ? "packets" : "dnstap"))
      return Error{option->get_name() + " is of no use with " + (dnstap ? "--dnstap" : "--pcap") +
                   "; leave it out."};
  return Ok{};
}

// Fills in what depends on several flags.
Status complete(const CLI::App& command, GenerateFlags& flags) {
  if (flags.dnstap.empty() == flags.pcap.empty()) {
    return Error{"Say what to write: either --dnstap TARGET or --pcap FILE."};
  }
  if (Status fits = check_kind(command, flags); !fits) return fits;
  auto target = parse_target(flags.dnstap.empty() ? flags.pcap : flags.dnstap);
  if (!target) return target.error();
  LoadOptions& load = flags.load;
  load.to = *target;
  const bool socket = load.to.scheme == Target::Scheme::tcp || load.to.scheme == Target::Scheme::unix_stream;
  if (load.to.scheme == Target::Scheme::udp || (socket && !flags.pcap.empty())) {
    return Error{
        "--pcap writes to a file or to - (standard output), --dnstap also to tcp://HOST:PORT or "
        "unix:///PATH."};
  }
  if (load.connections > 1 && !socket) return Error{"--connections is for sockets: a file takes one stream."};
  if (flags.json && load.to.scheme == Target::Scheme::stdio) {
    return Error{"--json writes to standard output, where the load goes; name a file for one of them."};
  }
  if (load.count == 0 && load.seconds == 0) load.count = kDefaultCount;
  if (load.pairs && load.count % 2 != 0)
    return Error{"--count must be even with --pairs: a transaction is two frames."};
  if (load.count > kNumberLimit)
    return Error{"--count must be at most " + std::to_string(kNumberLimit) + "."};
  if (!flags.pcap.empty()) {
    if (flags.tcp->count() == 0) load.traffic.tcp_percent = 0;
    if (flags.v6->count() == 0) load.traffic.v6_percent = 30;
  }
  load.attack = static_cast<AttackKind>(std::distance(
      std::begin(kAttackNames), std::find(std::begin(kAttackNames), std::end(kAttackNames), flags.attack)));
  if (flags.start == "now") {
    load.start_ns = read_clock().wall_ns;
  } else if (!flags.start.empty()) {
    uint64_t seconds = 0;
    if (!CLI::detail::lexical_cast(flags.start, seconds))
      return Error{"--start takes seconds since 1970, or now."};
    load.start_ns = seconds * kNsPerSec;
  }
  if (flags.time_rate->count() == 0 && load.rate > 0) {
    const double units = flags.pcap.empty() && !load.pairs ? 1 : 2;
    load.time_rate = load.rate / units;
  }
  return Ok{};
}

LoadReport run_load(const GenerateFlags& flags) {
  LoadProgress progress;
  catch_signals(progress);
  auto done = std::async(std::launch::async, [&] {
    return flags.dnstap.empty() ? write_packets(flags.load, progress) : send_dnstap(flags.load, progress);
  });
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  while (done.wait_for(std::chrono::milliseconds(terminal ? 250 : 60'000)) == std::future_status::timeout) {
    if (terminal) (void)std::fprintf(stderr, "\rweir generate: %lu units", progress.units.load());
  }
  if (terminal) (void)std::fprintf(stderr, "\r\033[K");
  LoadReport report = done.get();
  running = nullptr;
  return report;
}

void print_report(const LoadReport& report, bool json) {
  const double rate = report.seconds > 0 ? static_cast<double>(report.units) / report.seconds : 0;
  (void)std::fprintf(stderr, "weir generate: sent %lu units (%lu bytes) in %.3f s, %.0f units/s\n",
                     report.units, report.bytes, report.seconds, rate);
  if (!json) return;
  (void)std::printf(
      "{\"units\":%lu,\"transactions\":%lu,\"unanswered\":%lu,\"bytes\":%lu,\"seconds\":%.6f,\"complete\":%s}"
      "\n",
      report.units, report.transactions, report.unanswered, report.bytes, report.seconds,
      report.fault.empty() ? "true" : "false");
}

int generate(const CLI::App& command, GenerateFlags& flags) {
  if (auto ready = complete(command, flags); !ready) {
    (void)std::fprintf(stderr, "weir generate: %s\n", ready.error().message.c_str());
    return 2;
  }
  const LoadReport report = run_load(flags);
  if (!report.fault.empty()) (void)std::fprintf(stderr, "weir generate: %s\n", report.fault.c_str());
  print_report(report, flags.json);
  return report.fault.empty() ? 0 : 1;
}

void add_flags(CLI::App& command, const std::shared_ptr<GenerateFlags>& flags) {
  LoadOptions& load = flags->load;
  command.add_option("--dnstap", flags->dnstap, "Write dnstap: a file, -, tcp://HOST:PORT or unix:///PATH");
  command.add_option("--pcap", flags->pcap, "Write a capture of packets: a file or -");
  command.add_option("-n,--count", load.count,
                     "Units: dnstap frames or packets (default 1000000 without --seconds, else no limit)");
  command.add_option("-r,--rate", load.rate, "Units a second, sent smoothly; 0: as fast as it goes")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--seconds", load.seconds, "Stop after this time")->check(CLI::NonNegativeNumber);
  command.add_option("--seed", load.traffic.seed,
                     "The same seed and flags give the same bytes everywhere (default 1)");
  command.add_flag("--numbered", load.traffic.numbered,
                   "QNAMEs start with a label n0000000000, counting transactions (weir verify --expect)");
  command.add_option("--start", flags->start,
                     "Time of the first query in the data: seconds since 1970, or now (default 1767225600)");
  flags->time_rate =
      command
          .add_option("--time-rate", load.time_rate,
                      "Transactions a second of the data's own time (default 50000, or the rate)")
          ->check(CLI::Range(0.001, 1e9));
  flags->v6 =
      command.add_option("--v6", load.traffic.v6_percent, "IPv6 clients in percent (default 35, packets 30)")
          ->check(CLI::Range(0, 100));
  flags->tcp = command
                   .add_option("--tcp", load.traffic.tcp_percent,
                               "Transactions over TCP in percent (default 6, packets 0)")
                   ->check(CLI::Range(0, 100));
  command.add_flag("--json", flags->json, "Print what was sent as JSON on standard output");
  const char* dnstap = "dnstap";
  command.add_option("--connections", load.connections, "Connections, each with its part of the units")
      ->check(CLI::Range(1, 1024))
      ->group(dnstap);
  command
      .add_flag("--pairs", load.pairs,
                "CLIENT_QUERY and CLIENT_RESPONSE instead of CLIENT_RESPONSE with both messages")
      ->group(dnstap);
  command.add_flag("--unidirectional", load.one_way, "No READY, ACCEPT and FINISH on sockets")->group(dnstap);
  command
      .add_option("--cycle", load.cycle,
                  "Different transactions before ids and numbers alone change (default 65536)")
      ->check(CLI::Range(size_t{1}, size_t{10'000'000}))
      ->group(dnstap);
  command.add_option("--wait", load.wait_ms, "Milliseconds to wait for somebody to listen (default 5000)")
      ->group(dnstap);
  command
      .add_option("--answer-timeout", load.answer_timeout_ms,
                  "Milliseconds to wait for ACCEPT and FINISH (default 30000)")
      ->group(dnstap);
  const char* packets = "packets";
  command.add_option("--unanswered", load.unanswered_percent, "Queries without a response in percent")
      ->check(CLI::Range(0, 100))
      ->group(packets);
  command.add_option("--vlan", load.vlan, "VLAN tag")->check(CLI::Range(1, 4094))->group(packets);
  command.add_flag("--nanoseconds", load.nanoseconds, "The capture format with nanoseconds")->group(packets);
  command
      .add_option("--mtu", load.mtu,
                  "Longer responses over UDP come in fragments of so many bytes (default: none do)")
      ->check(CLI::Range(68, 65'535))
      ->group(packets);
  command
      .add_option(
          "--attack", flags->attack,
          "Packets of a flood between the good ones: random-subdomains, fragments, syn, amplification, "
          "compression, large-messages")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kAttackNames), std::end(kAttackNames)))
                  .description(""))
      ->type_name("KIND")
      ->group(packets);
  command.add_option("--attack-share", load.attack_percent, "Of the packets, in percent (default 90)")
      ->check(CLI::Range(1, 99))
      ->group(packets);
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command =
      app.add_subcommand("generate", "Make load: dnstap streams or packets, reproducible by seed");
  add_flags(*command, flags);
  command->footer(
      "Example: weir generate --dnstap unix:///run/weir/dnstap.sock --rate 100000 --seconds 10\n"
      "Exit codes: 0 done, 1 the destination failed or went away (what it took is told), 2 usage.");
  command->callback([command, flags, &exit_code] { exit_code = generate(*command, *flags); });
}

}  // namespace weir
