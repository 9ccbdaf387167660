#include "decoder/dnstap.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "core/dnstap.pb.h"
#include "tests/decoder/dnstap_oracle.h"
#include "tests/fstrm_payloads.h"
#include "tests/proto/dnstap_open.pb.h"

namespace weir {
namespace {

using namespace std::string_literals;

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Field 14 with `body` in it, after type = MESSAGE.
std::string dnstap_of(const std::string& body) {
  return "\x78\x01\x72"s + static_cast<char>(body.size()) + body;
}

Event walk(const std::string& payload, DnstapResult expected = DnstapResult::ok) {
  Event event;
  EXPECT_EQ(walk_dnstap(as_bytes(payload), event), expected);
  EXPECT_EQ(differs_from_libprotobuf(as_bytes(payload)), "");
  return event;
}

std::string text(const std::string& payload, Span span) { return payload.substr(span.off, span.len); }

TEST(Dnstap, EveryFieldOfTheSchema) {
  const std::string dns = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"s;
  dnstap::Dnstap d;
  d.set_type(dnstap::Dnstap::MESSAGE);
  d.set_identity("ns1");
  d.set_version("v 2");
  d.set_extra("\0x"s);
  dnstap::Message& m = *d.mutable_message();
  m.set_type(dnstap::Message::CLIENT_RESPONSE);
  m.set_socket_family(dnstap::INET6);
  m.set_socket_protocol(dnstap::DOQ);
  m.set_query_address("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s);
  m.set_response_address("\xc0\0\2\x35"s);
  m.set_query_port(40000);
  m.set_response_port(853);
  m.set_query_time_sec(1'795'227'147);
  m.set_query_time_nsec(1);
  m.set_response_time_sec(1'795'227'148);
  m.set_response_time_nsec(999'999'999);
  m.set_query_message(dns);
  m.set_query_zone("\1a\0"s);
  m.set_response_message(dns + "+"s);
  m.set_http_protocol(dnstap::HTTP3);
  dnstap::Policy& p = *m.mutable_policy();
  p.set_type("RPZ");
  p.set_rule("\3rpz\0"s);
  p.set_action(dnstap::Policy::LOCAL_DATA);
  p.set_match(dnstap::Policy::NS_IP);
  p.set_value("v");
  const std::string payload = d.SerializeAsString();

  const Event e = walk(payload);
  EXPECT_EQ(text(payload, e.identity), "ns1");
  EXPECT_EQ(text(payload, e.version), "v 2");
  EXPECT_EQ(text(payload, e.extra), "\0x"s);
  EXPECT_EQ(e.type, 6);
  EXPECT_EQ(e.family, 2);
  EXPECT_EQ(e.protocol, 7);
  EXPECT_EQ(to_string(e.client), "[2001:db8::1]:40000");
  EXPECT_EQ(to_string(e.server), "192.0.2.53:853");
  EXPECT_EQ(e.query_time_ns, 1'795'227'147'000'000'001U);
  EXPECT_EQ(e.response_time_ns, 1'795'227'148'999'999'999U);
  EXPECT_EQ(text(payload, e.query.wire), dns);
  EXPECT_EQ(e.query.wire_len, dns.size());
  EXPECT_EQ(e.query.id, 0x1234);
  EXPECT_TRUE(e.query.has_question);
  EXPECT_EQ(e.response.malformed, Malformed::trailing_bytes);
  EXPECT_EQ(text(payload, e.query_zone), "\1a\0"s);
  EXPECT_EQ(e.http_protocol, 3);
  EXPECT_EQ(text(payload, e.policy_type), "RPZ");
  EXPECT_EQ(text(payload, e.policy_rule), "\3rpz\0"s);
  EXPECT_EQ(e.policy_action, 6);
  EXPECT_EQ(e.policy_match, 5);
  EXPECT_EQ(text(payload, e.policy_value), "v");
}

TEST(Dnstap, MessageWithoutPayloadIsAnEvent) {
  const Event e = walk(dnstap_of("\x08\x05"));
  EXPECT_EQ(e.type, 5);
  EXPECT_FALSE(e.query.wire.present());
  EXPECT_FALSE(e.has_query_time);
  EXPECT_FALSE(e.client.has_port);
}

TEST(Dnstap, EmptyDnsMessageIsThere) {
  const Event e = walk(dnstap_of("\x08\x05\x52\x00"s));
  EXPECT_TRUE(e.query.wire.present());
  EXPECT_EQ(e.query.malformed, Malformed::header_short);
}

TEST(Dnstap, WhatIsRefused) {
  walk("", DnstapResult::malformed);
  walk("\x78\x01", DnstapResult::malformed);                      // no message
  walk("\x72\x02\x08\x05", DnstapResult::malformed);              // no Dnstap.type
  walk(dnstap_of(""), DnstapResult::malformed);                   // no Message.type
  walk("\x78\x02", DnstapResult::not_message);                    // another type
  walk("\x78\x02\x72\x00"s, DnstapResult::malformed);             // and its message lacks a type
  walk(dnstap_of("\x08\x05") + "\x0c", DnstapResult::malformed);  // end of a group that never began
}

TEST(Dnstap, UnknownEnumValuesStayAndAreCutTo32Bits) {
  const Event e =
      walk(dnstap_of("\x08\x4d\x10\x81\x80\x80\x80\x10\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s));
  EXPECT_EQ(e.type, 77);
  EXPECT_TRUE(e.has_family);
  EXPECT_EQ(e.family, 1);  // 2^32 + 1
  EXPECT_EQ(e.protocol, -1);
}

TEST(Dnstap, LastOneCountsAndMessagesMerge) {
  const std::string payload = "\x0a\x01x\x78\x07"s + dnstap_of("\x08\x05\x30\x35\x22\x04\1\2\3\4") +
                              "\x0a\x01y\x72\x05\x08\x06\x22\x01q";
  const Event e = walk(payload);
  EXPECT_EQ(text(payload, e.identity), "y");
  EXPECT_EQ(e.type, 6);
  EXPECT_EQ(e.client.port, 53U);
  EXPECT_FALSE(e.client.addr.present());  // the last one has one byte
}

TEST(Dnstap, AddressesOfFourOrSixteenBytesUnderAnyFamily) {
  const std::string mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"s;
  const Event e = walk(dnstap_of("\x08\x05\x10\x01\x22\x10" + mapped + "\x2a\x04\1\2\3\4"));
  EXPECT_EQ(e.client.addr.len, 16);
  EXPECT_EQ(to_string(e.client.addr), "::ffff:192.0.2.1");
  EXPECT_EQ(e.server.addr.len, 4);
}

TEST(Dnstap, OtherWireTypesAndUnknownFieldsAreSkipped) {
  const std::string unknown =
      "\xa0\x06\x01"  // 100: varint
      "\xa1\x06"s +
      std::string(8, 'x') +                           // 64 bits
      "\xa2\x06\x03xyz"                               // bytes
      "\xa5\x06xxxx"                                  // 32 bits
      "\xa3\x06\x0b\x0a\x01g\x0c\x08\x01\xa4\x06"s +  // a group with a group in it
      "\x0a\x01t\x55xxxx";                            // type as bytes, query_message as 32 bits
  const Event e = walk(dnstap_of("\x08\x05" + unknown) + unknown.substr(0, unknown.size() - 8));
  EXPECT_EQ(e.type, 5);
  EXPECT_FALSE(e.query.wire.present());
}

TEST(Dnstap, GroupsNestAsDeepAsLibprotobufLetsThem) {
  for (const unsigned depth : {1U, 98U, 99U, 100U, 101U, 300U}) {
    std::string groups;
    for (unsigned i = 0; i < depth; ++i) groups += "\xa3\x06";
    for (unsigned i = 0; i < depth; ++i) groups += "\xa4\x06";
    Event event;
    const std::string top = dnstap_of("\x08\x05") + groups;
    EXPECT_EQ(walk_dnstap(as_bytes(top), event) == DnstapResult::ok, depth <= 100) << depth;
    EXPECT_EQ(differs_from_libprotobuf(as_bytes(top)), "") << depth;
    const auto two_byte_len = [](size_t n) {
      return std::string{static_cast<char>(n | 0x80U), static_cast<char>(n >> 7U)};
    };
    const std::string policy = "\x7a" + two_byte_len(groups.size()) + groups;
    for (const std::string& body : {"\x08\x05" + groups, "\x08\x05" + policy}) {
      const std::string nested = "\x78\x01\x72" + two_byte_len(body.size()) + body;
      EXPECT_EQ(differs_from_libprotobuf(as_bytes(nested)), "") << depth;
    }
  }
}

TEST(Dnstap, TimesThatDoNotFitAreAbsent) {
  EXPECT_FALSE(walk(dnstap_of("\x08\x05\x40\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")).has_query_time);
  // 18446744073 s and 709551615 ns are the last that fit.
  EXPECT_EQ(walk(dnstap_of("\x08\x05\x40\x89\xf4\x8b\xdc\x44\x4d\xff\xe5\x4a\x2a")).query_time_ns,
            UINT64_MAX);
  EXPECT_FALSE(walk(dnstap_of("\x08\x05\x40\x89\xf4\x8b\xdc\x44\x4d\x00\xe6\x4a\x2a"s)).has_query_time);
  EXPECT_EQ(walk(dnstap_of("\x08\x05\x40\x01")).query_time_ns, 1'000'000'000U);
  EXPECT_FALSE(walk(dnstap_of("\x08\x05\x4d\x01\0\0\0"s)).has_query_time);  // nanoseconds alone
}

void expect_same_as_libprotobuf(const std::filesystem::path& dir, size_t at_least) {
  size_t payloads = 0;
  for (const auto& file : files_below(dir, ".fstrm")) {
    for (const auto& payload : fstrm_payloads(file)) {
      ASSERT_EQ(differs_from_libprotobuf(payload), "") << file << ", payload " << payloads;
      ++payloads;
    }
  }
  EXPECT_GE(payloads, at_least);
}

TEST(Dnstap, SameAsLibprotobufOnTheTestData) { expect_same_as_libprotobuf(test_data(), 2'000); }

TEST(Dnstap, SameAsLibprotobufOnTheWholeCorpus) {
  if (corpus_dir().empty())
    GTEST_SKIP() << "no corpus: set WEIR_CORPUS to the directory with dnstap/ and malformed/";
  expect_same_as_libprotobuf(corpus_dir(), 40'000);
}

TEST(Dnstap, SameAsLibprotobufOnMutations) {
  std::vector<std::vector<uint8_t>> seeds;
  for (const char* file : {"kdig-tool", "dnsdist-unix", "unbound-unix", "recursor-unix"}) {
    auto payloads = fstrm_payloads(test_data(std::string("dnstap/") + file + ".fstrm"));
    seeds.insert(seeds.end(), payloads.begin(),
                 payloads.begin() + std::min<std::ptrdiff_t>(40, std::ssize(payloads)));
  }
  ASSERT_FALSE(seeds.empty());
  std::minstd_rand random(7);
  size_t sound = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::vector<uint8_t> payload = seeds[random() % seeds.size()];
    const unsigned changes = 1 + random() % 4;
    for (unsigned c = 0; c < changes && !payload.empty(); ++c) {
      const size_t at = random() % payload.size();
      switch (random() % 4) {
        case 0:
          payload[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          payload[at] ^= static_cast<uint8_t>(1U << random() % 8);
          break;
        case 2:
          payload.erase(payload.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          payload.insert(payload.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random()));
      }
    }
    Event event;
    if (walk_dnstap(payload, event) == DnstapResult::ok) ++sound;
    ASSERT_EQ(differs_from_libprotobuf(payload), "") << "mutation " << i;
  }
  EXPECT_GT(sound, 1'000U);  // mutations that say something about fields too
}

// The oracle is worth only as much as its schema.
TEST(Dnstap, OpenSchemaIsTheSchemaWithOpenEnums) {
  using google::protobuf::FieldDescriptor;
  const auto* schema = dnstap::Dnstap::descriptor()->file();
  const auto* open = dnstap_open::Dnstap::descriptor()->file();
  ASSERT_EQ(schema->message_type_count(), open->message_type_count());
  for (int i = 0; i < schema->message_type_count(); ++i) {
    const auto* message = schema->message_type(i);
    const auto* open_message = open->FindMessageTypeByName(message->name());
    ASSERT_NE(open_message, nullptr) << message->name();
    EXPECT_EQ(message->field_count(), open_message->field_count()) << message->name();
    for (int f = 0; f < message->field_count(); ++f) {
      const FieldDescriptor* field = message->field(f);
      const FieldDescriptor* open_field = open_message->FindFieldByNumber(field->number());
      ASSERT_NE(open_field, nullptr) << field->full_name();
      EXPECT_EQ(field->name(), open_field->name());
      EXPECT_EQ(field->label(), open_field->label()) << field->full_name();
      FieldDescriptor::Type type = field->type();
      if (type == FieldDescriptor::TYPE_ENUM) type = FieldDescriptor::TYPE_INT32;
      if (type == FieldDescriptor::TYPE_STRING) type = FieldDescriptor::TYPE_BYTES;
      EXPECT_EQ(type, open_field->type()) << field->full_name();
    }
  }
}

}  // namespace
}  // namespace weir
