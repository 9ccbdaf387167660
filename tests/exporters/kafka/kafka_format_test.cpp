#include "exporters/kafka/kafka_format.h"

#include <gtest/gtest.h>

#include "core/dns/name.h"
#include "tests/exporters/test_event.h"

namespace weir {
namespace {

class WordFormat : public LineFormat {
 public:
  char* write(const Event& /*event*/, uint64_t /*seq*/, char* out) noexcept override {
    if (nothing) return out;
    for (const char c : std::string_view("line\n")) *out++ = c;
    return out;
  }
  bool nothing = false;
};

TestEvent asked(std::initializer_list<std::string_view> labels) {
  TestEvent event;
  std::string wire(kDnsHeaderLen, '\0');
  for (const std::string_view label : labels) {
    wire += static_cast<char>(label.size());
    wire += label;
  }
  wire += '\0';
  event.head.query.qname_len = static_cast<uint16_t>(wire.size() - kDnsHeaderLen);
  wire += std::string("\0\1\0\1", 4);
  event.head.query.wire = event.put(wire);
  event.head.query.has_question = true;
  event.head.client.addr = *parse_addr("2001:db8::7");
  return event;
}

std::string key_of(KafkaKey key, const TestEvent& event) {
  static const auto kDomains = *RegisteredDomain::open();
  KafkaFormat format(std::make_unique<WordFormat>(), key, false, kDomains);
  std::vector<char> room(format.max_record_bytes());
  TestBatch batch;
  batch.add(event);
  const char* end = format.write(batch.event(), 0, room.data());
  const std::string_view record(room.data(), static_cast<size_t>(end - room.data()));
  const KafkaMessage message = next_kafka_message(record, {});
  EXPECT_EQ(message.value, "line");
  EXPECT_EQ(message.bytes, record.size());
  return message.key.data() == nullptr ? "(none)" : std::string(message.key);
}

TEST(KafkaFormat, KeysAreClientQnameOrDomain) {
  const TestEvent event = asked({"wWw", "Example", "CO", "uk"});
  EXPECT_EQ(key_of(KafkaKey::none, event), "(none)");
  EXPECT_EQ(key_of(KafkaKey::client, event), "2001:db8::7");
  EXPECT_EQ(key_of(KafkaKey::qname, event), "www.example.co.uk");
  EXPECT_EQ(key_of(KafkaKey::domain, event), "example.co.uk");
}

TEST(KafkaFormat, NamesWithoutARegisteredDomainAreKeysThemselves) {
  EXPECT_EQ(key_of(KafkaKey::domain, asked({"co", "uk"})), "co.uk");
  EXPECT_EQ(key_of(KafkaKey::domain, asked({})), ".");
  EXPECT_EQ(key_of(KafkaKey::domain, asked({"local"})), "local");
  EXPECT_EQ(key_of(KafkaKey::domain, asked({"a", "b", "nosuchtld"})), "b.nosuchtld");
}

TEST(KafkaFormat, NamesOfAnyBytesAreKeys) {
  EXPECT_EQ(key_of(KafkaKey::qname, asked({"a.b", "\xff\x01", "org"})), "a\\.b.\\255\\001.org");
  const std::string longest(63, '\x01');
  const std::string last(61, '\x02');
  EXPECT_EQ(key_of(KafkaKey::domain, asked({longest, longest, longest, last})).size(), 63U * 4 + 1 + 61 * 4);
}

TEST(KafkaFormat, WithoutAQuestionOrAnAddressThereIsNoKey) {
  EXPECT_EQ(key_of(KafkaKey::qname, TestEvent{}), "(none)");
  EXPECT_EQ(key_of(KafkaKey::domain, TestEvent{}), "(none)");
  EXPECT_EQ(key_of(KafkaKey::client, TestEvent{}), "(none)");
}

TEST(KafkaFormat, WhatGivesNoLineGivesNoRecord) {
  auto lines = std::make_unique<WordFormat>();
  lines->nothing = true;
  KafkaFormat format(std::move(lines), KafkaKey::client, true, nullptr);
  std::vector<char> room(format.max_record_bytes());
  TestBatch batch;
  batch.add(asked({"x"}));
  EXPECT_EQ(format.write(batch.event(), 0, room.data()), room.data());
}

}  // namespace
}  // namespace weir
