#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kStatsdKeys[] = {
    {"to", target("udp://HOST:PORT"), "", "The statsd server.", store<&StatsdOptions::to>, true},
    {"name", of_type(KeyType::name), "statsd", kOutputNameHelp, store<&StatsdOptions::name>},
    {"interval", duration(100, kHour), "10s",
     "How often counters are sent, as differences since the last time.", store<&StatsdOptions::interval_ms>},
    {"prefix", of_type(KeyType::name), "weir", "First part of every name.", store<&StatsdOptions::prefix>},
    {"max_datagram", integer(128, 65'507), "1432",
     "Bytes of lines a datagram: 1432 fits Ethernet, 8932 jumbo frames.",
     store<&StatsdOptions::max_datagram>},
};

}  // namespace

const ConfigSection kStatsdSection = {
    "outputs", "statsd", "Counters for statsd, docs/statsd.md.", kStatsdKeys, add_output<StatsdOptions>,
    nullptr};

Faults check(const StatsdOptions& /*statsd*/) { return {}; }

}  // namespace weir
