#include "src/verify/number_ledger.h"

#include <algorithm>
#include <bit>

#include "src/generate/traffic.h"

namespace weir {

std::optional<uint64_t> generated_number(std::string_view qname) noexcept {
  if (qname.size() < kNumberDigits + 2 || qname[kNumberDigits + 1] != '.') return std::nullopt;
  if (qname[0] != 'n' && qname[0] != 'N') return std::nullopt;
  uint64_t number = 0;
  for (const char c : qname.substr(1, kNumberDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

NumberLedger::NumberLedger(uint64_t expected, unsigned per_number)
    : expected_(expected), per_number_(per_number), types_(std::min(expected, kLimit)) {}

void NumberLedger::add(uint64_t number, size_t type) {
  ++lines_;
  if (number >= (expected_ != 0 ? expected_ : kLimit)) {
    ++unexpected_;
    return;
  }
  if (number >= types_.size()) types_.resize(std::max<size_t>(number + 1, 2 * types_.size()));
  const uint32_t bit = 1U << (type & 31U);
  if ((types_[number] & bit) != 0) ++duplicates_;
  types_[number] |= bit;
}

NumberLedger::Totals NumberLedger::totals() const {
  Totals totals{.lines = lines_, .duplicates = duplicates_, .unexpected = unexpected_};
  for (uint64_t number = 0; number < types_.size(); ++number) {
    const auto seen = static_cast<unsigned>(std::popcount(types_[number]));
    totals.numbers += seen != 0 ? 1 : 0;
    if (expected_ == 0 || seen >= per_number_) continue;
    if (totals.missing == 0) totals.first_missing = number;
    totals.missing += per_number_ - seen;
  }
  return totals;
}

}  // namespace weir
