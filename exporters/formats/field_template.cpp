#include "exporters/formats/field_template.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace weir {
namespace {

// In the order of Place, from identity on.
constexpr std::array<std::string_view, 5> kPlaces = {"identity", "version", "extra", "input", "peer"};

}  // namespace

Result<std::vector<FieldTemplate::Part>> FieldTemplate::parse(std::string_view text) {
  std::vector<Part> parts;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    if (open != 0) parts.push_back({Place::text, std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    const size_t close = text.find('}');
    const std::string_view name = text.substr(1, std::min(close, text.size()) - 1);
    const auto* at = std::find(kPlaces.begin(), kPlaces.end(), name);
    if (close == std::string_view::npos || at == kPlaces.end())
      return Error{"'" + std::string(text.substr(0, std::min(close, text.size() - 1) + 1)) +
                   "' is no place; expected {identity}, {version}, {extra}, {input} or {peer}"};
    parts.push_back({static_cast<Place>(1 + std::distance(kPlaces.begin(), at)), {}});
    text.remove_prefix(close + 1);
  }
  return parts;
}

Status FieldTemplate::check(std::string_view text) {
  auto parts = parse(text);
  if (!parts) return parts.error();
  return Ok{};
}

FieldTemplate::FieldTemplate(std::string_view text) {
  if (auto parts = parse(text)) parts_ = std::move(*parts);
}

void FieldTemplate::expand(const FieldValues& values, std::string& value) const {
  value.clear();
  for (const Part& part : parts_) {
    switch (part.place) {
      case Place::text:
        value += part.text;
        break;
      case Place::identity:
        value += values.identity;
        break;
      case Place::version:
        value += values.version;
        break;
      case Place::extra:
        value += values.extra;
        break;
      case Place::input:
        value += values.input;
        break;
      case Place::peer:
        if (values.peer.addr.present()) value += to_string(values.peer);
        break;
    }
    if (value.size() > kMaxBytes) value.resize(kMaxBytes);
  }
}

}  // namespace weir
