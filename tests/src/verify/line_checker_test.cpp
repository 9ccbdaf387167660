#include "src/verify/line_checker.h"

#include <gtest/gtest.h>

#include "src/verify/line_reader.h"
#include "tests/exporters/json/json_schema.h"

namespace weir {
namespace {

// What is wrong with the line: "wrong_value: answers[0].ttl"; nothing if it is sound.
std::string fault_of(const std::string& line, bool partial = false) {
  LineChecker checker(partial);
  const std::string padded = line + "\n" + std::string(LineBlock::kPadding, 'x');
  const LineFault fault = checker.check(std::string_view(padded).substr(0, line.size()));
  return fault == LineFault::none ? "" : std::string(to_string(fault)) + ": " + checker.detail();
}

std::string line_with(const std::string& members) { return R"({"type":"QUERY",)" + members + "}"; }

struct Faulty {
  const char* members;
  const char* said;
  bool by_schema = true;  // docs/schema.json says so, too
};

constexpr const char* kTime = R"("time":"2026-11-21T02:12:00.123456789Z")";

const Faulty kRecordFaults[] = {
    {R"("answers":[])", "wrong_value: answers"},
    {R"("answers":{})", "wrong_type: answers"},
    {R"("answers":[{}])", "missing_key: answers[0].name"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","data":"192.0.2.1"}])",
     "missing_key: answers[0].ttl"},
    {R"("authority":[{"name":"x.","type":"A","class":"IN","ttl":1}])", "missing_key: authority[0].data"},
    {R"("answers":[{"name":7,"type":"A","class":"IN","ttl":1,"data":""}])", "wrong_type: answers[0].name"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","ttl":1,"data":7}])", "wrong_type: answers[0].data"},
    {R"("answers":[{"name":"x.","type":1,"class":"IN","ttl":1,"data":""}])", "wrong_type: answers[0].type"},
    {R"("answers":[{"name":"x.","type":"a","class":"IN","ttl":1,"data":""}])",
     "wrong_value: answers[0].type"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","ttl":1099511627776,"data":""}])",
     "wrong_value: answers[0].ttl"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","ttl":"1","data":""}])",
     "wrong_type: answers[0].ttl"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","ttl":1,"data":"","data":""}])",
     "repeated_key: answers[0].data"},
    {R"("additional":[{"name":"x.","type":"A","class":"IN","ttl":1,"data":""},{"name":"x"}])",
     "wrong_value: additional[1].name"},
    {R"("answers":[{"name":"x.","type":"A","class":"IN","ttl":1,"data":"","age":1}])",
     "unknown_key: answers[0].age"},
};

const Faulty kEdnsFaults[] = {
    {R"("edns":{})", "missing_key: edns.version"},
    {R"("edns":true)", "wrong_type: edns"},
    {R"("edns":{"version":0,"udp_size":1232})", "missing_key: edns.do"},
    {R"("edns":{"version":0,"udp_size":1232,"do":"yes"})", "wrong_type: edns.do"},
    {R"("edns":{"version":256,"udp_size":1232,"do":true})", "wrong_value: edns.version"},
    {R"("edns":{"version":0,"udp_size":65536,"do":true})", "wrong_value: edns.udp_size"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"colour":"blue"})", "unknown_key: edns.colour"},
    {R"("edns":{"version":0,"version":0,"udp_size":1232,"do":true})", "repeated_key: edns.version"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"ecs":"192.0.2.0"})", "wrong_value: edns.ecs"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"ecs":"192.0.2.0/33/0"})", "wrong_value: edns.ecs",
     false},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"cookie":"0123"})", "wrong_value: edns.cookie"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"ede":[{"name":"Blocked"}]})",
     "missing_key: edns.ede[0].code"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"ede":[{"code":15,"name":"Lost"}]})",
     "wrong_value: edns.ede[0].name", false},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"options":[{"code":9,"data":"0g"}]})",
     "wrong_value: edns.options[0].data"},
    {R"("edns":{"version":0,"udp_size":1232,"do":true,"options":[{"code":65536,"data":""}]})",
     "wrong_value: edns.options[0].code"},
};

