// A hop over a ring, batch and record: what docs/decisions/0001 and 0002 rest on.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "core/batch_writer.h"

namespace weir {
namespace {

struct Record {
  uint32_t record_len;
  uint32_t body[79];  // 320 bytes, as a dnstap frame
};

// One thread: the cost of the operations without cache lines moving between CPUs.
void hop_same_cpu(benchmark::State& state) {
  BatchPool pool(4, 64U << 10U, 0, 0);
  Ring ring(2, 4);
  BatchWriter writer(ring, pool);
  uint64_t records = 0;
  for (auto _ : state) {
    for (int i = 0; i < 200; ++i) {
      auto* record = reinterpret_cast<Record*>(writer.reserve(sizeof(Record), 0));
      record->record_len = sizeof(Record);
      writer.commit(sizeof(Record), 1);
    }
    (void)writer.flush();
    Batch* batch = ring.pop();
    for_each_record<Record>(*batch, [&](const Record& record) { records += record.record_len; });
    ring.release(batch);
  }
  benchmark::DoNotOptimize(records);
  state.SetItemsProcessed(state.iterations() * 200);
}
BENCHMARK(hop_same_cpu);

void hop_two_threads(benchmark::State& state) {
  BatchPool pool(20, 64U << 10U, 0, 0);
  Ring ring(16, 20);
  std::atomic<bool> stop{false};
  std::thread consumer([&] {
    uint64_t bytes = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      Batch* batch = ring.pop();
      if (batch == nullptr) {
        std::this_thread::yield();
        continue;
      }
      for_each_record<Record>(*batch, [&](const Record& record) { bytes += record.body[0]; });
      ring.release(batch);
    }
    benchmark::DoNotOptimize(bytes);
  });
  BatchWriter writer(ring, pool);
  for (auto _ : state) {
    uint8_t* room = nullptr;
    while ((room = writer.reserve(sizeof(Record), 0)) == nullptr) std::this_thread::yield();
    auto* record = reinterpret_cast<Record*>(room);
    record->record_len = sizeof(Record);
    record->body[0] = 1;
    writer.commit(sizeof(Record), 1);
  }
  stop = true;
  consumer.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hop_two_threads);

}  // namespace
}  // namespace weir
