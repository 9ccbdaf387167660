#include "exporters/formats/dnstap_format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "decoder/dnstap.h"
#include "tests/exporters/test_event.h"
#include "tests/fstrm_payloads.h"

namespace weir {
namespace {

constexpr size_t kMaxEvent = 1U << 20U;

// The frames of the event's record.
std::vector<std::string> frames_of(const TestEvent& event, const DnstapFields& fields = {}) {
  DnstapFormat format(fields, {"first", "second"}, kMaxEvent);
  const auto room = std::make_unique_for_overwrite<char[]>(format.max_record_bytes());
  const TestBatch batch{event};
  const char* end = format.write(batch.event(), 0, room.get());
  std::vector<std::string> frames;
  for (const char* at = room.get(); at < end;) {
    size_t len = 0;
    for (int i = 0; i < 4; ++i) len = len << 8U | static_cast<uint8_t>(*at++);
    frames.emplace_back(at, len);
    at += len;
  }
  return frames;
}

TestEvent dnstap_event(std::span<const uint8_t> payload) {
  TestEvent event;
  EXPECT_EQ(walk_dnstap(payload, event.head), DnstapResult::ok);
  event.put(payload);
  return event;
}
TestEvent dnstap_event(const std::string& payload) {
  return dnstap_event({reinterpret_cast<const uint8_t*>(payload.data()), payload.size()});
}

dnstap::Dnstap parsed(const std::string& payload) {
  dnstap::Dnstap dnstap;
  EXPECT_TRUE(dnstap.ParseFromString(payload));
  return dnstap;
}

dnstap::Dnstap client_query() {
  dnstap::Dnstap dnstap;
  dnstap.set_type(dnstap::Dnstap::MESSAGE);
  dnstap.mutable_message()->set_type(dnstap::Message::CLIENT_QUERY);
  return dnstap;
}

TestEvent transaction() {
  TestEvent event;
  Event& e = event.head;
  e.kind = EventKind::transaction;
  e.units = 2;
  e.input = 1;
  e.has_family = e.has_protocol = true;
  e.family = 2;
  e.protocol = 1;
  e.client = {.addr = parse_addr("2001:db8::1").value(), .has_port = true, .port = 40'000};
  e.server = {.addr = parse_addr("2001:db8::53").value(), .has_port = true, .port = 53};
  e.has_query_time = e.has_response_time = true;
  e.query_time_ns = 1'700'000'000'000'000'001;
  e.response_time_ns = 1'700'000'001'999'999'999;
  e.query.wire = event.put(std::string_view("the query"));
  e.response.wire = event.put(std::string_view("the response"));
  return event;
}

TEST(DnstapFormat, WhatCameInAsDnstapGoesOutByteForByte) {
  size_t frames = 0;
  for (const auto& path : files_below(test_data("dnstap"), ".fstrm")) {
    for (const auto& payload : fstrm_payloads(path)) {
      const auto out = frames_of(dnstap_event(payload));
      ASSERT_EQ(out.size(), 1U);
      ASSERT_EQ(out[0], std::string(payload.begin(), payload.end())) << path;
      ++frames;
    }
  }
  EXPECT_GT(frames, 1'000U);
}

// As the pairer joins them.
TestEvent pair_of(const std::string& query, const std::string& response) {
  TestEvent event = dnstap_event(response);
  event.head.units = 2;
  event.head.query_frame_len = static_cast<uint32_t>(query.size());
  event.bytes.clear();
  event.put(query);
  event.put(response);
  return event;
}

TEST(DnstapFormat, APairIsTheTwoFramesThatItCameIn) {
  const auto path = files_below(test_data("dnstap"), ".fstrm").front();
  const auto payloads = fstrm_payloads(path);
  const std::string query(payloads.at(0).begin(), payloads.at(0).end());
  const std::string response(payloads.at(1).begin(), payloads.at(1).end());
  EXPECT_EQ(frames_of(pair_of(query, response)), (std::vector<std::string>{query, response}));
}

TEST(DnstapFormat, EachFrameOfAPairIsWrittenAnewFromItsOwnFields) {
  dnstap::Dnstap query = client_query();
  query.set_identity("asked");
  query.set_version("1");
  dnstap::Dnstap response = client_query();
  response.mutable_message()->set_type(dnstap::Message::CLIENT_RESPONSE);
  response.set_identity("answered");
  const auto frames = frames_of(
      pair_of(query.SerializeAsString(), response.SerializeAsString()),
      {.as = {}, .identity = "<{identity}>", .version = "{identity} {version}", .extra = "{input}"});
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(parsed(frames[0]).message().type(), dnstap::Message::CLIENT_QUERY);
  EXPECT_EQ(parsed(frames[0]).identity(), "<asked>");
  EXPECT_EQ(parsed(frames[0]).version(), "asked 1");
  EXPECT_EQ(parsed(frames[0]).extra(), "first");
  EXPECT_EQ(parsed(frames[1]).message().type(), dnstap::Message::CLIENT_RESPONSE);
  EXPECT_EQ(parsed(frames[1]).identity(), "<answered>");
  EXPECT_EQ(parsed(frames[1]).version(), "answered ");
}

TEST(DnstapFormat, APairOfLongFramesAndValuesFits) {
  dnstap::Dnstap in = client_query();
  in.set_extra(std::string(kMaxEvent / 2 - 100, 'x'));
  const std::string all = "{extra}{extra}";
  const std::string payload = in.SerializeAsString();
  EXPECT_EQ(frames_of(pair_of(payload, payload)).size(), 2U);
  EXPECT_EQ(
      frames_of(pair_of(payload, payload), {.as = {}, .identity = all, .version = all, .extra = all}).size(),
      2U);
}

TEST(DnstapFormat, ATransactionIsAQueryAndAResponseWithBothTimes) {
  const auto frames = frames_of(transaction());
  ASSERT_EQ(frames.size(), 2U);
  const dnstap::Dnstap query = parsed(frames[0]);
  const dnstap::Dnstap response = parsed(frames[1]);
  EXPECT_EQ(query.message().type(), dnstap::Message::CLIENT_QUERY);
  EXPECT_EQ(query.message().query_message(), "the query");
  EXPECT_FALSE(query.message().has_response_message());
  EXPECT_FALSE(query.message().has_response_time_sec());
  EXPECT_FALSE(query.has_identity());
  const dnstap::Message& m = response.message();
  EXPECT_EQ(m.type(), dnstap::Message::CLIENT_RESPONSE);
  EXPECT_EQ(m.response_message(), "the response");
  EXPECT_FALSE(m.has_query_message());
  EXPECT_EQ(m.socket_family(), dnstap::INET6);
  EXPECT_EQ(m.socket_protocol(), dnstap::UDP);
  EXPECT_EQ(m.query_address().size(), 16U);
  EXPECT_EQ(m.response_address().back(), '\x53');
  EXPECT_EQ(m.query_port(), 40'000U);
  EXPECT_EQ(m.response_port(), 53U);
  EXPECT_EQ(m.query_time_sec(), 1'700'000'000U);
  EXPECT_EQ(m.query_time_nsec(), 1U);
  EXPECT_EQ(m.response_time_sec(), 1'700'000'001U);
  EXPECT_EQ(m.response_time_nsec(), 999'999'999U);
}

TEST(DnstapFormat, ALegAloneIsOneMessageAndAsAuthItIsAuths) {
  TestEvent event = transaction();
  event.head.kind = EventKind::response;
  event.head.query.wire = {};
  event.head.has_query_time = false;
  const auto frames = frames_of(event, {.as = DnstapAs::auth, .identity = "tap", .version = {}, .extra = {}});
  ASSERT_EQ(frames.size(), 1U);
  const dnstap::Dnstap response = parsed(frames[0]);
  EXPECT_EQ(response.message().type(), dnstap::Message::AUTH_RESPONSE);
  EXPECT_FALSE(response.message().has_query_time_sec());
  EXPECT_EQ(response.identity(), "tap");
}

TEST(DnstapFormat, TemplatesTakeFromTheEventAndKeepTheRest) {
  dnstap::Dnstap in = client_query();
  in.set_identity("ns1");
  in.set_extra("rack 7");
  in.mutable_message()->set_query_message("query");
  in.mutable_message()->mutable_unknown_fields()->AddLengthDelimited(99, "of a later schema");
  in.mutable_unknown_fields()->AddVarint(77, 5);
  TestEvent event = dnstap_event(in.SerializeAsString());
  event.head.input = 1;
  event.head.peer = {.addr = parse_addr("192.0.2.1").value(), .has_port = true, .port = 4'000};
  const auto frames = frames_of(event, {.as = DnstapAs::client,
                                        .identity = "{identity}.example",
                                        .version = "{version}",
                                        .extra = "{extra}, {input} {peer}"});
  ASSERT_EQ(frames.size(), 1U);
  dnstap::Dnstap expected = in;
  expected.set_identity("ns1.example");
  expected.set_version("");
  expected.set_extra("rack 7, second 192.0.2.1:4000");
  EXPECT_EQ(parsed(frames[0]).SerializeAsString(), expected.SerializeAsString());
}

TEST(DnstapFormat, ValuesOfALaterSchemaSurviveTemplates) {
  std::string in = client_query().SerializeAsString();
  const size_t type = in.find("\x08\x05");
  ASSERT_NE(type, std::string::npos);
  in[type + 1] = 60;  // Message.Type 60
  const auto frames = frames_of(dnstap_event(in), {.as = {}, .identity = "x", .version = {}, .extra = {}});
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(dnstap_event(frames[0]).head.type, 60);
  EXPECT_TRUE(dnstap_event(frames[0]).head.identity.present());
}

TEST(DnstapFormat, LongValuesAreCutAndFit) {
  dnstap::Dnstap in = client_query();
  in.set_extra(std::string(kMaxEvent / 2, 'x'));
  const std::string all = "{extra}{extra}";
  const auto frames = frames_of(dnstap_event(in.SerializeAsString()),
                                {.as = {}, .identity = all, .version = all, .extra = all});
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(parsed(frames[0]).version().size(), FieldTemplate::kMaxBytes);
}

TEST(DnstapFormat, ChecksTemplates) {
  EXPECT_TRUE(DnstapFormat::check({.as = {}, .identity = "a{peer}b{input}", .version = {}, .extra = {}}));
  for (const std::string bad : {"{", "a{b}", "{identity", "{}", "x{identity }"}) {
    const Status status = DnstapFormat::check({.as = {}, .identity = {}, .version = {}, .extra = bad});
    ASSERT_FALSE(status) << bad;
    EXPECT_TRUE(status.error().message.starts_with("extra: '{")) << status.error().message;
  }
}

}  // namespace
}  // namespace weir
