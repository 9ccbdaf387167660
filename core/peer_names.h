// PeerNames: the names in certificates that peers have shown and that were verified, each with a number that
// fits into a frame. One table for the process, which only grows: as many as kMost, so that what is read
// without a lock stays where it is. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

class PeerNames {
 public:
  static constexpr size_t kMost = 4'096;   // with 0, which is no name
  static constexpr size_t kLongest = 255;  // bytes; longer names are cut

  // 0 for an empty name, and for new ones when the table is full, which is logged once.
  static uint16_t number_of(std::string_view name);
  // Empty for 0 and for numbers that were not given out.
  static std::string_view at(uint16_t number) noexcept;
};

}  // namespace weir
