// Byte for byte what the formats write, on a machine of little endian; and files that are appended to.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "exporters/capture/pcap_format.h"
#include "exporters/capture/pcapng_format.h"
#include "tests/exporters/capture/packet_record.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

using namespace std::string_literals;

constexpr uint64_t kTime = 0x0102030405060708;  // 72623859 s and 790382856 ns

std::string bytes_of(std::initializer_list<uint32_t> words) {
  std::string text;
  for (const uint32_t word : words)
    for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(word >> shift);
  return text;
}

std::string section() {
  return bytes_of({0x0a0d0d0a, 40, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 4U << 16U | 4U}) + "weir" +
         bytes_of({0, 40});
}
std::string interface(uint32_t link, const std::string& name, uint32_t snap = 1000) {
  const auto len = static_cast<uint32_t>(32 + 4 + name.size());
  return bytes_of({1, len, link, snap, static_cast<uint32_t>(name.size()) << 16U | 2U}) + name +
         bytes_of({1U << 16U | 9U, 9, 0, len});
}

TEST(PcapFormat, HeaderAndRecordsAreThoseOfTheDraft) {
  PcapFormat format(1000);
  EXPECT_EQ(format.opening(), bytes_of({0xa1b23c4d, 0x00040002, 0, 0, 1000, 1}));
  EXPECT_EQ(record_of(format, {.time_ns = kTime, .wire_len = 70, .link = 101}, "abcde"),
            bytes_of({72623859, 790382856, 5, 70}) + "abcde");
  EXPECT_EQ(format.opening(), bytes_of({0xa1b23c4d, 0x00040002, 0, 0, 1000, 101}))
      << "that of the first packet";
  EXPECT_EQ(record_of(format, {.link = 1}, "x"), "");
  EXPECT_EQ(format.why_nothing(), Drop::capture_link_type);
}

TEST(PcapFormat, FindsTheRecordThatAByteLiesIn) {
  PcapFormat format(1000);
  const std::string records = record_of(format, {.link = 1}, "abc") + record_of(format, {.link = 1}, "") +
                              record_of(format, {.link = 1}, "d");
  for (size_t sent = 0; sent < records.size(); ++sent)
    EXPECT_EQ(format.record_start(records, sent), sent < 19 ? 0U : sent < 35 ? 19U : 35U) << sent;
}

TEST(PcapngFormat, BlocksAreThoseOfTheDraft) {
  PcapngFormat format(1000, {"tap1", "tap22345"});
  EXPECT_EQ(format.opening(), section());
  EXPECT_EQ(format.closing(), bytes_of({1, 32, 1, 1000, 1U << 16U | 9U, 9, 0, 32})) << "no packet, no reader";
  EXPECT_EQ(record_of(format, {.time_ns = kTime, .wire_len = 70, .link = 1, .input = 0}, "abcde"),
            bytes_of({6, 40, 0, 0x01020304, 0x05060708, 5, 70}) + "abcde\0\0\0"s + bytes_of({40}));
  EXPECT_EQ(format.opening(), section() + interface(1, "tap1"));
  EXPECT_EQ(format.closing(), "");
  EXPECT_EQ(
      record_of(format, {.time_ns = 7, .link = 101, .input = 1, .refused = Drop::packet_bad_ip}, "abcd"),
      bytes_of({6, 64, 1, 0, 7, 4, 4}) + "abcd" + bytes_of({19U << 16U | 1U}) + "weir: packet_bad_ip\0"s +
          bytes_of({0, 64}));
  EXPECT_EQ(format.opening(), section() + interface(1, "tap1") + interface(101, "tap22345"));
  EXPECT_EQ(record_of(format, {.link = 1, .input = 0}, "").substr(8, 4), bytes_of({0}))
      << "the same interface";
}

TEST(PcapngFormat, InterfacesAreBounded) {
  PcapngFormat format(1000, {"x"});
  for (uint16_t link = 0; link < 256; ++link) EXPECT_NE(record_of(format, {.link = link}, "x"), "");
  EXPECT_EQ(record_of(format, {.link = 256}, "x"), "");
  EXPECT_NE(record_of(format, {.link = 255}, "x"), "");
  EXPECT_NE(record_of(format, {.link = 0}, "x"), "");
}

TEST(PcapngFormat, FindsTheRecordThatAByteLiesIn) {
  PcapngFormat format(1000, {"x"});
  const std::string records = record_of(format, {}, "abc") + record_of(format, {}, "");
  for (size_t sent = 0; sent < records.size(); ++sent)
    EXPECT_EQ(format.record_start(records, sent), sent < 36 ? 0U : 36U) << sent;
}

TEST(PcapngFormat, NoRecordIsLongerThanItSays) {
  PcapngFormat format(65, {"x"});
  for (size_t drop = 0; drop < kDropCount; ++drop)
    EXPECT_LE(record_of(format, {.refused = static_cast<Drop>(drop)}, std::string(65, 'x')).size(),
              format.max_record_bytes());
}

