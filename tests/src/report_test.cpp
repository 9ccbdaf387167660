#include "src/report.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::vector<BalanceLine> street() {
  return {{"ingest", {.in = 10, .out = 8, .drops = 2, .in_flight = 0}},
          {"rings ingest→decode", {.in = 8, .out = 8, .drops = 0, .in_flight = 0}},
          {"decode", {.in = 8, .out = 7, .drops = 1, .in_flight = 0}},
          {"rings decode→export", {.in = 7, .out = 7, .drops = 0, .in_flight = 0}},
          {"export", {.in = 7, .out = 7, .drops = 0, .in_flight = 0}},
          {"output json", {.in = 7, .out = 6, .drops = 1, .in_flight = 0}},
          {"output statsd", {.in = 7, .out = 7, .drops = 0, .in_flight = 0}}};
}

TEST(Report, AnEvenStreetIsEven) { EXPECT_TRUE(balance_is_even(street())); }

TEST(Report, AMissingUnitAnywhereIsNoticed) {
  for (size_t i = 0; i < street().size(); ++i) {
    auto lines = street();
    lines[i].balance.out -= 1;
    EXPECT_FALSE(balance_is_even(lines)) << lines[i].name;
    lines = street();
    lines[i].balance.in += 1;
    lines[i].balance.drops += 1;  // even in itself, but more than the stage before handed on
    EXPECT_EQ(balance_is_even(lines), i == 0) << lines[i].name;
    lines = street();
    lines[i].balance.out -= 1;
    lines[i].balance.in_flight += 1;
    EXPECT_FALSE(balance_is_even(lines)) << lines[i].name;
  }
}

}  // namespace
}  // namespace weir
