// What a directory input shows beside the common counters. Written by the directory's keeper; any thread
// reads.
#pragma once

#include "core/counter.h"
#include "core/metric.h"

namespace weir {

struct DirectoryCounters {
  Counter attached;  // a level: 1 while the directory is watched
  Counter done;
  Counter failed;
  Counter changed;        // written while they were read
  Counter faults;         // of moves, deletions, the state file
  Counter pending;        // a level
  Counter unsettled;      // a level
  Counter oldest_age_ns;  // a level: of the pending files

  void describe(MetricVisitor& visitor, const Labels& labels) const;
};

}  // namespace weir