struct Append : testing::Test {
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
  void TearDown() override { spdlog::set_level(spdlog::level::info); }

  // "refused", or what is left in a file of these bytes.
  template <class Format>
  std::string left_of(Format& format, const std::string& bytes) {
    const std::string path = folder.write("file", bytes);
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND);
    const auto result = format.resume(fd, path);
    close(fd);
    resumed = result && *result;
    const std::string left = folder.read("file");
    if (!result) {
      EXPECT_EQ(left, bytes) << "what is refused stays as it is";
    }
    return result ? left : "refused: " + result.error().message;
  }

  TempFolder folder;
  bool resumed = false;
};

TEST_F(Append, PcapGoesOnBehindTheLastWholePacketWithTheFilesLinkType) {
  PcapFormat writer(1000);
  std::string file = record_of(writer, {.link = 101}, "abc") + record_of(writer, {.link = 101}, "de");
  file = std::string(writer.opening()) + file;
  for (const size_t cut : {0, 1, 2, 3, 17, 18}) {
    PcapFormat format(900);
    const size_t kept = cut == 0 ? file.size() : file.size() - 18;
    EXPECT_EQ(left_of(format, file.substr(0, file.size() - cut)), file.substr(0, kept)) << cut;
    EXPECT_TRUE(resumed);
    EXPECT_EQ(record_of(format, {.link = 1}, "x"), "") << "the file's link type";
    EXPECT_NE(record_of(format, {.link = 101}, "x"), "");
  }
}

TEST_F(Append, PcapWithoutAPacketHasNoLinkTypeYet) {
  PcapFormat writer(1000);
  const std::string record = record_of(writer, {.link = 101}, "abc");
  const std::string file = std::string(writer.opening()) + record;
  for (const size_t cut : {record.size(), record.size() - 1, size_t{1}}) {
    PcapFormat format(900);
    EXPECT_EQ(left_of(format, file.substr(0, file.size() - cut)), "") << cut;
    EXPECT_FALSE(resumed);
    EXPECT_NE(record_of(format, {.link = 1}, "x"), "");
  }
}

TEST_F(Append, PcapTakesAPartOfItsHeaderAway) {
  for (size_t len = 1; len < 24; ++len) {
    PcapFormat format(1000);
    EXPECT_EQ(left_of(format, std::string(format.opening().substr(0, len))), "") << len;
    EXPECT_FALSE(resumed);
  }
}

TEST_F(Append, PcapRefusesWhatIsNotItsOwn) {
  PcapFormat format(1000);
  for (const std::string& other :
       {"x"s, "{\"id\":1}\n"s, bytes_of({0xa1b2c3d4, 0x00040002, 0, 0, 1000, 1}),
        bytes_of({0x4d3cb2a1, 0x02000400, 0, 0, 0xe8030000, 0x01000000}),
        bytes_of({0xa1b23c4d, 0x00040002, 0, 0, 999, 1}), section(),
        std::string(format.opening()) + bytes_of({1, 2, 1001, 1001}) + std::string(1001, 'x')})
    EXPECT_TRUE(left_of(format, other).starts_with("refused: '")) << left_of(format, other);
  record_of(format, {.link = 1}, "x");
  EXPECT_NE(left_of(format, bytes_of({0xa1b23c4d, 0x00040002, 0, 0, 1000, 101})).find("another link type"),
            std::string::npos);
}

TEST_F(Append, PcapngGetsASectionBehindTheLastWholeBlock) {
  PcapngFormat writer(1000, {"x"});
  const std::string packet = record_of(writer, {}, "abc");
  const std::string file = std::string(writer.opening()) + packet;
  for (size_t len = 1; len <= file.size(); ++len) {
    PcapngFormat format(1000, {"x"});
    const size_t head = writer.opening().size();
    const size_t kept = len == file.size() ? len : len >= head ? head : len >= 40 ? 40 : 0;
    EXPECT_EQ(left_of(format, file.substr(0, len)), file.substr(0, kept)) << len;
    EXPECT_FALSE(resumed);
  }
}

TEST_F(Append, PcapngRefusesWhatIsNotItsOwn) {
  PcapngFormat format(1000, {"x"});
  std::string damaged = section() + interface(1, "name");
  damaged[damaged.size() - 4] = 1;
  for (const std::string& other :
       {"x"s, "{\"id\":1}\n"s, bytes_of({0x0a0d0d0a, 0x1c000000, 0x4d3c2b1a, 0x00000100, 0, 0, 0x1c000000}),
        interface(1, "name"), damaged, section() + bytes_of({6, 13, 0, 0}),
        section() + bytes_of({6, 8, 0, 0})})
    EXPECT_TRUE(left_of(format, other).starts_with("refused: '")) << left_of(format, other);
}

}  // namespace
}  // namespace weir
