// The sections of the configuration, one file each for inputs and outputs, with what is checked between the
// keys of one.
#pragma once

#include <vector>

#include "src/config/config_check.h"
#include "src/config/config_keys.h"

namespace weir {

using Faults = std::vector<KeyFault>;

extern const ConfigSection kDnstapInputSection;
extern const ConfigSection kMirrorSection;
extern const ConfigSection kFileSection;
extern const ConfigSection kDirectorySection;

extern const ConfigSection kJsonSection;
extern const ConfigSection kDnstapOutputSection;
extern const ConfigSection kKafkaSection;
extern const ConfigSection kPcapSection;
extern const ConfigSection kStatsdSection;
extern const ConfigSection kSyslogSection;

extern const ConfigSection kLcoresSection;
extern const ConfigSection kMetricsSection;
extern const ConfigSection kMatchSection;
extern const ConfigSection kReassemblySection;
extern const ConfigSection kRingsSection;
extern const ConfigSection kEalSection;
extern const ConfigSection kLogSection;
extern const ConfigSection kTopSection;

Faults check(const DnstapInputOptions& dnstap);
Faults check(const MirrorOptions& mirror);
Faults check(const FileOptions& file);
Faults check(const DirectoryOptions& directory);

Faults check(const JsonOptions& json);
Faults check(const DnstapOptions& dnstap);
Faults check(const KafkaOptions& kafka);
Faults check(const PcapOptions& pcap);
Faults check(const StatsdOptions& statsd);
Faults check(const SyslogOptions& syslog);

}  // namespace weir
