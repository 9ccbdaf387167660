// Lines of real, cut and damaged dnstap payloads against docs/schema.json.
#include "tests/exporters/json/json_schema.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "core/dns/name.h"
#include "decoder/dns_message.h"
#include "decoder/dnstap.h"
#include "exporters/json/json_format.h"
#include "tests/exporters/test_event.h"
#include "tests/fstrm_payloads.h"

namespace weir {
namespace {

// The event that a decode lcore makes of the payload; false: it is counted there instead.
bool decode(std::span<const uint8_t> payload, TestEvent& event) {
  event.bytes.assign(payload.begin(), payload.end());
  if (walk_dnstap(payload, event.head) != DnstapResult::ok) return false;
  for (DnsMessage* message : {&event.head.query, &event.head.response})
    if (message->wire.present())
      walk_dns_message(payload.subspan(message->wire.off, message->wire.len), *message);
  return true;
}

struct JsonSchemaTest : testing::Test {
  JsonSchemaTest() {
    fields.authority = fields.additional = fields.sequence = true;
    format = std::make_unique<JsonFormat>(fields, std::vector<std::string>{"dnstap"}, 0);
  }
  std::string_view line_of(const TestEvent& event) {
    const TestBatch batch{event};
    return {room.get(), static_cast<size_t>(format->write(batch.event(), 7, room.get()) - room.get())};
  }
  // The parsed line, which is held against the schema.
  simdjson::dom::element checked(std::string_view line, const std::string& what) {
    EXPECT_TRUE(line.ends_with("}\n")) << what;
    EXPECT_EQ(line.find('\n'), line.size() - 1) << what;
    simdjson::dom::element value;
    EXPECT_EQ(parser.parse(line.data(), line.size()).get(value), simdjson::SUCCESS) << what << ": " << line;
    EXPECT_EQ(schema.fault(value), "") << what << ": " << line;
    return value;
  }
  static std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> all = files_below(test_data(), ".fstrm");
    if (const auto corpus = corpus_dir(); !corpus.empty()) {
      const auto more = files_below(corpus, ".fstrm");
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  JsonFields fields;
  std::unique_ptr<JsonFormat> format;
  std::unique_ptr<char[]> room = std::make_unique<char[]>(kMaxLineBytes);
  JsonSchema schema;
  simdjson::dom::parser parser{2 * kMaxLineBytes};
};

TEST_F(JsonSchemaTest, HasTheKeysOfTheLineInTheirOrder) {
  std::vector<std::string> keys;
  for (const auto& property : schema.root()["properties"].get_object()) keys.emplace_back(property.key);
  EXPECT_EQ(keys, (std::vector<std::string>(kJsonKeys.begin(), kJsonKeys.end())));
}

TEST_F(JsonSchemaTest, RefusesWhatItShould) {
  for (const char* bad : {R"({"time":"2026-11-21T02:12:00Z"})",
                          R"({"id":65536})",
                          R"({"id":-1})",
                          R"({"id":"1"})",
                          R"({"type":"client_response"})",
                          R"({"type":1.5})",
                          R"({"type":6})",
                          R"({"flags":["rd","xx"]})",
                          R"({"flags":["rd","rd"]})",
                          R"({"unknown":1})",
                          R"({"opcode":"OPCODE0"})",
                          R"({"rcode":"RCODE4"})",
                          R"({"client_ip":"hello"})",
                          R"({"client_ip":"1.2.3.256"})",
                          R"({"client_ip":"1::2::3"})",
                          R"({"time":"2026-99-99T99:99:99.123456789Z"})",
                          R"({"qname":"x\\."})",
                          R"({"answers":[]})",
                          R"({"policy":{}})",
                          R"({"cut":["id"]})",
                          R"({"cut":[]})",
                          R"({"edns":{"version":0,"udp_size":0,"do":true,"cookie":"00"}})",
                          R"({"retransmissions":0})",
                          R"({"id":1,"type":5})",
                          R"({"id":1,"id":1})",
                          R"({"edns":{"version":0}})",
                          R"({"qname":"no-dot"})",
                          R"({"answers":[{"name":"x.","type":"A","class":"IN","ttl":1}]})"}) {
    EXPECT_NE(schema.fault(parser.parse(std::string_view(bad))), "") << bad;
  }
}

TEST_F(JsonSchemaTest, HoldsForEveryRealPayload) {
  size_t lines = 0;
  for (const auto& file : files()) {
    const auto payloads = fstrm_payloads(file);
    // All of small files, a part of large ones: the checking is slow.
    const size_t step = payloads.size() / 1'000 + 1;
    for (size_t i = 0; i < payloads.size(); i += step) {
      TestEvent event;
      if (!decode(payloads[i], event)) continue;
      const std::string what = file.filename().string() + " frame " + std::to_string(i + 1);
      const auto line = checked(line_of(event), what);
      ++lines;
      const DnsMessage& dns = event.head.primary();
      uint64_t id = 0;
      EXPECT_EQ(line["id"].get(id) == simdjson::SUCCESS, dns.has_header) << what;
      EXPECT_EQ(id, dns.has_header ? dns.id : 0) << what;
      EXPECT_EQ(line["malformed"].error() == simdjson::SUCCESS, event.head.malformed() != Malformed::none)
          << what;
      EXPECT_EQ(line["cut"].error(), simdjson::NO_SUCH_FIELD) << what;
      simdjson::dom::array answers;
      if (line["answers"].get(answers) == simdjson::SUCCESS && dns.malformed == Malformed::none) {
        EXPECT_EQ(answers.size(), dns.counts[1]) << what;
      }
      if (!dns.has_question) continue;
      char name[kNameTextRoom];
      TextWriter text{name};
      write_name(text,
                 event.bytes.empty() ? std::span<const uint8_t>()
                                     : std::span(event.bytes).subspan(dns.wire.off, dns.wire.len),
                 kDnsHeaderLen);
      EXPECT_EQ(std::string_view(line["qname"]), std::string_view(name, static_cast<size_t>(text.out - name)))
          << what;
    }
  }
  EXPECT_GT(lines, 100U) << "no payloads found";
}

TEST_F(JsonSchemaTest, HoldsForDamagedPayloads) {
  std::mt19937 random(20261121);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  size_t lines = 0;
  for (const auto& file : files_below(test_data(), ".fstrm")) {
    const auto payloads = fstrm_payloads(file);
    const size_t step = payloads.size() / 50 + 1;
    for (size_t i = 0; i < payloads.size(); i += step) {
      for (int round = 0; round < 4; ++round) {
        TestEvent event;
        if (!decode(payloads[i], event)) continue;
        // Damage within the spans, which no protobuf check sees; the messages are walked again.
        for (size_t hits = 1 + below(8); hits != 0; --hits)
          event.bytes[below(event.bytes.size())] = static_cast<uint8_t>(random());
        for (DnsMessage* message : {&event.head.query, &event.head.response}) {
          if (!message->wire.present()) continue;
          DnsMessage again;
          again.wire = message->wire;
          again.wire_len = message->wire_len;
          walk_dns_message(std::span<const uint8_t>(event.bytes).subspan(again.wire.off, again.wire.len),
                           again);
          *message = again;
        }
        checked(line_of(event), file.filename().string());
        ++lines;
      }
    }
  }
  EXPECT_GT(lines, 100U);
}

}  // namespace
}  // namespace weir
