#include "exporters/json/json_format.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/exporters/dns_wire.h"

namespace weir {
namespace {

constexpr uint64_t kTime = 1'795'227'120'123'456'789;  // 2026-11-21T02:12:00.123456789Z

std::string line_of(const TestEvent& event, const JsonFields& fields = {}, uint64_t seq = 0) {
  JsonFormat format(fields, {"dnstap", "mirror"}, 3);
  const auto room = std::make_unique<char[]>(kMaxLineBytes);
  const TestBatch batch{event};
  return {room.get(), format.write(batch.event(), seq, room.get())};
}

JsonFields only(std::vector<std::string> keys) {
  JsonFields fields;
  fields.fields = std::move(keys);
  return fields;
}

TestEvent with_response(const DnsWire& wire) {
  TestEvent event;
  put_message(event, event.head.response, wire.bytes);
  return event;
}

DnsWire answer_to(std::string_view qname, unsigned type) {
  return DnsWire(0x1234, 0x8180).question(qname, type);
}

TEST(JsonFormat, TheUpperBitOfAClassInMulticastDns) {
  const DnsWire wire = DnsWire(0, 0x8400)
                           .question("b.local", 1, 0x8001)
                           .count(1, 1)
                           .u16(0xc00c)
                           .u16(1)
                           .u16(0x8001)
                           .u16(0)
                           .u16(120)
                           .u16(4)
                           .raw(raw("\xc0\x00\x02\x02"));
  TestEvent event = with_response(wire);
  const JsonFields fields = only({"qclass", "unicast_answer", "answers"});
  event.head.server.has_port = true;
  event.head.server.port = 5353;
  EXPECT_EQ(line_of(event, fields),
            R"({"qclass":"IN","unicast_answer":true,"answers":[{"name":"b.local.","type":"A","class":"IN",)"
            R"("cache_flush":true,"ttl":120,"data":"192.0.2.2"}]})"
            "\n");
  event.head.server.port = 53;
  EXPECT_EQ(line_of(event, fields),
            R"({"qclass":"CLASS32769","answers":[{"name":"b.local.","type":"A","class":"CLASS32769",)"
            R"("ttl":120,"data":"192.0.2.2"}]})"
            "\n");
}

TEST(JsonFormat, AWholeDnstapResponse) {
  const DnsWire query = DnsWire(0x1234, 0x0100).question("www.Example.com", 1);
  const DnsWire response = answer_to("www.Example.com", 1)
                               .rr(1, 12, 1, 300, raw("\xcb\x00\x71\x07"))
                               .opt(1232, 0x8000, raw("\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02"));
  TestEvent event;
  Event& head = event.head;
  head.type = 6;
  head.has_query_time = head.has_response_time = true;
  head.query_time_ns = kTime - 35'000'000;
  head.response_time_ns = kTime;
  head.has_family = head.has_protocol = true;
  head.family = 1;
  head.protocol = 1;
  const uint8_t client[] = {192, 0, 2, 10};
  const uint8_t server[] = {198, 51, 100, 53};
  head.client = {.addr = IpAddr::v4(client), .has_port = true, .port = 40000};
  head.server = {.addr = IpAddr::v4(server), .has_port = true, .port = 53};
  const uint8_t peer[] = {192, 0, 2, 53};
  head.peer = {.addr = IpAddr::v4(peer), .has_port = true, .port = 41000};
  head.identity = event.put("ns1.example");
  head.version = event.put("unbound 1.22.0");
  head.query_zone =
      event.put(raw("\x07"
                    "example\x03"
                    "com\x00"));
  put_message(event, head.query, query.bytes);
  put_message(event, head.response, response.bytes);
  EXPECT_EQ(
      line_of(event),
      R"({"time":"2026-11-21T02:12:00.123456789Z","type":"CLIENT_RESPONSE","identity":"ns1.example",)"
      R"("version":"unbound 1.22.0","family":"INET","transport":"UDP","client_ip":"192.0.2.10",)"
      R"("client_port":40000,"server_ip":"198.51.100.53","server_port":53,"id":4660,"opcode":"QUERY",)"
      R"("rcode":"NOERROR","flags":["qr","rd","ra"],"qname":"www.Example.com.","qclass":"IN","qtype":"A",)"
      R"("query_time":"2026-11-21T02:12:00.088456789Z","response_time":"2026-11-21T02:12:00.123456789Z",)"
      R"("latency_ns":35000000,"query_bytes":33,"response_bytes":71,)"
      R"("answers":[{"name":"www.Example.com.","type":"A","class":"IN","ttl":300,"data":"203.0.113.7"}],)"
      R"("edns":{"version":0,"udp_size":1232,"do":true,"ecs":"192.0.2.0/24/0"},"zone":"example.com.",)"
      R"("input":"dnstap","peer":"192.0.2.53:41000"})"
      "\n");
}

TEST(JsonFormat, AnEventWithNothingIsStillAnObject) {
  TestEvent event;
  event.head.type = 99;
  event.head.input = 7;  // not in the configuration
  EXPECT_EQ(line_of(event), "{\"type\":99}\n");
  EXPECT_EQ(line_of(event, only({"qname"})), "{}\n");
}

TEST(JsonFormat, NumbersWithoutNamesStayNumbers) {
  TestEvent event;
  event.head.type = -5;
  event.head.has_family = event.head.has_protocol = event.head.has_http_protocol = true;
  event.head.family = 3;
  event.head.protocol = 77;
  event.head.http_protocol = 9;
  EXPECT_EQ(line_of(event, only({"type", "family", "transport", "http_protocol"})),
            "{\"type\":-5,\"family\":3,\"transport\":77,\"http_protocol\":9}\n");
  event.head.http_protocol = 2;
  EXPECT_EQ(line_of(event, only({"http_protocol"})), "{\"http_protocol\":\"HTTP2\"}\n");
}

TEST(JsonFormat, PacketsHaveTypesOfTheirOwnAndRetransmissions) {
  TestEvent event;
  const JsonFields fields = only({"type", "retransmissions"});
  event.head.kind = EventKind::transaction;
  event.head.units = 2;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"TRANSACTION\"}\n");
  event.head.retransmissions = 3;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"TRANSACTION\",\"retransmissions\":3}\n");
  event.head.kind = EventKind::query;
  event.head.retransmissions = 0;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"QUERY\"}\n");
  event.head.retransmissions = 1;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"QUERY\",\"retransmissions\":1}\n");
  event.head.kind = EventKind::response;
  event.head.retransmissions = 0;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"RESPONSE\"}\n");
}

