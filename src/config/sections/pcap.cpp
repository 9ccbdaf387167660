#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 9> kPacketKeys = {{
    {"to", target("file:///PATH|\"-\"|\"null:\""), "",
     "A capture file, which is appended to and reopened on SIGHUP; \"-\", standard output; or \"null:\", "
     "which "
     "throws packets away.",
     store<&PcapOptions::delivery, &Delivery::to>, true},
    {"name", of_type(KeyType::name), "pcap", kOutputNameHelp, store<&PcapOptions::name>},
    {"pick", choice("all|rejected|filter"), "all",
     "Which packets: `all` that the inputs' filters let in; those of them that are `rejected` as they come "
     "in, "
     "for a reason of kind `reject` in docs/metrics.md; or those that `filter` matches.",
     store<&PcapOptions::pick>},
    {"filter", of_type(KeyType::text), "",
     "With `pick: filter`: an expression in libpcap's syntax (pcap-filter(7)): see [Filters](#filters).",
     store<&PcapOptions::filter>},
    {"format", choice("pcapng|pcap"), "pcapng",
     "`pcapng` has the inputs' names and any link types; `pcap` is the classic format with nanoseconds, of "
     "one "
     "link type, that of its first packet.",
     store<&PcapOptions::format>},
    {"snap_length", bytes(64, 256 * kKiB), "65535", "Bytes that are kept of a packet.",
     store<&PcapOptions::snap_length>},
    {"flush", duration(1, 60 * kSecond), "1s", "No packet waits longer to be written.",
     store<&PcapOptions::waiting, &Waiting::flush_ms>},
    {"backlog", bytes(64 * kKiB, kGiB), "8MiB", "Bytes that may wait for the file.",
     store<&PcapOptions::waiting, &Waiting::backlog>},
    {"when_full", choice("drop_newest|block"), "block",
     "When the backlog is full: `block` lets inputs that read files wait, and of ports the copies are lost "
     "and "
     "counted; `drop_newest` loses and counts copies of both. The street never waits for copies of ports.",
     store<&PcapOptions::waiting, &Waiting::when_full>},
}};
constexpr auto kTable = join(kPacketKeys, rotate_keys<&PcapOptions::delivery>());

}  // namespace

const ConfigSection kPcapSection = {
    "outputs", "pcap", "Copies of the packets that came in, as evidence.", kTable, add_output<PcapOptions>,
    nullptr};

Faults check(const PcapOptions& pcap) {
  Faults faults;
  check_delivery(pcap.delivery, faults);
  const std::string path = pcap.delivery.to ? pcap.delivery.to->path : "";
  if (path.ends_with(".gz"))
    faults.push_back({"to", "'" + path +
                                "' ends in .gz, but captures are not written compressed; write to '" +
                                path.substr(0, path.size() - 3) + "' and compress it afterwards"});
  const bool filters = pcap.pick == CapturePick::filter;
  if (filters && pcap.filter.empty())
    faults.push_back({"filter", "is needed with pick: filter; write for example filter: \"host 192.0.2.1\""});
  if (!filters && !pcap.filter.empty())
    faults.push_back({"filter", "is only asked with pick: filter; write that, or remove it"});
  return faults;
}

}  // namespace weir
