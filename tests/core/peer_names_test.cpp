#include "core/peer_names.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

namespace weir {
namespace {

// The table is the process's: no other test may need room in it.
TEST(PeerNames, AFullTableLeavesNewNamesOutAndSaysSoOnce) {
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  const uint16_t first = PeerNames::number_of("0.test");
  for (size_t n = 1; n < PeerNames::kMost - 1; ++n)
    EXPECT_NE(PeerNames::number_of(std::to_string(n) + ".test"), 0);
  EXPECT_EQ(said.str(), "");
  EXPECT_EQ(PeerNames::number_of("late.test"), 0);
  EXPECT_EQ(PeerNames::number_of("later.test"), 0);
  spdlog::set_default_logger(before);
  EXPECT_EQ(PeerNames::number_of("0.test"), first);
  EXPECT_EQ(PeerNames::at(first), "0.test");
  const std::string line = said.str();
  EXPECT_NE(line.find("4095 names"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "more than once: " << line;
}

}  // namespace
}  // namespace weir
