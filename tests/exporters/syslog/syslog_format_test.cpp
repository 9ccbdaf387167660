#include "exporters/syslog/syslog_format.h"

#include <gtest/gtest.h>

#include <regex>

#include "tests/exporters/test_event.h"

namespace weir {
namespace {

struct SyslogFormatTest : testing::Test {
  std::string text(SyslogFraming framing = SyslogFraming::lines) {
    SyslogFormat format(fields, framing, "box",
                        std::make_unique<JsonFormat>(json, std::vector<std::string>{"tap"}, 0));
    TestBatch batch({event});
    std::string out(format.max_record_bytes(), '\0');
    const auto& first = *reinterpret_cast<const Event*>(batch.batch().data);
    out.resize(static_cast<size_t>(format.write(first, 0, out.data()) - out.data()));
    return out;
  }

  SyslogFields fields;
  JsonFields json = [] {
    JsonFields only;
    only.fields = {"input"};
    return only;
  }();
  TestEvent event = [] {
    TestEvent made;
    made.head.has_response_time = true;
    made.head.response_time_ns = 1'764'553'083'004'005'999;  // 2025-12-01T01:38:03
    return made;
  }();
};

TEST_F(SyslogFormatTest, Rfc5424) {
  const std::string line = text();
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex("<134>1 2025-12-01T01:38:03\\.004005Z box weir [0-9]+ dns - \\{\"input\":\"tap\"\\}\n")))
      << line;
}

TEST_F(SyslogFormatTest, Rfc3164HasASpaceBeforeASingleDigit) {
  fields.protocol = SyslogProtocol::rfc3164;
  fields.facility = 3;
  fields.severity = 0;
  fields.app_name = "dns";
  const std::string line = text();
  EXPECT_TRUE(std::regex_match(line, std::regex("<24>Dec  1 01:38:03 box dns\\[[0-9]+\\]: \\{.*\\}\n")))
      << line;
}

TEST_F(SyslogFormatTest, OctetsAreThoseOfTheMessageWithoutLineFeed) {
  const std::string line = text();
  const std::string counted = text(SyslogFraming::octets);
  EXPECT_EQ(counted, std::to_string(line.size() - 1) + " " + line.substr(0, line.size() - 1));
}

TEST_F(SyslogFormatTest, ALongMessageIsRefused) {
  const size_t len = text().size() - 1;
  fields.max_message = static_cast<uint32_t>(len);
  EXPECT_EQ(text().size(), len + 1);
  fields.max_message = static_cast<uint32_t>(len - 1);
  EXPECT_EQ(text(), "");
  EXPECT_EQ(text(SyslogFraming::octets), "");
}

TEST_F(SyslogFormatTest, WithoutATimeItIsNow) {
  event.head.has_response_time = false;
  EXPECT_TRUE(std::regex_search(text(), std::regex("^<134>1 20[2-9][0-9]-")));
}

TEST(SyslogHostname, HasNothingThatEndsAField) {
  EXPECT_EQ(syslog_hostname("a b\n\xc3\xa4"
                            "c"),
            "abc");
  EXPECT_FALSE(syslog_hostname("").empty());
}

}  // namespace
}  // namespace weir
