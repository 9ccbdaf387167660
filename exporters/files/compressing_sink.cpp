#include "exporters/files/compressing_sink.h"

#include <ctime>

namespace weir {
namespace {

uint64_t thread_cpu_ns() {
  timespec at{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<uint64_t>(at.tv_sec) * kNsPerSec + static_cast<uint64_t>(at.tv_nsec);
}

}  // namespace

size_t CompressingSink::write(std::string_view records, size_t sent, const Now& now) {
  if (records.empty() || !ended().empty()) return sent;
  if (compressed_.empty() && !compress(records)) return sent;
  written_ = file_.write(compressed_, written_, now);
  if (written_ < compressed_.size()) return sent;
  compressed_bytes_.fetch_add(compressed_.size(), std::memory_order_relaxed);
  compressed_.clear();
  written_ = 0;
  return records.size();
}

bool CompressingSink::compress(std::string_view records) {
  const uint64_t begin = thread_cpu_ns();
  const bool done = compressor_->compress(records, compressed_);
  compress_ns_.fetch_add(thread_cpu_ns() - begin, std::memory_order_relaxed);
  if (done) return true;
  compressed_.clear();
  ended_ = "There is no memory to compress with.";
  return false;
}

void CompressingSink::abandon(std::string_view /*records*/, size_t /*sent*/) {
  file_.abandon(compressed_, written_);
  compressed_.clear();
  written_ = 0;
}

void CompressingSink::describe(MetricVisitor& visitor, const Labels& labels) const {
  file_.describe(visitor, labels);
  visitor.counter("weir_output_compressed_bytes_total", "Bytes that are left of those written, compressed.",
                  labels, static_cast<double>(compressed_bytes_.load(std::memory_order_relaxed)));
  visitor.counter(
      "weir_output_compress_seconds_total",
      "CPU time of the compressing thread. Growing by nearly a second each second: give one more "
      "export lcore, or lower compress_level.",
      labels,
      static_cast<double>(compress_ns_.load(std::memory_order_relaxed)) / static_cast<double>(kNsPerSec));
}

}  // namespace weir