TEST(JsonFormat, TellsHowAPacketWasWrapped) {
  PacketInfo info;
  info.vlan_count = 2;
  info.vlans[0] = 100;
  info.vlans[1] = 4095;
  info.tunnel = Tunnel::vxlan;
  info.tunnel_id = 4242;
  info.outer_src = *parse_addr("10.0.0.1");
  info.outer_dst = *parse_addr("10.0.0.2");
  info.has_setup = true;
  info.setup_ns = 1500;
  const auto line = [&info] {
    std::array<uint8_t, kMaxPacketInfo> bytes{};
    TestEvent event;
    event.head.kind = EventKind::query;
    const size_t len = encode(info, bytes.data());
    if (len != 0) event.head.packet_info = event.put(std::span<const uint8_t>(bytes.data(), len));
    return line_of(event, only({"connect_ns", "transfer", "vlan", "tunnel", "tunnel_id", "outer_src_ip",
                                "outer_dst_ip"}));
  };
  EXPECT_EQ(line(),
            "{\"connect_ns\":1500,\"vlan\":[100,4095],\"tunnel\":\"VXLAN\",\"tunnel_id\":4242,"
            "\"outer_src_ip\":\"10.0.0.1\",\"outer_dst_ip\":\"10.0.0.2\"}\n");
  info.has_setup = false;
  info.tunnel_id = 0;
  info.tunnel = Tunnel::ipip;
  info.vlan_count = 0;
  info.outer_src = info.outer_dst = *parse_addr("2001:db8::1");
  EXPECT_EQ(line(),
            "{\"tunnel\":\"IPIP\",\"outer_src_ip\":\"2001:db8::1\",\"outer_dst_ip\":\"2001:db8::1\"}\n");
  info.tunnel = Tunnel::none;
  EXPECT_EQ(line(), "{}\n");
  info.has_transfer = true;
  info.transfer = {
      .messages = 3, .records = 1000, .bytes = 131'072, .duration_ns = 25'000'000, .whole = true};
  EXPECT_EQ(line(),
            "{\"transfer\":{\"messages\":3,\"records\":1000,\"bytes\":131072,\"duration_ns\":25000000,"
            "\"whole\":true}}\n");
  info.transfer = {.messages = 1};
  EXPECT_EQ(line(),
            "{\"transfer\":{\"messages\":1,\"records\":0,\"bytes\":0,\"duration_ns\":0,\"whole\":false}}\n");
}

TEST(JsonFormat, DnstapPairsSayThatTheyArePairs) {
  TestEvent event;
  event.head.type = 6;
  const JsonFields fields = only({"type", "paired", "retransmissions"});
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"CLIENT_RESPONSE\"}\n");
  event.head.units = 2;
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"CLIENT_RESPONSE\",\"paired\":true}\n");
  EXPECT_EQ(line_of(event, only({"type"})), "{\"type\":\"CLIENT_RESPONSE\"}\n");
}

