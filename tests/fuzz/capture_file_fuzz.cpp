// Capture files given whole against the same in pieces, and against libpcap as long as both find the file
// sound. Input: the file; its last two bytes also choose the pieces. Aborts on a difference.
#include <pcap/pcap.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/capture/capture_parser.h"
#include "tests/fuzz/check.h"

namespace {

using weir::CaptureParser;
using weir::CaptureStep;
using Bytes = std::span<const uint8_t>;
using Kind = CaptureStep::Kind;

using weir::check;

struct Seen {
  uint64_t time_ns;
  uint32_t wire_len;
  uint16_t link;
  std::string bytes;
  bool operator==(const Seen&) const = default;
};

struct Result {
  std::vector<Seen> packets;
  size_t sound = 0;  // packets before the first damage
  size_t damaged = 0;
  bool cut = false;
  bool refused = false;
  bool operator==(const Result&) const = default;
};

// piece 0: the whole file is the window from the start.
Result parse(Bytes file, size_t piece) {
  Result result;
  const auto parser = weir::make_capture_parser(file);
  if (parser == nullptr) return result;
  size_t begin = 0;
  size_t end = piece == 0 ? file.size() : std::min(piece, file.size());
  std::vector<uint8_t> read(file.begin(), file.begin() + static_cast<long>(end));
  for (size_t idle = 0; idle < 4;) {
    const Bytes window = Bytes(read).subspan(begin);
    const bool at_end = end == file.size();
    const CaptureStep step = parser->next(window, at_end);
    if (step.kind == Kind::need) {
      check(!at_end && step.bytes > window.size() && step.bytes <= CaptureParser::kMaxWindow);
      end = std::min(file.size(), std::max(begin + step.bytes, end + piece));
      // Exactly what was read, so that a look past it is seen.
      read = std::vector<uint8_t>(file.begin(), file.begin() + static_cast<long>(end));
      continue;
    }
    check(step.bytes <= window.size());
    idle = step.bytes == 0 ? idle + 1 : 0;
    begin += step.bytes;
    switch (step.kind) {
      case Kind::packet: {
        const auto& packet = step.packet;
        check(packet.bytes.data() >= window.data() &&
              packet.bytes.data() + packet.bytes.size() <= window.data() + window.size());
        check(packet.wire_len >= packet.bytes.size() && step.bytes > 0);
        result.packets.push_back({step.time_ns,
                                  packet.wire_len,
                                  static_cast<uint16_t>(packet.link),
                                  {packet.bytes.begin(), packet.bytes.end()}});
        if (result.damaged == 0) ++result.sound;
        break;
      }
      case Kind::damaged:
        ++result.damaged;
        break;
      case Kind::cut:
        result.cut = true;
        break;
      case Kind::refused:
        check(!parser->refusal().empty());
        result.refused = true;
        return result;
      case Kind::end:
        check(begin == file.size());
        return result;
      default:
        break;
    }
  }
  std::abort();  // goes nowhere
}

// libpcap swaps the lengths of older versions, and takes one link type and snap length a file; it ends at
// what it dislikes.
void compare_with_libpcap(Bytes file, const Result& ours) {
  FILE* stream = fmemopen(const_cast<uint8_t*>(file.data()), file.size(), "rb");
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
  if (pcap == nullptr) {
    (void)std::fclose(stream);
    return;
  }
  const bool ng = file[0] == 0x0a;
  const auto snaplen = static_cast<uint32_t>(pcap_snapshot(pcap));
  const bool old = !ng && pcap_minor_version(pcap) < 4;
  for (size_t i = 0; i < ours.sound && !old; ++i) {
    pcap_pkthdr* head = nullptr;
    const u_char* bytes = nullptr;
    if (pcap_next_ex(pcap, &head, &bytes) != 1) break;
    const Seen& packet = ours.packets[i];
    if (packet.bytes.size() > snaplen || head->len < head->caplen) break;  // libpcap cuts
    check(head->caplen == packet.bytes.size() && head->len == packet.wire_len);
    check(std::memcmp(bytes, packet.bytes.data(), head->caplen) == 0);
    // Fractions of over a second overflow in libpcap, and carry into ours.
    const auto seconds = static_cast<uint32_t>(head->ts.tv_sec);
    if (!ng && packet.time_ns / 1'000'000'000U == seconds)
      check(static_cast<uint64_t>(head->ts.tv_usec) == packet.time_ns % 1'000'000'000U);
  }
  pcap_close(pcap);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const Bytes file(data, size);
  const Result whole = parse(file, 0);
  const size_t piece = 1 + (data[size - 1] * 256U + data[size - 2]) % 3000U;
  check(parse(file, piece) == whole);
  compare_with_libpcap(file, whole);
  return 0;
}
