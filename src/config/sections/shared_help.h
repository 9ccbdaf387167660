// What the help of several sections' keys says alike.
#pragma once

#include <string_view>

namespace weir {

inline constexpr std::string_view kOverflow = "drop|backpressure";  // enum Overflow
inline constexpr std::string_view kNameHelp =
    "What metrics and the line's `input` show. Each input has its own.";

inline constexpr std::string_view kPairHelp =
    "Write a dnstap query and the response to it as one line; see below and `match`.";

inline constexpr std::string_view kTlsKeyHelp =
    "PEM file with its key; without it, the key is in `tls_certificate`.";
inline constexpr std::string_view kTlsCaHelp =
    "PEM file with the authorities that may sign the peer's certificate. To connect, the system's without "
    "it.";
inline constexpr std::string_view kDialCertificateHelp =
    "PEM file with the certificate that Weir shows, and those below it, if the peer asks for one. SIGHUP "
    "reads it, the key and the CA again; connections stay.";
inline constexpr std::string_view kDialCaHelp =
    "PEM file with the authorities that may sign the peer's certificate; without it, the system's.";
inline constexpr std::string_view kDialVerifyHelp =
    "To connect: whether the peer's certificate is checked. Without it anybody in between can read and "
    "forge.";
inline constexpr std::string_view kDialNameHelp =
    "To connect: the name or address that the peer's certificate must be for; without it, the host of the "
    "address.";
inline constexpr std::string_view kPortsHelp =
    "UDP and TCP ports whose packets are DNS, inside VLAN tags and tunnels, too. Multicast DNS is on 5353, "
    "LLMNR on 5355.";
inline constexpr std::string_view kFilterHelp =
    "Only packets that match, in libpcap's syntax (pcap-filter(7)); the others count as `packet_filtered`. A "
    "plain \"port 53\" matches no packet that has a VLAN tag: see [Filters](#filters). Without it, all.";
inline constexpr std::string_view kChecksumsHelp =
    "Reject packets whose IPv4, UDP or TCP checksum is wrong. Hosts that leave checksums to their NIC send "
    "what "
    "looks so in a capture of their own.";
inline constexpr std::string_view kRotateSizeHelp =
    "A file that has got so large is renamed, and a new one begun: see Rotating files in docs/operations.md. "
    "0: never.";
inline constexpr std::string_view kRotateEveryHelp =
    "The same by the clock, in UTC: `1h` at each full hour, `1d` at midnight. Files without a record stay. "
    "0: never.";
inline constexpr std::string_view kOutputNameHelp = "What metrics show. Each output has its own.";

}  // namespace weir
