#include "core/histogram.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Histogram, EachValueIsInTheFirstBucketThatHoldsIt) {
  for (uint64_t ns :
       {0ULL, 1ULL, 1024ULL, 1025ULL, 4096ULL, 4097ULL, 1'000'000ULL, 17'000'000'000ULL, ~0ULL >> 8U}) {
    Histogram histogram;
    histogram.observe(ns, 1);
    unsigned expected = 0;
    while (expected + 1 < Histogram::kBuckets &&
           static_cast<double>(ns) * 1e-9 > Histogram::upper_seconds(expected))
      ++expected;
    for (unsigned i = 0; i < Histogram::kBuckets; ++i)
      EXPECT_EQ(histogram.bucket(i), i == expected ? 1U : 0U) << ns;
  }
}

}  // namespace
}  // namespace weir