TEST(JsonFormat, TimeIsTheResponsesElseTheQuerys) {
  TestEvent event;
  event.head.has_query_time = true;
  event.head.query_time_ns = 0;
  const JsonFields fields = only({"time", "latency_ns"});
  EXPECT_EQ(line_of(event, fields), "{\"time\":\"1970-01-01T00:00:00.000000000Z\"}\n");
  event.head.has_response_time = true;
  event.head.response_time_ns = UINT64_MAX;
  EXPECT_EQ(line_of(event, only({"time"})), "{\"time\":\"2554-07-21T23:34:33.709551615Z\"}\n");
  // BIND's coarse clock: the response may be before the query.
  event.head.query_time_ns = 1'709'210'096'000'000'007;
  event.head.response_time_ns = 1'709'210'096'000'000'000;
  EXPECT_EQ(line_of(event, fields), "{\"time\":\"2024-02-29T12:34:56.000000000Z\",\"latency_ns\":-7}\n");
}

TEST(JsonFormat, FlagsOpcodesRcodesAndUnknownNumbers) {
  const JsonFields fields = only({"id", "opcode", "rcode", "flags"});
  EXPECT_EQ(
      line_of(with_response(DnsWire(0, 0xffff)), fields),
      R"({"id":0,"opcode":"OPCODE15","rcode":"RCODE15","flags":["qr","aa","tc","rd","ra","z","ad","cd"]})"
      "\n");
  EXPECT_EQ(line_of(with_response(DnsWire(65535, 0x2800)), fields),
            "{\"id\":65535,\"opcode\":\"UPDATE\",\"rcode\":\"NOERROR\",\"flags\":[]}\n");
  // Upper bits of the rcode from EDNS: 1 << 4 | 8 is 24.
  EXPECT_EQ(line_of(with_response(DnsWire(1, 0x8008).opt(512, 0x01000000, "")), only({"rcode", "edns"})),
            "{\"rcode\":\"RCODE24\",\"edns\":{\"version\":0,\"udp_size\":512,\"do\":false}}\n");
  EXPECT_EQ(line_of(with_response(DnsWire(1, 0x8000).opt(512, 0x01050000, "")), only({"rcode", "edns"})),
            "{\"rcode\":\"BADVERS\",\"edns\":{\"version\":5,\"udp_size\":512,\"do\":false}}\n");
  EXPECT_EQ(line_of(with_response(DnsWire(1, 0x8000).question("", 65280, 4711)),
                    only({"qname", "qclass", "qtype"})),
            "{\"qname\":\".\",\"qclass\":\"CLASS4711\",\"qtype\":\"TYPE65280\"}\n");
}

TEST(JsonFormat, NamesAreEscapedAndKeepTheirCase) {
  const auto qname = [](DnsWire wire) { return line_of(with_response(wire), only({"qname"})); };
  EXPECT_EQ(qname(DnsWire(1, 0)
                      .count(0, 1)
                      .raw(raw("\x04"
                               "a.b\\\x03"
                               "\x00\xff\"\x01 \x00"))
                      .u16(1)
                      .u16(1)),
            "{\"qname\":\"a\\\\.b\\\\\\\\.\\\\000\\\\255\\\\\\\".\\\\032.\"}\n");
  const std::string label(63, 'X');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y');
  EXPECT_EQ(qname(DnsWire(1, 0).question(longest, 1)), "{\"qname\":\"" + longest + ".\"}\n");
  DnsWire wild(1, 0);
  wild.count(0, 1).u8(63).raw(std::string(63, '\xff')).u8(63).raw(std::string(63, '\xff'));
  wild.u8(63).raw(std::string(63, '\xff')).u8(61).raw(std::string(61, '\xff')).u8(0).u16(1).u16(1);
  EXPECT_EQ(qname(wild).size(), std::string("{\"qname\":\"\"}\n").size() + 250 * 5 + 4);
}

