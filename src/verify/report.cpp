// The report of `weir verify` as text and as JSON.
#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "src/verify/verify.h"

namespace weir {

namespace {

std::string list(const NameCounts& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name.empty() ? "(none)" : name, count);
  }
  return text;
}

nlohmann::ordered_json object(const NameCounts& counts) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

}  // namespace

std::string report_text(const VerifyReport& report) {
  std::string text;
  for (const std::string& sentence : report.unreadable) text += sentence + "\n";
  for (const std::string& example : report.examples) text += example + "\n";
  text += fmt::format("lines      {} ({} bytes)\n", report.lines, report.bytes);
  if (!report.types.empty()) text += fmt::format("types      {}\n", list(report.types));
  if (!report.rcodes.empty()) text += fmt::format("rcodes     {}\n", list(report.rcodes));
  std::string faults;
  for (size_t i = 1; i < report.faults.size(); ++i) {
    if (report.faults[i] != 0)
      faults += fmt::format(" {} {}", to_string(static_cast<LineFault>(i)), report.faults[i]);
  }
  text += fmt::format("faulty     {} lines{}{}, {} files end in a cut line\n", report.faulty_lines(),
                      faults.empty() ? "" : ":", faults, report.cut_lines);
  if (const auto& s = report.sequence; s.lanes != 0) {
    text += fmt::format("sequence   {} in {} lanes, {} missing, {} duplicated\n", s.seen, s.lanes, s.missing,
                        s.duplicates);
  }
  if (const auto& n = report.numbers; n.lines != 0 || n.missing != 0) {
    text += fmt::format("numbers    {} on {} lines, {} lines missing{}, {} duplicated, {} unexpected\n",
                        n.numbers, n.lines, n.missing,
                        n.missing != 0 ? fmt::format(" (first {})", n.first_missing) : "", n.duplicates,
                        n.unexpected);
  }
  text += report.good() ? "good\n" : "NOT good\n";
  return text;
}

std::string report_json(const VerifyReport& report) {
  nlohmann::ordered_json json;
  json["good"] = report.good();
  json["lines"] = report.lines;
  json["bytes"] = report.bytes;
  json["seconds"] = report.seconds;
  json["types"] = object(report.types);
  json["rcodes"] = object(report.rcodes);
  json["faulty_lines"] = report.faulty_lines();
  auto& faults = json["faults"] = nlohmann::ordered_json::object();
  for (size_t i = 1; i < report.faults.size(); ++i) {
    faults[std::string(to_string(static_cast<LineFault>(i)))] = report.faults[i];
  }
  json["cut_lines"] = report.cut_lines;
  json["sequence"] = {{"lanes", report.sequence.lanes},
                      {"seen", report.sequence.seen},
                      {"missing", report.sequence.missing},
                      {"duplicates", report.sequence.duplicates}};
  json["numbers"] = {
      {"lines", report.numbers.lines},           {"seen", report.numbers.numbers},
      {"missing", report.numbers.missing},       {"first_missing", report.numbers.first_missing},
      {"duplicates", report.numbers.duplicates}, {"unexpected", report.numbers.unexpected}};
  json["examples"] = report.examples;
  json["unreadable"] = report.unreadable;
  // An example may hold bytes of a line that is no UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace weir
