// NumberLedger: which transactions of a numbered load (`weir generate --numbered`) have been seen, and by
// lines of which types. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir {

// The number in a QNAME "n0000004711.…"; nothing where there is none.
std::optional<uint64_t> generated_number(std::string_view qname) noexcept;

class NumberLedger {
 public:
  // Without `expected` (0) numbers up to this are kept account of.
  static constexpr uint64_t kLimit = uint64_t{1} << 28U;

  // expected: the load's transactions, 0 … expected-1. per_number: lines of different types that each must
  // have.
  NumberLedger(uint64_t expected, unsigned per_number);

  // type: a small number for the line's type, the same for the same type.
  void add(uint64_t number, size_t type);

  struct Totals {
    uint64_t lines = 0;    // with a number
    uint64_t numbers = 0;  // different ones
    uint64_t missing = 0;  // lines, with `expected`
    uint64_t first_missing = 0;
    uint64_t duplicates = 0;  // a number a second time by a line of the same type
    uint64_t unexpected = 0;  // numbers that the load did not have
  };
  [[nodiscard]] Totals totals() const;

 private:
  uint64_t expected_;
  unsigned per_number_;
  std::vector<uint32_t> types_;  // by number, a bit a type
  uint64_t lines_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t unexpected_ = 0;
};

}  // namespace weir