TEST(JsonFormat, OwnersThatPointAndChainsShareTheirText) {
  // qname at 12, 21 bytes to the first answer at 33; its CNAME's target stands at 33 + 12.
  DnsWire wire = DnsWire(1, 0x8180).question("www.example.com", 1);
  ASSERT_EQ(wire.bytes.size(), 33U);
  wire.rr(1, 12, 5, 60,
          raw("\x03"
              "cdn\xc0\x10"));
  wire.rr(1, 45, 1, 60, raw("\xc0\x00\x02\x01"));
  wire.rr(1, 45, 28, 60, raw("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"));
  wire.rr(1, 16, 2, 60, raw("\xc0\x0c"));
  wire.rr(1, 16, 15, 60, raw("\x00\x0a\xc0\x2d"));
  EXPECT_EQ(
      line_of(with_response(wire), only({"answers"})),
      R"({"answers":[{"name":"www.example.com.","type":"CNAME","class":"IN","ttl":60,"data":"cdn.example.com."},)"
      R"({"name":"cdn.example.com.","type":"A","class":"IN","ttl":60,"data":"192.0.2.1"},)"
      R"({"name":"cdn.example.com.","type":"AAAA","class":"IN","ttl":60,"data":"2001:db8::1"},)"
      R"({"name":"example.com.","type":"NS","class":"IN","ttl":60,"data":"www.example.com."},)"
      R"({"name":"example.com.","type":"MX","class":"IN","ttl":60,"data":"10 cdn.example.com."}]})"
      "\n");
}

TEST(JsonFormat, RdataIsPresentationTextAndWhatContradictsItsTypeIsHex) {
  DnsWire wire = answer_to("x", 16);
  wire.rr(1, 12, 16, 0,
          raw("\x05"
              "a\"b\\\xc3"));
  wire.rr(1, 12, 1, 0xffffffff, raw("\x01\x02"));
  wire.rr(1, 12, 65280, 1, raw("\x00\xff"));
  wire.rr(1, 12, 5, 1, raw("\x01"));
  EXPECT_EQ(line_of(with_response(wire), only({"answers"})),
            R"({"answers":[{"name":"x.","type":"TXT","class":"IN","ttl":0,"data":"\"a\\\"b\\\\\\195\""},)"
            R"({"name":"x.","type":"A","class":"IN","ttl":4294967295,"data":"\\# 2 0102"},)"
            R"({"name":"x.","type":"TYPE65280","class":"IN","ttl":1,"data":"\\# 2 00ff"},)"
            R"({"name":"x.","type":"CNAME","class":"IN","ttl":1,"data":"\\# 1 01"}]})"
            "\n");
}

TEST(JsonFormat, AuthorityAndAdditionalOnRequestWithoutOptAndTsig) {
  DnsWire wire = answer_to("x", 1);
  wire.rr(2, 12, 2, 5, raw("\xc0\x0c"));
  wire.rr(3, 12, 1, 5, raw("\x01\x02\x03\x04"));
  wire.opt(1232, 0, "");
  wire.rr(3, 12, 250, 0, raw("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"));
  EXPECT_EQ(line_of(with_response(wire), only({"answers", "authority", "additional"})), "{}\n");
  JsonFields fields = only({"answers", "authority", "additional"});
  fields.authority = fields.additional = true;
  EXPECT_EQ(line_of(with_response(wire), fields),
            R"({"authority":[{"name":"x.","type":"NS","class":"IN","ttl":5,"data":"x."}],)"
            R"("additional":[{"name":"x.","type":"A","class":"IN","ttl":5,"data":"1.2.3.4"}]})"
            "\n");
}

