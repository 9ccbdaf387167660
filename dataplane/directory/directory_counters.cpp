#include "dataplane/directory/directory_counters.h"

namespace weir {

void DirectoryCounters::describe(MetricVisitor& visitor, const Labels& labels) const {
  const auto result = [&](const char* of, const Counter& files) {
    Labels with = labels;
    with.push_back({"result", of});
    visitor.counter(
        "weir_directory_files_total",
        "Files that were read. done: all lines are out. failed: damaged, cut or of no known kind; what was "
        "good in them is out, and the reason stands beside them. changed: written while they were read; they "
        "are taken again.",
        with, static_cast<double>(files.get()));
  };
  result("done", done);
  result("failed", failed);
  result("changed", changed);
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    visitor.gauge(name, help, labels, value);
  };
  gauge("weir_directory_up", "1: the directory is watched. 0: it is not there; the log has the reason.",
        static_cast<double>(attached.get()));
  gauge("weir_directory_pending_files",
        "Files that were seen and are not read. Growing: files come faster than they are read; see "
        "weir_ingest_backpressure_seconds_total.",
        static_cast<double>(pending.get()));
  gauge("weir_directory_oldest_pending_seconds",
        "How long ago the oldest file that is not handed on yet was written last.",
        static_cast<double>(oldest_age_ns.get()) * 1e-9);
  gauge("weir_directory_unsettled_files",
        "Files that were read and whose lines are not all written. Staying high: an output takes nothing.",
        static_cast<double>(unsettled.get()));
  visitor.counter("weir_directory_faults_total",
                  "Files that could not be moved or deleted, or changed while they were read, and writes of "
                  "the state file that failed. Growing: see the log.",
                  labels, static_cast<double>(faults.get()));
}

}  // namespace weir
