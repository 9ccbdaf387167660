#include "src/plan/eal_args.h"

#include <array>
#include <string_view>

namespace weir {
namespace {

struct Owned {
  char letter;            // 0: it has only a long name
  std::string_view name;  // empty: it has only a letter
  std::string_view remedy;
};

constexpr std::string_view kLcores = "set lcores.ingest, decode, export and cpus";
constexpr std::string_view kMemory = "set eal.memory";
constexpr std::string_view kHugepages = "set eal.hugepages";
// 22.11's names.
constexpr std::array kOwned = {
    Owned{'c', "", kLcores},
    Owned{'h', "help", "weir --help tells what Weir takes"},
    Owned{0, "in-memory", kHugepages},
    Owned{'l', "", kLcores},
    Owned{0, "lcores", kLcores},
    Owned{'m', "", kMemory},
    Owned{0, "legacy-mem", kHugepages},
    Owned{0, "main-lcore", "it is the control thread's, 0"},
    Owned{0, "no-huge", kHugepages},
    Owned{0, "no-shconf", "Weir gives it where it is needed"},
    Owned{0, "proc-type", "Weir shares its ports with no other process"},
    Owned{'s', "", kLcores},
    Owned{'S', "", kLcores},
    Owned{0, "socket-mem", kMemory},
    Owned{'v', "version", "weir --version and the log tell it"},
};

// As getopt_long() reads it: letters stand together, and the beginning of a long name is enough.
bool names(std::string_view arg, const Owned& owned) {
  if (arg.size() < 2 || arg[0] != '-') return false;
  if (arg[1] != '-') return arg[1] == owned.letter;
  const std::string_view name = arg.substr(2, arg.find('=') - 2);
  return !name.empty() && owned.name.starts_with(name);
}

}  // namespace

Status check_eal_args(const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i)
    for (const Owned& owned : kOwned)
      if (names(args[i], owned)) {
        const std::string word = args[i].substr(0, args[i].starts_with("--") ? args[i].find('=') : 2);
        return Error{"eal.args[" + std::to_string(i) + "]: " + word +
                     " is Weir's own; leave it out: " + std::string(owned.remedy)};
      }
  return Ok{};
}

}  // namespace weir