TEST(JsonFormat, EveryEdnsOption) {
  DnsWire wire = DnsWire(1, 0x8000);
  wire.opt(4096, 0x8000,
           raw("\x00\x0f\x00\x06\x00\x0f"
               "ad\xc3\x00"                    // EDE 15, text with a byte that is no UTF-8 and a NUL
               "\x00\x0c\x00\x03\x00\x00\x00"  // padding
               "\x00\x0a\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08"  // cookie
               "\x00\x03\x00\x03n\xc3\xa9"                         // NSID
               "\x00\x08\x00\x04\x00\x02\x00\x00"                  // ECS ::/0
               "\x00\x08\x00\x04\x00\x01\x00\x00"                  // ECS again
               "\x00\x0b\x00\x02\x00\x78"                          // keepalive
               "\x00\x0a\x00\x01\xff"                              // cookie of one byte
               "\x00\x0f\x00\x02\xff\xff"                          // EDE without name and text
               "\x00\x0f\x00\x01\x00"                              // EDE that is too short
               "\xfd\xe9\x00\x00"));                               // a local code
  EXPECT_EQ(line_of(with_response(wire), only({"edns", "malformed"})),
            R"({"edns":{"version":0,"udp_size":4096,"do":true,"ecs":"::/0/0","nsid":"né",)"
            R"("cookie":"0102030405060708","padding":3,"keepalive":120,)"
            R"("ede":[{"code":15,"name":"Blocked","text":"ad\\195"},{"code":65535}],)"
            R"("options":[{"code":8,"data":"00010000"},{"code":10,"data":"ff"},{"code":15,"data":"00"},)"
            R"({"code":65001,"data":""}]}})"
            "\n");
}

TEST(JsonFormat, WhatTheResponseLacksIsTheQuerys) {
  const DnsWire query = DnsWire(0x1234, 0x0100)
                            .question("www.example", 28)
                            .opt(1232, 0, raw("\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02"));
  const std::vector<std::string> keys = {"id", "opcode", "rcode", "flags", "qname", "qtype", "edns"};
  TestEvent formerr;
  put_message(formerr, formerr.head.query, query.bytes);
  put_message(formerr, formerr.head.response, DnsWire(0x1234, 0x8101).bytes);
  EXPECT_EQ(
      line_of(formerr, only(keys)),
      R"({"id":4660,"opcode":"QUERY","rcode":"FORMERR","flags":["qr","rd"],"qname":"www.example.","qtype":"AAAA",)"
      R"("edns":{"version":0,"udp_size":1232,"do":false,"ecs":"192.0.2.0/24/0"}})"
      "\n");
  TestEvent empty;
  put_message(empty, empty.head.query, query.bytes);
  put_message(empty, empty.head.response, {});
  EXPECT_EQ(line_of(empty, only({"id", "opcode", "rcode", "flags", "qname"})),
            "{\"id\":4660,\"opcode\":\"QUERY\",\"qname\":\"www.example.\"}\n");
}

TEST(JsonFormat, TextThatIsNoUtf8IsEscapedTheDnsWay) {
  const auto identity = [](std::string_view text) {
    TestEvent event;
    event.head.identity = event.put(text);
    return line_of(event, only({"identity"}));
  };
  EXPECT_EQ(identity("plain text of more than sixteen bytes"),
            "{\"identity\":\"plain text of more than sixteen bytes\"}\n");
  EXPECT_EQ(identity(""), "{\"identity\":\"\"}\n");
  EXPECT_EQ(identity("q\"b\\n\n\x7f"), "{\"identity\":\"q\\\"b\\\\\\\\n\\u000a\\u007f\"}\n");
  EXPECT_EQ(identity("\\255"), "{\"identity\":\"\\\\\\\\255\"}\n") << "not to be taken for the byte 255";
  EXPECT_EQ(identity("é€𝄞"), "{\"identity\":\"é€𝄞\"}\n");
  EXPECT_EQ(identity("\xff"), "{\"identity\":\"\\\\255\"}\n");
  EXPECT_EQ(identity("\xc0\xaf"), "{\"identity\":\"\\\\192\\\\175\"}\n") << "overlong";
  EXPECT_EQ(identity("\xed\xa0\x80"), "{\"identity\":\"\\\\237\\\\160\\\\128\"}\n") << "surrogate";
  EXPECT_EQ(identity("\xf4\x90\x80\x80"), "{\"identity\":\"\\\\244\\\\144\\\\128\\\\128\"}\n")
      << "past U+10FFFF";
  EXPECT_EQ(identity("abc\xe2\x82"), "{\"identity\":\"abc\\\\226\\\\130\"}\n") << "cut";
}

TEST(JsonFormat, PolicyAndItsParts) {
  TestEvent event;
  event.head.policy_type = event.put("RPZ");
  event.head.policy_rule =
      event.put(raw("\x03"
                    "bad\x00"));
  event.head.has_policy_action = event.head.has_policy_match = true;
  event.head.policy_action = 1;
  event.head.policy_match = 9;
  event.head.policy_value = event.put("v\"");
  EXPECT_EQ(line_of(event, only({"policy"})),
            R"({"policy":{"type":"RPZ","rule":"bad.","action":"NXDOMAIN","match":9,"value":"v\""}})"
            "\n");
  TestEvent one;
  one.head.policy_rule = one.put("not a name");
  EXPECT_EQ(line_of(one, only({"policy"})), "{\"policy\":{\"rule\":\"not a name\"}}\n");
}