const Faulty kValueFaults[] = {
    {R"("id":70000)", "wrong_value: id"},
    {R"("id":"7")", "wrong_type: id"},
    {R"("id":null)", "wrong_type: id"},
    {R"("id":7.5)", "wrong_type: id"},
    {R"("client_port":4294967296)", "wrong_value: client_port"},
    {R"("rcode":0)", "wrong_type: rcode"},
    {R"("rcode":"NONSENSE")", "wrong_value: rcode", false},
    {R"("rcode":"RCODE3")", "wrong_value: rcode"},
    {R"("rcode":"RCODE4096")", "wrong_value: rcode", false},
    {R"("opcode":"OPCODE16")", "wrong_value: opcode"},
    {R"("qname":"example","qclass":"IN")", "wrong_value: qname"},
    {R"("qname":"example\\.")", "wrong_value: qname"},
    {R"("qclass":"CLASS1")", "wrong_value: qclass", false},
    {R"("qtype":1)", "wrong_type: qtype"},
    {R"("qtype":"TYPE65536")", "wrong_value: qtype", false},
    {R"("family":1)", "wrong_value: family"},
    {R"("family":"IPX")", "wrong_value: family"},
    {R"("transport":2147483648)", "wrong_value: transport"},
    {R"("http_protocol":"HTTP4")", "wrong_value: http_protocol"},
    {R"("flags":["zz"])", "wrong_value: flags"},
    {R"("flags":["rd","rd"])", "wrong_value: flags"},
    {R"("flags":["rd","qr"])", "wrong_value: flags", false},
    {R"("flags":[1])", "wrong_type: flags"},
    {R"("malformed":"none")", "wrong_value: malformed"},
    {R"("malformed":"broken")", "wrong_value: malformed"},
    {R"("cut":[])", "wrong_value: cut"},
    {R"("cut":["qname"])", "wrong_value: cut"},
    {R"("client_ip":"hello")", "wrong_value: client_ip"},
    {R"("client_ip":"192.0.2.256")", "wrong_value: client_ip"},
    {R"("server_ip":"2001:db8:0:0:0:0:0:1")", "wrong_value: server_ip", false},
    {R"("peer":"2001:db8::1")", "wrong_value: peer"},
    {R"("policy":{})", "wrong_value: policy"},
    {R"("policy":{"action":1})", "wrong_value: policy.action"},
    {R"("policy":{"match":"NOTHING"})", "wrong_value: policy.match"},
    {R"("policy":{"type":1})", "wrong_type: policy.type"},
    {R"("policy":{"kind":"RPZ"})", "unknown_key: policy.kind"},
    {R"("retransmissions":0)", "wrong_value: retransmissions"},
    {R"("vlan":[])", "wrong_value: vlan"},
    {R"("vlan":[4096])", "wrong_value: vlan"},
    {R"("vlan":[1,2,3,4,5])", "wrong_value: vlan", false},
    {R"("vlan":["1"])", "wrong_type: vlan"},
    {R"("vlan":7)", "wrong_type: vlan"},
    {R"("tunnel":"")", "wrong_value: tunnel"},
    {R"("outer_src_ip":"here")", "wrong_value: outer_src_ip"},
    {R"("latency_ns":9223372036854775808)", "wrong_type: latency_ns", false},
    {R"("time":"2026-99-99T99:99:99.123456789Z")", "wrong_value: time"},
    {R"("time":"2026-02-29T02:12:00.123456789Z")", "wrong_value: time", false},
    {R"("time":"2026-11-21T02:12:00Z")", "wrong_value: time"},
    {R"("time":1795227120)", "wrong_type: time"},
};

const Faulty kKeyFaults[] = {
    {R"("colour":"blue")", "unknown_key: colour"},
    {R"("id":1,"id":1)", "repeated_key: id"},
    {R"("seq":0)", "missing_key: lane", false},
    {R"("lane":0)", "missing_key: seq", false},
    {R"("query_time":"2026-11-21T02:12:00.123456789Z")", "missing_key: time", false},
    {R"("extra":"\x")", "not_json: Problem while parsing a string"},
};

template <size_t N>
void expect_found(const Faulty (&faults)[N]) {
  simdjson::dom::parser parser;
  JsonSchema schema;
  for (const Faulty& faulty : faults) {
    const std::string line = line_with(faulty.members);
    EXPECT_EQ(fault_of(line), faulty.said) << line;
    simdjson::dom::element value;
    const bool refused = parser.parse(line).get(value) != simdjson::SUCCESS || !schema.fault(value).empty();
    if (faulty.by_schema) {
      EXPECT_TRUE(refused) << line;
    }
  }
}

