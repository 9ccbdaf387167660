// What no single key can tell: the rules between the keys of an input or output, and between all of them.
// Called by the reader of the file and for what flags name.
#pragma once

#include <string>
#include <vector>

#include "src/config/config.h"

namespace weir {

struct KeyFault {
  std::string key;      // "listen"; of check_all() "inputs[1].dnstap.listen"
  std::string message;  // what is wrong and the remedy
};

std::vector<KeyFault> check_input(const InputConfig& input);
std::vector<KeyFault> check_output(const OutputConfig& output);
// Each of them, and what is between inputs, outputs and sections. some: flags add to the inputs and outputs,
// so that what is missing is no fault yet.
std::vector<KeyFault> check_all(const Config& config, ConfigPart part);

// Inputs, and outputs, that share a name get a number behind it: "dnstap", "dnstap-2".
void number_names(Config& config);

// "inputs[1].dnstap"
std::string input_path(const Config& config, size_t index);
std::string output_path(const Config& config, size_t index);

}  // namespace weir
