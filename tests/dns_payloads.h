// Every DNS message in tests/data and the corpus: out of dnstap files, by the simplest reading of frames and
// protobuf that finds them, and out of the UDP datagrams of capture files. For differential tests of what
// works on DNS wire data; each message once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/test_data.h"

namespace weir {

struct DnsPayload {
  std::string file;
  std::vector<uint8_t> wire;
};

namespace dns_payloads_detail {

inline uint32_t be32(std::span<const uint8_t> b) {
  return static_cast<uint32_t>(b[0]) << 24U | static_cast<uint32_t>(b[1]) << 16U |
         static_cast<uint32_t>(b[2]) << 8U | b[3];
}

// Calls take(number, bytes) for the length-delimited fields; stops at the first fault.
template <class Take>
void for_fields(std::span<const uint8_t> data, Take take) {
  size_t at = 0;
  const auto varint = [&](uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; at < data.size() && shift < 64; shift += 7) {
      value |= static_cast<uint64_t>(data[at] & 0x7fU) << shift;
      if (data[at++] < 0x80) return true;
    }
    return false;
  };
  uint64_t tag = 0;
  uint64_t len = 0;
  while (at < data.size() && varint(tag)) {
    switch (tag & 7U) {
      case 0:
        if (!varint(len)) return;
        break;
      case 1:
        at += 8;
        break;
      case 2:
        if (!varint(len) || len > data.size() - at) return;
        take(tag >> 3U, data.subspan(at, len));
        at += len;
        break;
      case 5:
        at += 4;
        break;
      default:
        return;
    }
  }
}

template <class Take>
void for_dnstap(std::span<const uint8_t> file, Take take) {
  while (file.size() >= 4) {
    size_t len = be32(file);
    file = file.subspan(4);
    const bool control = len == 0;
    if (control) {
      if (file.size() < 4) return;
      len = be32(file);
      file = file.subspan(4);
    }
    if (len > file.size()) return;
    if (!control) {
      for_fields(file.first(len), [&](uint64_t outer, std::span<const uint8_t> message) {
        if (outer != 14) return;
        for_fields(message, [&](uint64_t inner, std::span<const uint8_t> value) {
          if (inner == 10 || inner == 14) take(value);
        });
      });
    }
    file = file.subspan(len);
  }
}

// Little-endian pcap; any IPv4 or IPv6 header followed by UDP is taken for a datagram wherever it starts in
// the first 64 bytes of a packet, which covers all link types.
template <class Take>
void for_pcap(std::span<const uint8_t> file, Take take) {
  if (file.size() < 24 || (file[0] != 0xd4 && file[0] != 0x4d)) return;
  file = file.subspan(24);
  while (file.size() >= 16) {
    const size_t len = file[8] | static_cast<size_t>(file[9]) << 8U | static_cast<size_t>(file[10]) << 16U;
    if (len > file.size() - 16) return;
    const auto packet = file.subspan(16, len);
    for (size_t at = 0; at < 64 && at + 28 < packet.size(); ++at) {
      const auto ip = packet.subspan(at);
      const bool v4 = ip[0] == 0x45 && ip[9] == 17 && (static_cast<size_t>(ip[2]) << 8U | ip[3]) <= ip.size();
      const bool v6 = ip.size() > 48 && ip[0] >> 4U == 6 && ip[6] == 17 &&
                      (static_cast<size_t>(ip[4]) << 8U | ip[5]) + 40 <= ip.size();
      if (!v4 && !v6) continue;
      const auto udp = ip.subspan(v4 ? 20 : 40);
      const size_t udp_len = static_cast<size_t>(udp[4]) << 8U | udp[5];
      const size_t port = static_cast<size_t>(udp[0]) << 8U | udp[1];
      const size_t to = static_cast<size_t>(udp[2]) << 8U | udp[3];
      if (udp_len < 8 || udp_len > udp.size() || (port != 53 && to != 53)) continue;
      take(udp.subspan(8, udp_len - 8));
      break;
    }
    file = file.subspan(16 + len);
  }
}

}  // namespace dns_payloads_detail

inline std::vector<DnsPayload> dns_payloads(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<DnsPayload> payloads;
  std::set<std::vector<uint8_t>> seen;
  for (const fs::path& path : files) {
    const auto take = [&](std::span<const uint8_t> wire) {
      std::vector<uint8_t> copy(wire.begin(), wire.end());
      if (seen.insert(copy).second) payloads.push_back({fs::relative(path, root).string(), std::move(copy)});
    };
    const std::string kind = path.extension().string();
    if (kind == ".fstrm" || kind == ".raw") dns_payloads_detail::for_dnstap(read_file(path), take);
    if (kind == ".pcap") dns_payloads_detail::for_pcap(read_file(path), take);
  }
  return payloads;
}

// tests/data and, where it is there, the corpus.
inline const std::vector<DnsPayload>& all_dns_payloads() {
  static const std::vector<DnsPayload> all = [] {
    auto payloads = dns_payloads(test_data());
    if (const auto corpus = corpus_dir(); !corpus.empty()) {
      for (auto& payload : dns_payloads(corpus)) payloads.push_back(std::move(payload));
    }
    return payloads;
  }();
  return all;
}

}  // namespace weir
