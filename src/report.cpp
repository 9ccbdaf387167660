#include "src/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

// Sums drops over lcores, by stage and reason, leaving zeros out.
class DropSums : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view, const Labels& labels, double value) override {
    if (value == 0 || !name.ends_with("_drops_total")) return;
    std::string reason;
    std::string kind;
    for (const Label& label : labels) {
      if (label.key == "reason") reason = label.value;
      if (label.key == "kind") kind = label.value;
    }
    sums[std::string(name.substr(5, name.size() - 5 - 12)) + " " + kind + " " + reason] +=
        static_cast<uint64_t>(value);
  }
  void gauge(std::string_view, std::string_view, const Labels&, double) override {}
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}

  std::map<std::string, uint64_t> sums;
};

class JsonMetrics : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view, const Labels& labels, double value) override {
    nlohmann::ordered_json object;
    object["name"] = name;
    for (const Label& label : labels) object["labels"][std::string(label.key)] = label.value;
    object["value"] = value;
    metrics.push_back(std::move(object));
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    counter(name, help, labels, value);
  }
  void histogram(std::string_view name, std::string_view help, const Labels& labels,
                 const Histogram& value) override {
    counter(std::string(name) + "_sum", help, labels, value.sum_seconds());
    uint64_t count = 0;
    for (unsigned i = 0; i < Histogram::kBuckets; ++i) count += value.bucket(i);
    counter(std::string(name) + "_count", help, labels, static_cast<double>(count));
  }

  nlohmann::ordered_json metrics = nlohmann::ordered_json::array();
};

}  // namespace

bool balance_is_even(const std::vector<BalanceLine>& lines) {
  uint64_t handed_on = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Balance& b = lines[i].balance;
    const bool output = lines[i].name.starts_with("output ");
    const bool spool = lines[i].name.starts_with("spool ");  // what is left of it is on disk
    if (!b.even() || (b.in_flight != 0 && !spool)) return false;
    if (spool || lines[i].name.starts_with("copies ")) continue;
    if (i != 0 && b.in != handed_on) return false;
    if (!output) handed_on = b.out;
  }
  return true;
}

std::string losses_text(const Pipeline& pipeline) {
  DropSums drops;
  pipeline.describe(drops);
  std::string text;
  for (const auto& [what, units] : drops.sums)
    text += fmt::format("{} {} {}", text.empty() ? "" : ",", what, units);
  return text.empty() ? text : "not written, in units:" + text + "\n";
}

std::string balance_text(const Pipeline& pipeline) {
  const auto lines = pipeline.balance();
  std::string text = fmt::format("{:<22}{:>14}{:>14}{:>14}{:>12}\n", "balance, in units", "in", "out",
                                 "dropped", "in flight");
  for (const BalanceLine& line : lines) {
    // The arrow is three bytes and one column.
    const size_t width = 22 + (line.name.find("→") == std::string::npos ? 0 : 2);
    text += fmt::format("{:<{}}{:>14}{:>14}{:>14}{:>12}\n", line.name, width, line.balance.in,
                        line.balance.out, line.balance.drops, line.balance.in_flight);
  }
  DropSums drops;
  pipeline.describe(drops);
  for (const auto& [what, units] : drops.sums) text += fmt::format("  {:<40}{:>14}\n", what, units);
  text += balance_is_even(lines) ? "the balance is even: in = out + dropped\n"
                                 : "THE BALANCE IS NOT EVEN: units are missing; please report this\n";
  return text;
}

Status write_stats(const Pipeline& pipeline, const std::string& path) {
  nlohmann::ordered_json stats;
  const auto lines = pipeline.balance();
  stats["even"] = balance_is_even(lines);
  stats["balance"] = nlohmann::ordered_json::array();
  for (const BalanceLine& line : lines)
    stats["balance"].push_back({{"stage", line.name},
                                {"in", line.balance.in},
                                {"out", line.balance.out},
                                {"drops", line.balance.drops},
                                {"in_flight", line.balance.in_flight}});
  JsonMetrics metrics;
  pipeline.describe(metrics);
  stats["metrics"] = std::move(metrics.metrics);
  std::ofstream out(path);
  out << stats.dump(1) << '\n';
  out.close();
  if (!out) return Error{"--stats: cannot write " + path + ": " + std::strerror(errno)};
  return Ok{};
}

ProgressLine::ProgressLine(bool lines_on_stdout)
    : on_(isatty(STDERR_FILENO) == 1 && !(lines_on_stdout && isatty(STDOUT_FILENO) == 1)) {}

void ProgressLine::show(const Pipeline::Progress& progress, uint64_t mono_ns) {
  if (!on_ || mono_ns - last_ns_ < kNsPerSec / 2) return;
  if (started_ns_ == 0) started_ns_ = last_ns_ = mono_ns;
  const double span = static_cast<double>(mono_ns - last_ns_) * 1e-9;
  const double rate = span > 0 ? static_cast<double>(progress.units_in - last_units_) / span : 0;
  std::string text = fmt::format("{} units in, {:.0f}/s, {} events written, {} dropped", progress.units_in,
                                 rate, progress.events_written, progress.drops);
  if (progress.bytes_all != 0 && progress.bytes_done != 0) {
    const double part = static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_all);
    const double spent = static_cast<double>(mono_ns - started_ns_) * 1e-9;
    text += fmt::format(", {:.0f} %, {:.0f} s left", 100 * part, spent / part - spent);
  }
  (void)std::fprintf(stderr, "\r\033[K%s", text.c_str());
  shown_ = true;
  last_ns_ = mono_ns;
  last_units_ = progress.units_in;
}

void ProgressLine::clear() {
  if (shown_) (void)std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace weir
