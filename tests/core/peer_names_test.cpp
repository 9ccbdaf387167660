#include "core/peer_names.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

namespace weir {
namespace {

const std::string kLongestName(PeerNames::kLongest, 'n');

// There is one table for the process, and it is full in the end: what the tests ask for is in it before.
class PeerNamesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const std::string& name : {std::string("one.example"), std::string("two.example"), kLongestName})
      PeerNames::number_of(name);
  }
};

TEST_F(PeerNamesTest, GivesEachNameOneNumber) {
  const uint16_t one = PeerNames::number_of("one.example");
  const uint16_t two = PeerNames::number_of("two.example");
  EXPECT_NE(one, 0);
  EXPECT_NE(two, 0);
  EXPECT_NE(one, two);
  EXPECT_EQ(PeerNames::number_of("one.example"), one);
  EXPECT_EQ(PeerNames::at(one), "one.example");
  EXPECT_EQ(PeerNames::at(two), "two.example");
}

TEST_F(PeerNamesTest, ZeroIsNoName) {
  EXPECT_EQ(PeerNames::number_of(""), 0);
  EXPECT_EQ(PeerNames::at(0), "");
}

TEST_F(PeerNamesTest, NumbersThatWereNotGivenOutAreNoName) {
  EXPECT_EQ(PeerNames::at(PeerNames::kMost), "");
  EXPECT_EQ(PeerNames::at(UINT16_MAX), "");
}

TEST_F(PeerNamesTest, CutsLongNames) {
  const uint16_t number = PeerNames::number_of(kLongestName);
  EXPECT_EQ(PeerNames::at(number), kLongestName);
  EXPECT_EQ(PeerNames::number_of(kLongestName + "more"), number);
}

// Whoever has a number may read its name while others add theirs, to the last one and past it.
TEST_F(PeerNamesTest, IsReadWhileItFillsUpAndSaysOnceThatItIsFull) {
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  const uint16_t one = PeerNames::number_of("one.example");
  std::atomic<bool> done{false};
  std::thread reader([&] {
    for (size_t number = 0; !done.load(); number = (number + 1) % (PeerNames::kMost + 2)) {
      EXPECT_LE(PeerNames::at(static_cast<uint16_t>(number)).size(), PeerNames::kLongest);
      EXPECT_EQ(PeerNames::at(one), "one.example");
    }
  });
  size_t refused = 0;
  for (size_t i = 0; i < PeerNames::kMost + 100; ++i) {
    const std::string name = "peer-" + std::to_string(i) + ".example";
    const uint16_t number = PeerNames::number_of(name);
    ASSERT_LT(number, PeerNames::kMost);
    refused += number == 0;
    ASSERT_EQ(PeerNames::at(number), number == 0 ? "" : name);
  }
  done = true;
  reader.join();
  EXPECT_GE(refused, 100U);
  EXPECT_EQ(PeerNames::number_of("one.more.example"), 0);
  spdlog::set_default_logger(before);
  const std::string line = said.str();
  EXPECT_NE(line.find("4095 names"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "more than once: " << line;
  EXPECT_EQ(PeerNames::number_of("one.example"), one);
  EXPECT_EQ(PeerNames::at(PeerNames::kMost), "");
}

}  // namespace
}  // namespace weir