TEST(JsonFormat, MalformedMessagesGiveALineWithAllThatCouldBeRead) {
  DnsWire cut = answer_to("www.example", 1);
  cut.rr(1, 12, 1, 60, raw("\x01\x02\x03\x04")).count(1, 2).u16(0xc00c);
  EXPECT_EQ(line_of(with_response(cut), only({"qname", "answers", "malformed"})),
            R"({"qname":"www.example.","answers":[{"name":"www.example.","type":"A","class":"IN","ttl":60,)"
            R"("data":"1.2.3.4"}],"malformed":"rr_cut"})"
            "\n");
  TestEvent tiny;
  put_message(tiny, tiny.head.query, std::vector<uint8_t>{1, 2, 3});
  EXPECT_EQ(line_of(tiny, only({"id", "query_bytes", "malformed"})),
            "{\"query_bytes\":3,\"malformed\":\"header_short\"}\n");
  TestEvent empty;
  put_message(empty, empty.head.query, {});
  EXPECT_EQ(line_of(empty, only({"query_bytes", "malformed"})),
            "{\"query_bytes\":0,\"malformed\":\"header_short\"}\n");
}

TEST(JsonFormat, AddressesAndPeersOfBothFamilies) {
  TestEvent event;
  const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  event.head.client = {.addr = IpAddr::v6(v6), .has_port = true, .port = 4294967295U};
  event.head.server = {.addr = {}, .has_port = true, .port = 0};
  event.head.peer = {.addr = IpAddr::v6(v6), .has_port = true, .port = 1};
  EXPECT_EQ(line_of(event, only({"client_ip", "client_port", "server_ip", "server_port", "peer"})),
            "{\"client_ip\":\"2001:db8::1\",\"client_port\":4294967295,\"server_port\":0,"
            "\"peer\":\"[2001:db8::1]:1\"}\n");
}

TEST(JsonFormat, SequenceAndLaneOnlyWhenAskedFor) {
  TestEvent event;
  event.head.type = 5;
  JsonFields fields;
  fields.sequence = true;
  EXPECT_EQ(line_of(event, fields, 12'345'678'901),
            "{\"type\":\"CLIENT_QUERY\",\"input\":\"dnstap\",\"seq\":12345678901,\"lane\":3}\n");
  EXPECT_EQ(line_of(event), "{\"type\":\"CLIENT_QUERY\",\"input\":\"dnstap\"}\n");
}

TEST(JsonFormat, OmitTakesOutAndUnknownKeysAreErrors) {
  TestEvent event;
  event.head.type = 5;
  JsonFields fields;
  fields.omit = {"input"};
  EXPECT_EQ(line_of(event, fields), "{\"type\":\"CLIENT_QUERY\"}\n");
  fields.omit = {"inptu"};
  const Status status = JsonFormat::check(fields);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("omit: there is no key 'inptu'"), std::string::npos);
  EXPECT_NE(status.error().message.find("retransmissions"), std::string::npos);
}

// A message of 64 KiB whose RRs are pointers to one long name would make lines of twelve megabytes.
TEST(JsonFormat, ALineNeverGrowsOverItsBoundAndSaysWhatWasCut) {
  DnsWire bomb(1, 0x8000);
  const std::string label(63, '\xff');
  bomb.count(0, 1)
      .u8(63)
      .raw(label)
      .u8(63)
      .raw(label)
      .u8(63)
      .raw(label)
      .u8(61)
      .raw(std::string(61, '\xff'))
      .u8(0);
  bomb.u16(1).u16(1);
  for (int i = 0; i < 4'000; ++i) bomb.rr(1, 12, 2, 0, raw("\xc0\x0c"));
  bomb.count(1, 4'000);
  TestEvent event = with_response(bomb);
  event.head.extra = event.put(std::string(3U << 20U, '\x01'));
  const std::string line = line_of(event);
  EXPECT_LE(line.size(), kMaxLineBytes);
  EXPECT_GE(line.size(), kMaxLineBytes / 2);
  EXPECT_NE(line.find("\"cut\":[\"answers\",\"extra\"]"), std::string::npos);
  EXPECT_EQ(line.substr(line.size() - 2), "}\n");
}

}  // namespace
}  // namespace weir
