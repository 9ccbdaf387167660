#include "decoder/dnstap_pair.h"

#include <gtest/gtest.h>

#include <string>

#include "core/dnstap.pb.h"
#include "decoder/dnstap.h"
#include "tests/decoder/mirrored.h"
#include "tests/decoder/told.h"

namespace weir {
namespace {

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The query's payload stands behind the response's.
struct Joined {
  explicit Joined(const std::string& query, const std::string& response) : bytes(response + query) {
    Event q;
    Event r;
    EXPECT_EQ(walk_dnstap(as_bytes(query), q), DnstapResult::ok);
    EXPECT_EQ(walk_dnstap(as_bytes(response), r), DnstapResult::ok);
    join_dnstap({q, static_cast<uint32_t>(response.size())}, {r, 0}, event);
  }
  [[nodiscard]] std::string text(Span span) const {
    return span.present() ? bytes.substr(span.off, span.len) : "-";
  }
  std::string bytes;
  Event event;
};

dnstap::Dnstap parsed(const Told& told) {
  dnstap::Dnstap d;
  EXPECT_TRUE(d.ParseFromString(payload_of(told)));
  return d;
}

const Told kQuery = {.type = 5, .us = 10};
const Told kResponse = {.type = 6, .us = 30};

TEST(DnstapPair, HasBothMessagesAndTimes) {
  const Joined joined(payload_of(kQuery), payload_of(kResponse));
  const Event& e = joined.event;
  EXPECT_EQ(e.kind, EventKind::dnstap);
  EXPECT_EQ(e.type, 6);
  EXPECT_EQ(e.units, 2);
  EXPECT_EQ(joined.text(e.query.wire), parsed(kQuery).message().query_message());
  EXPECT_EQ(joined.text(e.response.wire), parsed(kResponse).message().response_message());
  EXPECT_FALSE(e.query.qr());
  EXPECT_TRUE(e.response.qr());
  EXPECT_EQ(e.query_time_ns, kStart + 10'000);
  EXPECT_EQ(e.response_time_ns, kStart + 30'000);
  EXPECT_EQ(to_string(e.client), "192.0.2.1:40000");
  EXPECT_EQ(to_string(e.server), "198.51.100.53:53");
  EXPECT_EQ(joined.text(e.identity), "ns");
}

TEST(DnstapPair, ResponsesQueryTimeGoesFirst) {
  Told response = kResponse;
  response.asked_us = 12;
  EXPECT_EQ(Joined(payload_of(kQuery), payload_of(response)).event.query_time_ns, kStart + 12'000);
}

TEST(DnstapPair, QuerysOwnMessageGoesBeforeTheResponsesCopyOfIt) {
  Told response = kResponse;
  response.with_query = true;
  response.qname = "WWW.example";
  const Joined joined(payload_of(kQuery), payload_of(response));
  EXPECT_EQ(joined.text(joined.event.query.wire), parsed(kQuery).message().query_message());
  Told bare = kQuery;
  bare.payload = false;
  const Joined copied(payload_of(bare), payload_of(response));
  EXPECT_EQ(copied.text(copied.event.query.wire), parsed(response).message().query_message());
}

TEST(DnstapPair, WhatTheResponseLacksIsTheQuerys) {
  dnstap::Dnstap query = parsed(kQuery);
  query.set_version("9.18");
  query.set_extra("x");
  query.mutable_message()->set_query_zone(std::string("\0", 1));
  query.mutable_message()->set_socket_family(dnstap::INET);
  query.mutable_message()->set_http_protocol(dnstap::HTTP2);
  query.mutable_message()->mutable_policy()->set_type("RPZ");
  dnstap::Dnstap response = parsed({.type = 6, .client = "", .server = "", .protocol = 0, .identity = ""});
  const Joined lacking(query.SerializeAsString(), response.SerializeAsString());
  const Event& e = lacking.event;
  EXPECT_EQ(lacking.text(e.identity), "ns");
  EXPECT_EQ(lacking.text(e.version), "9.18");
  EXPECT_EQ(lacking.text(e.extra), "x");
  EXPECT_EQ(lacking.text(e.query_zone), std::string("\0", 1));
  EXPECT_EQ(lacking.text(e.policy_type), "RPZ");
  EXPECT_EQ(e.family, 1);
  EXPECT_EQ(e.protocol, 1);
  EXPECT_EQ(e.http_protocol, 2);
  EXPECT_EQ(to_string(e.client), "192.0.2.1:40000");
  EXPECT_EQ(to_string(e.server), "198.51.100.53:53");

  response.set_identity("other");
  response.mutable_message()->set_response_port(5353);
  response.mutable_message()->set_socket_protocol(dnstap::TCP);
  response.mutable_message()->mutable_policy()->set_action(dnstap::Policy::PASS);
  const Joined having(query.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(having.text(having.event.identity), "other");
  EXPECT_EQ(to_string(having.event.server), "198.51.100.53:5353");
  EXPECT_EQ(having.event.protocol, 2);
  EXPECT_EQ(having.text(having.event.policy_type), "-");  // a policy is one server's, and whole
  EXPECT_EQ(having.event.policy_action, 3);
}

}  // namespace
}  // namespace weir
