#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kDirectoryKeys[] = {
    {"path", of_type(KeyType::text), "",
     "The directory. Its files are taken once nobody writes to them, the oldest first; those in directories "
     "below it are not. One that is not there yet is waited for.",
     store<&DirectoryOptions::path>, true},
    {"name", of_type(KeyType::name), "directory", kNameHelp, store<&DirectoryOptions::name>},
    {"pattern", of_type(KeyType::texts),
     "[\"*.fstrm\", \"*.fstrm.gz\", \"*.dnstap\", \"*.dnstap.gz\", \"*.tap\", \"*.tap.gz\", \"*.pcap\", "
     "\"*.pcap.gz\", \"*.pcapng\", \"*.pcapng.gz\", \"*.cap\", \"*.cap.gz\"]",
     "Names of the files to take, as a shell matches them. Hidden ones and those that end in .part or .tmp "
     "are never taken. What a file is, its first bytes tell.",
     store<&DirectoryOptions::pattern>},
    {"after", of_type(KeyType::text), "keep",
     "What is done with a file when its lines are out: `keep` it, `delete` it, or `move:DIR`.",
     store<&DirectoryOptions::after>},
    {"failed", of_type(KeyType::text), "",
     "Where files go that are damaged, cut or of no known kind, with NAME.reason beside them. Without it: "
     "`failed` below `path`; with `after: keep` they stay.",
     store<&DirectoryOptions::failed>},
    {"state", of_type(KeyType::text), ".weir-state",
     "The file that remembers across restarts what is done. Relative paths here, in `after` and in `failed` "
     "are below `path`.",
     store<&DirectoryOptions::state>},
    {"settle", duration(0, kHour), "10s",
     "Where the kernel cannot tell whether somebody still writes to a file, it is taken when it has not "
     "changed for so long.",
     store<&DirectoryOptions::settle_ms>},
    {"quiet", duration(100, kHour), "5s",
     "When there was no file to read for so long, what waits for its query or response is written alone, so "
     "that the files that it came from are done.",
     store<&DirectoryOptions::quiet_ms>},
    {"rescan", duration(100, kHour), "1m",
     "How often the directory is looked at, beside what the kernel tells of it: for file systems that other "
     "machines write to, and for what failed.",
     store<&DirectoryOptions::rescan_ms>},
    {"dns_ports", integers(1, 65'535), "[53]", kPortsHelp,
     store<&DirectoryOptions::packets, &PacketOptions::dns_ports>},
    {"filter", of_type(KeyType::text), "", kFilterHelp,
     store<&DirectoryOptions::packets, &PacketOptions::filter>},
    {"verify_checksums", of_type(KeyType::boolean), "false", kChecksumsHelp,
     store<&DirectoryOptions::packets, &PacketOptions::verify_checksums>},
    {"pair", of_type(KeyType::boolean), "false", kPairHelp, store<&DirectoryOptions::pair>},
    {"frame_limit", bytes(kKiB, 16 * kMiB), "1MiB", "Longer dnstap frames are skipped and counted.",
     store<&DirectoryOptions::frame_limit>},
};

}  // namespace

const ConfigSection kDirectorySection = {"inputs",
                                         "directory",
                                         "dnstap and capture files, as they come into a directory.",
                                         kDirectoryKeys,
                                         add_input<DirectoryOptions>,
                                         nullptr};

Faults check(const DirectoryOptions& directory) {
  Faults faults;
  if (directory.path.empty()) faults.push_back({"path", "is empty; expected a directory"});
  if (directory.pattern.empty())
    faults.push_back({"pattern", "is empty; expected at least one, such as [\"*.pcap\"]"});
  const bool moves = directory.after.starts_with("move:");
  if (directory.after != "keep" && directory.after != "delete" && !moves)
    faults.push_back({"after", "'" + directory.after + "' is not valid; expected keep, delete or move:DIR"});
  if (moves && directory.move_to().empty())
    faults.push_back({"after", "names no directory; expected move:DIR, such as move:done"});
  if (directory.state.empty()) faults.push_back({"state", "is empty; expected a file, such as .weir-state"});
  if (directory.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  return faults;
}

}  // namespace weir
