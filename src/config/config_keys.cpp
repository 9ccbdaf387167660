#include "src/config/config_keys.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <type_traits>

namespace weir {
namespace {

constexpr uint64_t kKiB = 1U << 10U;
constexpr uint64_t kMiB = 1U << 20U;
constexpr uint64_t kGiB = 1U << 30U;
constexpr uint64_t kSecond = 1'000;
constexpr uint64_t kHour = 3'600 * kSecond;

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

constexpr std::string_view kOverflow = "drop|backpressure";  // enum Overflow
constexpr std::string_view kNameHelp = "What metrics and the line's `input` show. Each input has its own.";

constexpr std::string_view kPairHelp =
    "Write a dnstap query and the response to it as one line; see below and `match`.";

constexpr std::string_view kTlsKeyHelp =
    "PEM file with its key; without it, the key is in `tls_certificate`.";
constexpr std::string_view kTlsCaHelp =
    "PEM file with the authorities that may sign the peer's certificate. To connect, the system's without "
    "it.";
constexpr std::string_view kDialCertificateHelp =
    "PEM file with the certificate that Weir shows, and those below it, if the peer asks for one. SIGHUP "
    "reads it, the key and the CA again; connections stay.";
constexpr std::string_view kDialCaHelp =
    "PEM file with the authorities that may sign the peer's certificate; without it, the system's.";
constexpr std::string_view kDialVerifyHelp =
    "To connect: whether the peer's certificate is checked. Without it anybody in between can read and "
    "forge.";
constexpr std::string_view kDialNameHelp =
    "To connect: the name or address that the peer's certificate must be for; without it, the host of the "
    "address.";

constexpr ConfigKey kDnstapKeys[] = {
    {"listen", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "Where senders connect. Only this machine reaches 127.0.0.1; write an address of a network to open it "
     "to that network, 0.0.0.0 or [::] for all. Either this or `connect`.",
     store<&DnstapInputOptions::listen>},
    {"connect", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "A sender that listens, such as CoreDNS with `dnstap listen`: Weir connects, again and again with "
     "growing pauses of up to 30 s. Either this or `listen`.",
     store<&DnstapInputOptions::connect>},
    {"name", of_type(KeyType::name), "dnstap", kNameHelp, store<&DnstapInputOptions::name>},
    {"overflow", choice(kOverflow), "backpressure",
     "When decode lcores are behind: `backpressure` stops reading, so that TCP slows the sender; `drop` "
     "counts the "
     "frame and goes on.",
     store<&DnstapInputOptions::overflow>},
    {"pair", of_type(KeyType::boolean), "false", kPairHelp, store<&DnstapInputOptions::pair>},
    {"frame_limit", bytes(kKiB, 16 * kMiB), "1MiB",
     "Longer frames are skipped and counted; the connection lives on.",
     store<&DnstapInputOptions::frame_limit>},
    {"max_connections", integer(1, 65'536), "4096", "More are closed at once and counted.",
     store<&DnstapInputOptions::max_connections>, false, "listen"},
    {"max_connections_per_address", integer(0, 65'536), "0",
     "More from one address are closed at once and counted. 0: no such limit.",
     store<&DnstapInputOptions::max_connections_per_address>, false, "listen"},
    {"allow", of_type(KeyType::texts), "[]",
     "Who may connect: addresses and prefixes, such as 192.0.2.0/24; [] is everybody. Others are closed at "
     "once and counted.",
     store<&DnstapInputOptions::allow>, false, "listen"},
    {"deny", of_type(KeyType::texts), "[]", "Who may not connect, whatever `allow` says.",
     store<&DnstapInputOptions::deny>, false, "listen"},
    {"rate_limit", bytes(0, kGiB), "0",
     "Bytes a second that are read from one connection; a sender that has more to say is slowed, and that is "
     "counted. 0: no limit.",
     store<&DnstapInputOptions::rate_limit>},
    {"handshake_timeout", duration(100, kHour), "5s",
     "From accept to READY, from there to START, and from STOP to the end or the next of them.",
     store<&DnstapInputOptions::handshake_timeout_ms>},
    {"idle_timeout", duration(0, 24 * kHour), "0",
     "A connection without a byte for so long is closed. 0: never; quiet servers send nothing for hours.",
     store<&DnstapInputOptions::idle_timeout_ms>},
    {"read_buffer", bytes(4 * kKiB, 4 * kMiB), "256KiB", "Bytes asked for by one read.",
     store<&DnstapInputOptions::read_buffer>},
    {"connection_metrics", integer(0, 1'000), "0",
     "So many connections, an ingest lcore, have metrics of their own, with the peer and the name in its "
     "certificate as labels. 0: none.",
     store<&DnstapInputOptions::connection_metrics>},
    {"socket_mode",
     {KeyType::octal, 0, 0777, {}, false},
     "0660",
     "File mode of a UNIX socket.",
     store<&DnstapInputOptions::socket_mode>,
     false,
     "listen"},
    {"socket_owner", of_type(KeyType::text), "",
     "USER or USER:GROUP of a UNIX socket; without it, those of the process.",
     store<&DnstapInputOptions::socket_owner>, false, "listen"},
    {"tls_certificate", of_type(KeyType::text), "",
     "PEM file with the certificate that Weir shows, and those below it. Needed to listen on tls://; to "
     "connect, if the sender asks for one. SIGHUP reads it, the key and the CA again; connections stay.",
     store<&DnstapInputOptions::tls, &TlsOptions::certificate>},
    {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp, store<&DnstapInputOptions::tls, &TlsOptions::key>},
    {"tls_ca", of_type(KeyType::text), "", kTlsCaHelp, store<&DnstapInputOptions::tls, &TlsOptions::ca>},
    {"tls_clients", choice("none|optional|required|auto"), "auto",
     "Whether senders that connect must show a certificate that `tls_ca` signed. `optional`: none, or a good "
     "one. auto: `required` with `tls_ca`, else `none`.",
     store<&DnstapInputOptions::tls, &TlsOptions::clients>, false, "listen"},
    {"tls_verify", of_type(KeyType::boolean), "true",
     "To connect: whether the sender's certificate is checked. Without it anybody in between can read and "
     "forge.",
     store<&DnstapInputOptions::tls, &TlsOptions::verify>, false, "connect"},
    {"tls_name", of_type(KeyType::text), "",
     "To connect: the name or address that the sender's certificate must be for; without it, the host of "
     "`connect`.",
     store<&DnstapInputOptions::tls, &TlsOptions::name>, false, "connect"},
};

constexpr std::string_view kPortsHelp =
    "UDP and TCP ports whose packets are DNS, inside VLAN tags and tunnels, too. Multicast DNS is on 5353, "
    "LLMNR on 5355.";
constexpr std::string_view kFilterHelp =
    "Only packets that match, in libpcap's syntax (pcap-filter(7)); the others count as `packet_filtered`. A "
    "plain \"port 53\" matches no packet that has a VLAN tag: see [Filters](#filters). Without it, all.";
constexpr std::string_view kChecksumsHelp =
    "Reject packets whose IPv4, UDP or TCP checksum is wrong. Hosts that leave checksums to their NIC send "
    "what "
    "looks so in a capture of their own.";

constexpr ConfigKey kMirrorKeys[] = {
    {"port", of_type(KeyType::text), "",
     "PCI address (`0000:3b:00.0`) of a NIC that is bound to a DPDK driver, or a DPDK vdev "
     "(`net_pcap0,rx_pcap=/x.pcap`). Either this or `interface`.",
     store<&MirrorOptions::port>},
    {"interface", of_type(KeyType::text), "",
     "Interface whose packets the kernel copies to Weir (AF_PACKET; needs CAP_NET_RAW). Either this or "
     "`port`.",
     store<&MirrorOptions::interface>},
    {"name", of_type(KeyType::name), "mirror", kNameHelp, store<&MirrorOptions::name>},
    {"queues", integer(1, 1024), "1", "Receive queues; they are spread over the ingest lcores.",
     store<&MirrorOptions::queues>},
    {"mbufs", integer(256, 4'194'304), "8192", "Packet buffers a queue, 2.3 KiB each.",
     store<&MirrorOptions::mbufs>},
    {"rx_descriptors", integer(32, 32'768), "1024", "Packets that the NIC may hold for Weir, a queue.",
     store<&MirrorOptions::rx_descriptors>, false, "port"},
    {"mtu", integer(0, 65'535), "0",
     "Longest payload of an Ethernet frame that a port of DPDK's takes: tunnels (ERSPAN, VXLAN) and jumbo "
     "frames "
     "need more than the usual 1500, and what is too long is lost as nic_error. 0: as the driver has it.",
     store<&MirrorOptions::mtu>, false, "port"},
    {"timestamps", of_type(KeyType::boolean), "true",
     "Packets' times are those that the NIC puts on them, where it does; else, and with false, of the burst "
     "that "
     "they were read in.",
     store<&MirrorOptions::timestamps>, false, "port"},
    {"dns_ports", integers(1, 65'535), "[53]", kPortsHelp,
     store<&MirrorOptions::packets, &PacketOptions::dns_ports>},
    {"filter", of_type(KeyType::text), "", kFilterHelp,
     store<&MirrorOptions::packets, &PacketOptions::filter>},
    {"verify_checksums", of_type(KeyType::boolean), "false", kChecksumsHelp,
     store<&MirrorOptions::packets, &PacketOptions::verify_checksums>},
    {"overflow", choice(kOverflow), "drop",
     "When decode lcores are behind: `drop` counts the packet and goes on; `backpressure` leaves packets to "
     "the "
     "NIC or kernel, which drop when their own buffers are full.",
     store<&MirrorOptions::overflow>},
};

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

constexpr std::string_view kRotateSizeHelp =
    "A file that has got so large is renamed, and a new one begun: see Rotating files in docs/operations.md. "
    "0: never.";
constexpr std::string_view kRotateEveryHelp =
    "The same by the clock, in UTC: `1h` at each full hour, `1d` at midnight. Files without a record stay. "
    "0: never.";

constexpr ConfigKey kJsonKeys[] = {
    {"to", target("file:///PATH|\"-\"|tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH|\"null:\""), "",
     "A file, which is appended to and reopened on SIGHUP; \"-\", standard output; a peer that is connected "
     "to, over TCP, TLS or a UNIX socket; or \"null:\", which throws lines away.",
     store<&JsonOptions::to>, true},
    {"name", of_type(KeyType::name), "json", "What metrics show. Each output has its own.",
     store<&JsonOptions::name>},
    {"fields", of_type(KeyType::texts), "[]", "Only these keys of the line, see docs/schema.json; [] is all.",
     store<&JsonOptions::json, &JsonFields::fields>},
    {"omit", of_type(KeyType::texts), "[]", "Not these keys of the line.",
     store<&JsonOptions::json, &JsonFields::omit>},
    {"authority", of_type(KeyType::boolean), "false", "Write the authority section.",
     store<&JsonOptions::json, &JsonFields::authority>},
    {"additional", of_type(KeyType::boolean), "false", "Write the additional section, without OPT and TSIG.",
     store<&JsonOptions::json, &JsonFields::additional>},
    {"sequence", of_type(KeyType::boolean), "false",
     "Number the lines: `seq` counts from 0 within `lane`, the export lcore; `weir verify` finds gaps by "
     "them.",
     store<&JsonOptions::json, &JsonFields::sequence>},
    {"stream", of_type(KeyType::boolean), "false",
     "Write on which dnstap connection a message came: `connection`, `connection_seq`, `peer_pid`, "
     "`peer_uid`, "
     "`peer_name`.",
     store<&JsonOptions::json, &JsonFields::stream>},
    {"flush", duration(1, 60 * kSecond), "1s", "No line waits longer to be written.",
     store<&JsonOptions::flush_ms>},
    {"backlog", bytes(64 * kKiB, kGiB), "8MiB", "Bytes that may wait for the destination, an export lcore.",
     store<&JsonOptions::backlog>},
    {"when_full",
     {KeyType::choice, 0, 0, "drop_newest|block", true},
     "auto",
     "When the backlog is full: `drop_newest` counts the event and goes on; `block` waits, and the inputs' "
     "`overflow` decides. auto: `drop_newest` for a peer, else `block`.",
     store<&JsonOptions::when_full>},
    {"rotate_size", bytes(0, 1024 * kGiB), "0", kRotateSizeHelp,
     store<&JsonOptions::rotate, &FileRotation::bytes>},
    {"rotate_every", duration(0, 31 * 24 * kHour), "0", kRotateEveryHelp,
     store<&JsonOptions::rotate, &FileRotation::every_ms>},
    {"tls_certificate", of_type(KeyType::text), "", kDialCertificateHelp,
     store<&JsonOptions::tls, &TlsOptions::certificate>},
    {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp, store<&JsonOptions::tls, &TlsOptions::key>},
    {"tls_ca", of_type(KeyType::text), "", kDialCaHelp, store<&JsonOptions::tls, &TlsOptions::ca>},
    {"tls_verify", of_type(KeyType::boolean), "true", kDialVerifyHelp,
     store<&JsonOptions::tls, &TlsOptions::verify>},
    {"tls_name", of_type(KeyType::text), "", kDialNameHelp, store<&JsonOptions::tls, &TlsOptions::name>},
};

constexpr ConfigKey kDnstapOutputKeys[] = {
    {"to", target("file:///PATH|tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH|\"null:\""), "",
     "A Frame Streams file, which is appended to and reopened on SIGHUP; a receiver that is connected to, "
     "over TCP, TLS or a UNIX socket; or \"null:\", which throws frames away. Either this or `listen`.",
     store<&DnstapOptions::to>},
    {"listen", target("tcp://HOST:PORT|tls://HOST:PORT|unix:///PATH"), "",
     "Where receivers connect, each of which is sent all frames. Only this machine reaches 127.0.0.1. Either "
     "this or `to`.",
     store<&DnstapOptions::listen>},
    {"name", of_type(KeyType::name), "dnstap", "What metrics show. Each output has its own.",
     store<&DnstapOptions::name>},
    {"as", choice("client|auth"), "client",
     "What messages made from mirrored traffic are: `client`, CLIENT_QUERY and CLIENT_RESPONSE, as from a "
     "resolver; "
     "`auth`, AUTH_QUERY and AUTH_RESPONSE, as from an authoritative server.",
     store<&DnstapOptions::dnstap, &DnstapFields::as>},
    {"identity", of_type(KeyType::text), "",
     "Written in place of the frame's identity; a template, see below. Without it, the field stays as it "
     "came.",
     store<&DnstapOptions::dnstap, &DnstapFields::identity>},
    {"version", of_type(KeyType::text), "", "The same for the frame's version.",
     store<&DnstapOptions::dnstap, &DnstapFields::version>},
    {"extra", of_type(KeyType::text), "", "The same for the frame's extra.",
     store<&DnstapOptions::dnstap, &DnstapFields::extra>},
    {"flush", duration(1, 60 * kSecond), "1s", "No frame waits longer to be written.",
     store<&DnstapOptions::flush_ms>},
    {"backlog", bytes(64 * kKiB, kGiB), "8MiB", "Bytes that may wait for the destination, an export lcore.",
     store<&DnstapOptions::backlog>},
    {"when_full",
     {KeyType::choice, 0, 0, "drop_newest|block", true},
     "auto",
     "When the backlog of `to` is full: `drop_newest` counts the event and goes on; `block` waits, and the "
     "inputs' `overflow` decides. auto: `drop_newest` for a receiver, else `block`.",
     store<&DnstapOptions::when_full>,
     false,
     "to"},
    {"rotate_size", bytes(0, 1024 * kGiB), "0", kRotateSizeHelp,
     store<&DnstapOptions::rotate, &FileRotation::bytes>},
    {"rotate_every", duration(0, 31 * 24 * kHour), "0", kRotateEveryHelp,
     store<&DnstapOptions::rotate, &FileRotation::every_ms>},
    {"max_receivers", integer(1, 4'096), "64", "With `listen`: more are closed at once and counted.",
     store<&DnstapOptions::max_receivers>, false, "listen"},
    {"stall_timeout", duration(100, kHour), "10s",
     "With `listen`: a receiver that takes nothing for so long, though frames wait for it, is closed.",
     store<&DnstapOptions::stall_timeout_ms>, false, "listen"},
    {"socket_mode",
     {KeyType::octal, 0, 0777, {}, false},
     "0660",
     "With `listen`: file mode of a UNIX socket.",
     store<&DnstapOptions::socket_mode>,
     false,
     "listen"},
    {"socket_owner", of_type(KeyType::text), "",
     "With `listen`: USER or USER:GROUP of a UNIX socket; without it, those of the process.",
     store<&DnstapOptions::socket_owner>, false, "listen"},
    {"tls_certificate", of_type(KeyType::text), "",
     "PEM file with the certificate that Weir shows, and those below it. Needed to listen on tls://; to "
     "connect, if the receiver asks for one. SIGHUP reads it, the key and the CA again; connections stay.",
     store<&DnstapOptions::tls, &TlsOptions::certificate>},
    {"tls_key", of_type(KeyType::text), "", kTlsKeyHelp, store<&DnstapOptions::tls, &TlsOptions::key>},
    {"tls_ca", of_type(KeyType::text), "", kTlsCaHelp, store<&DnstapOptions::tls, &TlsOptions::ca>},
    {"tls_clients", choice("none|optional|required|auto"), "auto",
     "With `listen`: whether receivers must show a certificate that `tls_ca` signed. `optional`: none, or a "
     "good one. auto: `required` with `tls_ca`, else `none`.",
     store<&DnstapOptions::tls, &TlsOptions::clients>, false, "listen"},
    {"tls_verify", of_type(KeyType::boolean), "true", kDialVerifyHelp,
     store<&DnstapOptions::tls, &TlsOptions::verify>, false, "to"},
    {"tls_name", of_type(KeyType::text), "", kDialNameHelp, store<&DnstapOptions::tls, &TlsOptions::name>,
     false, "to"},
};

constexpr ConfigKey kPcapKeys[] = {
    {"to", target("file:///PATH|\"-\"|\"null:\""), "",
     "A capture file, which is appended to and reopened on SIGHUP; \"-\", standard output; or \"null:\", "
     "which "
     "throws packets away.",
     store<&PcapOptions::to>, true},
    {"name", of_type(KeyType::name), "pcap", "What metrics show. Each output has its own.",
     store<&PcapOptions::name>},
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
     store<&PcapOptions::flush_ms>},
    {"backlog", bytes(64 * kKiB, kGiB), "8MiB", "Bytes that may wait for the file.",
     store<&PcapOptions::backlog>},
    {"when_full", choice("drop_newest|block"), "block",
     "When the backlog is full: `block` lets inputs that read files wait, and of ports the copies are lost "
     "and "
     "counted; `drop_newest` loses and counts copies of both. The street never waits for copies of ports.",
     store<&PcapOptions::when_full>},
    {"rotate_size", bytes(0, 1024 * kGiB), "0", kRotateSizeHelp,
     store<&PcapOptions::rotate, &FileRotation::bytes>},
    {"rotate_every", duration(0, 31 * 24 * kHour), "0", kRotateEveryHelp,
     store<&PcapOptions::rotate, &FileRotation::every_ms>},
};

constexpr ConfigKey kStatsdKeys[] = {
    {"to", target("udp://HOST:PORT"), "", "The statsd server.", store<&StatsdOptions::to>, true},
    {"name", of_type(KeyType::name), "statsd", "What metrics show. Each output has its own.",
     store<&StatsdOptions::name>},
    {"interval", duration(100, kHour), "10s",
     "How often counters are sent, as differences since the last time.", store<&StatsdOptions::interval_ms>},
    {"prefix", of_type(KeyType::name), "weir", "First part of every name.", store<&StatsdOptions::prefix>},
    {"max_datagram", integer(128, 65'507), "1432",
     "Bytes of lines a datagram: 1432 fits Ethernet, 8932 jumbo frames.",
     store<&StatsdOptions::max_datagram>},
};

constexpr ConfigKey kTopKeys[] = {
    {"drain_timeout", duration(0, kHour), "10s",
     "After SIGTERM or SIGINT, how long rings and outputs may take to empty; after the end of all inputs, "
     "how "
     "long an output that is down may take nothing. What is left then is counted as dropped.",
     store<&Config::drain_timeout_ms>},
};

constexpr ConfigKey kLcoreKeys[] = {
    {"ingest", integer_or_auto(1, 64), "auto", "Lcores that poll ports, sockets and files.",
     store<&LcoreConfig::ingest>},
    {"decode", integer_or_auto(1, 64), "auto", "Lcores that decode; each owns one shard of the flows.",
     store<&LcoreConfig::decode>},
    {"export", integer_or_auto(1, 64), "auto", "Lcores that write; at most as many as `decode`.",
     store<&LcoreConfig::export_>},
    {"share", choice("auto|on|off"), "auto",
     "Whether ingest *n*, decode *n* and export *n* run on one lcore, in turn. auto: if the process has "
     "fewer than "
     "three CPUs, none of the numbers above and no CPUs are given, and no input is a port, which must be "
     "polled in time.",
     store<&LcoreConfig::share>},
    {"idle", choice("auto|spin|adaptive"), "auto",
     "What an lcore without work does: `spin` polls for ever; `adaptive` pauses, then sleeps up to 10 ms, "
     "with a port or an interface among the inputs 2 ms. "
     "auto: `spin` if every lcore has a CPU of its own in `cpus` that is isolated from the scheduler.",
     store<&LcoreConfig::idle>},
    {"cpus", integers(0, 1023), "[]",
     "CPUs to pin the lcores to, in the order ingest, decode, export; [] lets them float over all.",
     store<&LcoreConfig::cpus>},
};

constexpr ConfigKey kMetricsKeys[] = {
    {"listen", of_type(KeyType::host_port), "",
     "Where Prometheus finds /metrics, and probes /healthz and /readyz. Without it nothing listens.",
     store<&MetricsConfig::listen>, true},
};

constexpr ConfigKey kMatchKeys[] = {
    {"timeout", duration(10, kHour), "5s",
     "A query without its response is written alone (as QUERY; dnstap: as it is) after this.",
     store<&DecodeOptions::match_timeout_ms>},
    {"reorder", duration(0, 10 * kSecond), "100ms",
     "A response waits so long for a query that comes after it, then it is written alone (as RESPONSE; "
     "dnstap: as it is).",
     store<&DecodeOptions::reorder_ms>},
    {"table_entries", integer(256, 16'777'216), "65536",
     "Queries that may wait for their response, a decode lcore; more evict the oldest. Packets and dnstap "
     "have a table each.",
     store<&DecodeOptions::table_entries>},
    {"whole_transfers", of_type(KeyType::boolean), "false",
     "Packets: a zone transfer over TCP (AXFR, IXFR) is one line, with the records of its first response "
     "and, in "
     "`transfer`, how much came. Without it each further response is a line of its own (RESPONSE).",
     store<&DecodeOptions::whole_transfers>},
};

// Of each queue of a port, and of each file.
constexpr ConfigKey kReassemblyKeys[] = {
    {"datagrams", integer(16, 1'048'576), "2048",
     "IP datagrams that may wait for their fragments, of each queue and each file; one more gives up the "
     "oldest.",
     store<&ReassemblyOptions::datagrams>},
    {"fragment_memory", bytes(128 * kKiB, kGiB), "4MiB", "The most that their fragments may take.",
     store<&ReassemblyOptions::fragment_memory>},
    {"fragment_timeout", duration(100, 10 * 60 * kSecond), "10s",
     "A datagram whose fragments have not all come after this is given up.",
     store<&ReassemblyOptions::fragment_timeout_ms>},
    {"streams", integer(16, 16'777'216), "16384",
     "TCP connections that may be open, of each queue and each file; one more gives up the one that was "
     "silent "
     "longest, those first that never carried data.",
     store<&ReassemblyOptions::streams>},
    {"memory", bytes(512 * kKiB, 64 * kGiB), "16MiB",
     "The most that segments and unfinished messages of all of them may take.",
     store<&ReassemblyOptions::memory>},
    {"stream_memory", bytes(128 * kKiB, 16 * kMiB), "256KiB",
     "The most of one direction of a connection. What then still lacks its beginning is given up.",
     store<&ReassemblyOptions::stream_memory>},
    {"gap_timeout", duration(1, kHour), "2s", "Bytes that were not captured are waited for so long.",
     store<&ReassemblyOptions::gap_timeout_ms>},
    {"idle_timeout", duration(kSecond, 24 * kHour), "2m",
     "A connection without a segment for so long is over.", store<&ReassemblyOptions::idle_timeout_ms>},
};

constexpr ConfigKey kRingKeys[] = {
    {"depth", integer(1, 4'096), "16", "Batches that may wait between two lcores.",
     store<&RingConfig::depth>},
    {"batch_bytes", bytes(4 * kKiB, 4 * kMiB), "64KiB", "Size of a batch of frames or events.",
     store<&RingConfig::batch_bytes>},
    {"large_batches", integer(1, 4'096), "16",
     "How many frames over `batch_bytes` an ingest or decode lcore may hold at once.",
     store<&RingConfig::large_batches>},
};

constexpr ConfigKey kEalKeys[] = {
    {"hugepages", choice("auto|on|off"), "auto", "auto: if enough of them are free.",
     store<&EalConfig::hugepages>},
    {"memory",
     {KeyType::bytes, 16 * kMiB, 1024 * kGiB, {}, true},
     "auto",
     "EAL's memory, for packet buffers. auto: from the ports.",
     store<&EalConfig::memory>},
    {"args", of_type(KeyType::texts), "[]", "Arguments that are passed on to EAL, after Weir's own.",
     store<&EalConfig::args>},
};

constexpr ConfigKey kLogKeys[] = {
    {"level", choice("debug|info|warning|error|off"), "info",
     "The program's own messages, on standard error.", store<&Config::log_level>},
};

template <class Options>
void* add_input(Config& config) {
  return &std::get<Options>(config.inputs.emplace_back(Options{}));
}
template <class Options>
void* add_output(Config& config) {
  return &std::get<Options>(config.outputs.emplace_back(Options{}));
}
template <auto Field>
void* part(Config& config) {
  return &(config.*Field);
}
void* whole(Config& config) { return &config; }

bool has(GivenKeys given, std::string_view key) {
  return std::find(given.begin(), given.end(), key) != given.end();
}

bool may_be_away(const Target& to) {
  return to.scheme == Target::Scheme::tcp || to.scheme == Target::Scheme::tls ||
         to.scheme == Target::Scheme::unix_stream;
}

// A peer that is away for an hour must not stop the street; a full disk is told, and the inputs wait.
void complete_json(void* section, GivenKeys given) {
  auto* json = static_cast<JsonOptions*>(section);
  if (has(given, "when_full")) return;
  json->when_full = may_be_away(json->to) ? WhenFull::drop_newest : WhenFull::block;
}

void complete_dnstap_output(void* section, GivenKeys given) {
  auto* dnstap = static_cast<DnstapOptions*>(section);
  if (has(given, "when_full")) return;
  dnstap->when_full = !dnstap->to || may_be_away(*dnstap->to) ? WhenFull::drop_newest : WhenFull::block;
}

constexpr ConfigSection kSections[] = {
    {"inputs", "dnstap", "dnstap streams from DNS servers.", kDnstapKeys, add_input<DnstapInputOptions>,
     nullptr},
    {"inputs", "mirror", "Packets from a switch or tap.", kMirrorKeys, add_input<MirrorOptions>, nullptr},
    {"inputs", "file", "dnstap and capture files. Weir ends when every input is a file and all are read.",
     kFileKeys, add_input<FileOptions>, nullptr},
    {"inputs", "directory", "dnstap and capture files, as they come into a directory.", kDirectoryKeys,
     add_input<DirectoryOptions>, nullptr},
    {"outputs", "json", "JSON lines, docs/schema.json.", kJsonKeys, add_output<JsonOptions>, complete_json},
    {"outputs", "dnstap", "dnstap frames, as a Frame Streams writer.", kDnstapOutputKeys,
     add_output<DnstapOptions>, complete_dnstap_output},
    {"outputs", "pcap", "Copies of the packets that came in, as evidence.", kPcapKeys,
     add_output<PcapOptions>, nullptr},
    {"outputs", "statsd", "Counters for statsd, docs/statsd.md.", kStatsdKeys, add_output<StatsdOptions>,
     nullptr},
    {"", "lcores", "How many lcores do what, and where.", kLcoreKeys, part<&Config::lcores>, nullptr},
    {"", "metrics", "Prometheus, docs/metrics.md.", kMetricsKeys, part<&Config::metrics>, nullptr},
    {"", "match",
     "Queries and responses of mirrored packets and capture files, and of dnstap with `pair: true`.",
     kMatchKeys, part<&Config::match>, nullptr},
    {"", "reassembly",
     "How IP fragments and TCP streams of mirrored packets and capture files are put together.",
     kReassemblyKeys, part<&Config::reassembly>, nullptr},
    {"", "rings", "The hand-off between lcores.", kRingKeys, part<&Config::rings>, nullptr},
    {"", "eal", "DPDK's environment.", kEalKeys, part<&Config::eal>, nullptr},
    {"", "log", "Weir's own messages.", kLogKeys, whole, nullptr},
    {"", "", "Keys of no section.", kTopKeys, whole, nullptr},
};

}  // namespace

std::span<const ConfigSection> config_sections() { return kSections; }

const ConfigSection* find_section(std::string_view list, std::string_view name) {
  for (const ConfigSection& section : kSections)
    if (section.list == list && section.name == name) return &section;
  return nullptr;
}

const ConfigKey* find_key(const ConfigSection& section, std::string_view name) {
  for (const ConfigKey& key : section.keys)
    if (key.name == name) return &key;
  return nullptr;
}

std::string section_path(const ConfigSection& section) {
  if (section.list.empty()) return std::string(section.name);
  return std::string(section.list) + "[]." + std::string(section.name);
}

}  // namespace weir
