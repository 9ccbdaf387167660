// What the native JSON line of a common response costs, and as a calibration what copying its bytes costs.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>

#include "exporters/json/json_format.h"
#include "tests/exporters/dns_wire.h"

namespace weir {
namespace {

// A CLIENT_RESPONSE with query and response, both times, EDNS with a cookie and two answers: a chain or two
// addresses.
TestEvent response(unsigned i) {
  DnsWire query = DnsWire(static_cast<uint16_t>(i * 7), 0x0100);
  const std::string qname =
      "host-" + std::to_string(i * 37) + ".cdn" + std::to_string(i % 7) + ".example-site.com";
  query.question(qname, i % 3 == 0 ? 28 : 1).opt(1232, 0x8000, "");
  DnsWire answer = DnsWire(static_cast<uint16_t>(i * 7), 0x8180);
  answer.question(qname, i % 3 == 0 ? 28 : 1);
  if (i % 3 == 0) {
    answer.rr(1, 12, 28, 300, "0123456789abcdef").rr(1, 12, 28, 300, "\x20\x01\r89abcdef01234");
  } else if (i % 3 == 1) {
    const auto target = static_cast<unsigned>(answer.bytes.size()) + 12;
    answer
        .rr(1, 12, 5, 60,
            raw("\x04"
                "edge\x02"
                "eu\xc0\x16"))
        .rr(1, target, 1, 20, "abcd");
  } else {
    answer.rr(1, 12, 1, 3600, "abcd").rr(1, 12, 1, 3600, "efgh");
  }
  answer.opt(1232, 0x8000,
             raw("\x00\x0a\x00\x08"
                 "cookie08"));
  TestEvent event;
  Event& head = event.head;
  head.type = 6;
  head.has_query_time = head.has_response_time = head.has_family = head.has_protocol = true;
  head.response_time_ns = 1'795'227'120'000'000'000 + i * 12'345'678ULL;
  head.query_time_ns = head.response_time_ns - 1'234'567;
  head.family = i % 3 == 0 ? 2 : 1;
  head.protocol = 1;
  uint8_t client[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};
  std::memcpy(client + 12, &i, 4);
  const uint8_t server[] = {198, 51, 100, 53};
  head.client = {
      .addr = i % 3 == 0 ? IpAddr::v6(client) : IpAddr::v4(client + 12), .has_port = true, .port = 1024 + i};
  head.server = {.addr = IpAddr::v4(server), .has_port = true, .port = 53};
  head.identity = event.put("resolver-1.example.net");
  head.version = event.put("unbound 1.22.0");
  put_message(event, head.query, query.bytes);
  put_message(event, head.response, answer.bytes);
  return event;
}

struct Lines {
  Lines() {
    for (unsigned i = 0; i < 200; ++i) batch.add(response(i));
  }
  // All events of the batch, one behind the other; the bytes written.
  size_t write() {
    char* out = room.get();
    for_each_record<Event>(batch.batch(), [&](const Event& event) { out = format.write(event, 0, out); });
    return static_cast<size_t>(out - room.get());
  }

  TestBatch batch;
  JsonFormat format{{}, {"dnstap"}, 0};
  std::unique_ptr<char[]> room = std::make_unique<char[]>(2 * kMaxLineBytes);
};

void json_line(benchmark::State& state) {
  Lines lines;
  size_t bytes = 0;
  for (auto _ : state) benchmark::DoNotOptimize(bytes = lines.write());
  state.SetItemsProcessed(state.iterations() * lines.batch.batch().records);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.counters["bytes_a_line"] = static_cast<double>(bytes) / lines.batch.batch().records;
}
BENCHMARK(json_line);

void memcpy_of_the_same(benchmark::State& state) {
  Lines lines;
  const size_t bytes = lines.write();
  const auto to = std::make_unique<char[]>(bytes);
  const size_t each = bytes / lines.batch.batch().records;
  for (auto _ : state) {
    for (size_t at = 0; at + each <= bytes; at += each) std::memcpy(&to[at], &lines.room[at], each);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * lines.batch.batch().records);
}
BENCHMARK(memcpy_of_the_same);

}  // namespace
}  // namespace weir