TEST(LineChecker, FindsFaultsOfRecords) { expect_found(kRecordFaults); }
TEST(LineChecker, FindsFaultsOfEdns) { expect_found(kEdnsFaults); }
TEST(LineChecker, FindsFaultsOfValues) { expect_found(kValueFaults); }
TEST(LineChecker, FindsFaultsOfKeys) { expect_found(kKeyFaults); }

TEST(LineChecker, FindsATypeThatIsNone) {
  EXPECT_EQ(fault_of(R"({"type":"NONSENSE"})"), "wrong_value: type");
  EXPECT_EQ(fault_of(R"({"type":6})"), "wrong_value: type");  // CLIENT_RESPONSE
  EXPECT_EQ(fault_of(R"({"type":true})"), "wrong_type: type");
}

TEST(LineChecker, TakesNumbersThatHaveNoName) {
  for (const char* type : {"0", "15", "-1", "2147483647"}) {
    EXPECT_EQ(fault_of(std::string(R"({"type":)") + type + "}"), "");
  }
  EXPECT_EQ(fault_of(line_with(R"("family":3,"transport":0,"policy":{"action":7})")), "");
  EXPECT_EQ(fault_of(line_with(R"("opcode":"OPCODE3","rcode":"RCODE24","qtype":"TYPE4711")")), "");
}

TEST(LineChecker, KeepsWhatTheLedgersNeed) {
  LineChecker checker(false);
  const std::string line =
      R"({"type": 15 ,"rcode": "NXDOMAIN" ,"qname":"n0000000007.\"\\\\.","seq":18446744073709551615,"lane":3})";
  const std::string padded = line + std::string(LineBlock::kPadding, 'x');
  ASSERT_EQ(checker.check(std::string_view(padded).substr(0, line.size())), LineFault::none)
      << checker.detail();
  EXPECT_EQ(checker.type(), "15");
  EXPECT_EQ(checker.rcode(), "NXDOMAIN");
  EXPECT_EQ(checker.qname(), R"(n0000000007."\\.)");
  EXPECT_EQ(checker.seq(), UINT64_MAX);
  EXPECT_EQ(checker.lane(), 3U);
}

// A text that was taken once is not taken where it may not stand.
TEST(LineChecker, RemembersATextByItsRule) {
  EXPECT_EQ(fault_of(line_with(R"("opcode":"QUERY","rcode":"QUERY")")), "wrong_value: rcode");
  EXPECT_EQ(fault_of(line_with(R"("rcode":"NOERROR","opcode":"NOERROR")")), "wrong_value: opcode");
  EXPECT_EQ(fault_of(line_with(R"("opcode":"QUERY","policy":{"action":"QUERY"})")),
            "wrong_value: policy.action");
  EXPECT_EQ(fault_of(line_with(R"("qtype":"A","answers":[{"name":"x.","type":"A\u0000"}])")),
            "wrong_value: answers[0].type");
}

TEST(LineChecker, RequiresNoKeyOfPartialLines) {
  for (const char* line :
       {"{}", R"({"seq":1})", R"({"lane":1})", R"({"response_time":"2026-11-21T02:12:00.123456789Z"})"})
    EXPECT_EQ(fault_of(line, true), "") << line;
  EXPECT_EQ(fault_of(R"({"edns":{}})", true), "missing_key: edns.version");
  EXPECT_EQ(fault_of("{}"), "missing_key: type");
}

TEST(LineChecker, RefusesWhatIsNoObjectOfJson) {
  const std::string good = line_with(kTime);
  EXPECT_EQ(fault_of(good), "");
  EXPECT_EQ(fault_of(" " + good + " "), "");
  for (const std::string& line :
       {std::string(), std::string("7"), std::string("[]"), good + "}", good + "{}",
        good.substr(0, good.size() - 1), line_with(R"("extra":"a)"), line_with(R"("extra":"a" "b")"),
        line_with("\"extra\":\"\x01\""), line_with("\"extra\":\"\xff\""), line_with(R"("id":1,)")})
    EXPECT_TRUE(fault_of(line).starts_with("not_json: ")) << line << " " << fault_of(line);
}

}  // namespace
}  // namespace weir
