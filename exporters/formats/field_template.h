// FieldTemplate: a text with places for what a frame says: {identity} {version} {extra} {input} {peer}.
// What it lacks is left out. Read once, expanded for each frame on an export lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "core/result.h"

namespace weir {

// What of a frame goes into the places.
struct FieldValues {
  std::string_view identity;
  std::string_view version;
  std::string_view extra;
  std::string_view input;  // the name of the event's input
  Endpoint peer;
};

class FieldTemplate {
 public:
  // No value is longer; the rest is cut off.
  static constexpr size_t kMaxBytes = 64U << 10U;

  // A clause when a place is not known or not closed.
  static Status check(std::string_view text);
  // Precondition: check(text).
  explicit FieldTemplate(std::string_view text);

  // Nothing was told: the field stays as it is.
  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  void expand(const FieldValues& values, std::string& value) const;

 private:
  enum class Place : uint8_t { text, identity, version, extra, input, peer };
  struct Part {
    Place place;
    std::string text;
  };
  static Result<std::vector<Part>> parse(std::string_view text);

  std::vector<Part> parts_;
};

}  // namespace weir
