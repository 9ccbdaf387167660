// What the tables of keys are written with: rules for values, and where a value goes. Included by
// src/config/sections only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "src/config/config_keys.h"

namespace weir {

inline constexpr uint64_t kKiB = 1U << 10U;
inline constexpr uint64_t kMiB = 1U << 20U;
inline constexpr uint64_t kGiB = 1U << 30U;
inline constexpr uint64_t kSecond = 1'000;
inline constexpr uint64_t kHour = 3'600 * kSecond;

template <class Section, class Field>
Section section_of(Field Section::*);

template <class Field>
void assign(Field& field, const KeyValue& value) {
  if constexpr (std::is_enum_v<Field> || std::is_integral_v<Field>) {
    field = static_cast<Field>(value.number);
  } else if constexpr (std::is_same_v<Field, std::string>) {
    field = value.text;
  } else if constexpr (std::is_same_v<Field, Target> || std::is_same_v<Field, std::optional<Target>>) {
    field = value.target;
  } else if constexpr (std::is_same_v<Field, std::vector<std::string>>) {
    field = value.texts;
  } else if constexpr (std::is_same_v<Field, std::vector<Target>>) {
    field = value.targets;
  } else {
    field.clear();
    for (uint64_t number : value.numbers) field.push_back(static_cast<typename Field::value_type>(number));
  }
}

// Stores into section.First, or section.First.Rest for a struct within.
template <auto First, auto... Rest>
void store(void* section, const KeyValue& value) {
  auto& field = static_cast<decltype(section_of(First))*>(section)->*First;
  if constexpr (sizeof...(Rest) == 0) {
    assign(field, value);
  } else {
    store<Rest...>(&field, value);
  }
}

constexpr KeyRule integer(uint64_t least, uint64_t most) {
  return {KeyType::integer, least, most, {}, false};
}
constexpr KeyRule integer_or_auto(uint64_t least, uint64_t most) {
  return {KeyType::integer, least, most, {}, true};
}
constexpr KeyRule bytes(uint64_t least, uint64_t most) { return {KeyType::bytes, least, most, {}, false}; }
constexpr KeyRule duration(uint64_t least, uint64_t most) {
  return {KeyType::duration, least, most, {}, false};
}
constexpr KeyRule choice(std::string_view choices) { return {KeyType::choice, 0, 0, choices, false}; }
constexpr KeyRule target(std::string_view schemes) { return {KeyType::target, 0, 0, schemes, false}; }
constexpr KeyRule of_type(KeyType type) { return {type, 0, 0, {}, false}; }
constexpr KeyRule integers(uint64_t least, uint64_t most) {
  return {KeyType::integers, least, most, {}, false};
}

template <class Options>
void* add_input(Config& config) {
  return &std::get<Options>(config.inputs.emplace_back(Options{}));
}
template <class Options>
void* add_output(Config& config) {
  return &std::get<Options>(config.outputs.emplace_back(Options{}));
}

inline bool has(GivenKeys given, std::string_view key) {
  return std::find(given.begin(), given.end(), key) != given.end();
}

// One table of the keys of several, in their order.
template <size_t... Sizes>
constexpr auto join(const std::array<ConfigKey, Sizes>&... tables) {
  std::array<ConfigKey, (Sizes + ...)> all{};
  size_t at = 0;
  const auto add = [&](const auto& table) {
    for (const ConfigKey& key : table) all[at++] = key;
  };
  (add(tables), ...);
  return all;
}

}  // namespace weir
