#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kFileKeys[] = {
    {"paths", of_type(KeyType::texts), "",
     "dnstap Frame Streams, pcap or pcapng files, told apart by their first bytes, gzip or not, read one "
     "after the "
     "other; \"-\" is standard input. Relative paths are taken from the working directory.",
     store<&FileOptions::paths>, true},
    {"name", of_type(KeyType::name), "file", kNameHelp, store<&FileOptions::name>},
    {"dns_ports", integers(1, 65'535), "[53]", kPortsHelp,
     store<&FileOptions::packets, &PacketOptions::dns_ports>},
    {"filter", of_type(KeyType::text), "", kFilterHelp, store<&FileOptions::packets, &PacketOptions::filter>},
    {"verify_checksums", of_type(KeyType::boolean), "false", kChecksumsHelp,
     store<&FileOptions::packets, &PacketOptions::verify_checksums>},
    {"pair", of_type(KeyType::boolean), "false", kPairHelp, store<&FileOptions::pair>},
    {"frame_limit", bytes(kKiB, 16 * kMiB), "1MiB", "Longer dnstap frames are skipped and counted.",
     store<&FileOptions::frame_limit>},
};

}  // namespace

const ConfigSection kFileSection = {
    "inputs",
    "file",
    "dnstap and capture files. Weir ends when every input is a file and all are read.",
    kFileKeys,
    add_input<FileOptions>,
    nullptr};

Faults check(const FileOptions& file) {
  Faults faults;
  if (file.paths.empty()) faults.push_back({"paths", "is empty; expected at least one file"});
  if (file.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  if (std::count(file.paths.begin(), file.paths.end(), "-") > 1)
    faults.push_back({"paths", "standard input (\"-\") is named twice; keep one of them"});
  return faults;
}

}  // namespace weir
