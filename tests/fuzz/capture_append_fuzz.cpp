// A capture file that is to be appended to, of any bytes: it is refused and stays as it is; or what was in it
// up to its last whole packet stays, and with a packet behind it is taken as it is the next time. Input:
// which format, then the file.
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "exporters/capture/pcap_format.h"
#include "exporters/capture/pcapng_format.h"
#include "tests/exporters/capture/packet_record.h"
#include "tests/fuzz/memory_file.h"

namespace {

using weir::check;
using weir::MemoryFile;

template <class Make>
void append_twice(const Make& make, std::string_view input) {
  static const MemoryFile file;
  file.put(input);
  auto first = make();
  const auto resumed = first.resume(file.fd(), file.path());
  if (!resumed) {
    check(file.bytes() == input);
    return;
  }
  const std::string kept = file.bytes();
  check(input.starts_with(kept) && (*resumed || first.opening().size() > 0));
  // A classic file goes on with its link type.
  const auto link = *resumed ? static_cast<uint8_t>(kept[20]) | static_cast<uint8_t>(kept[21]) << 8U : 1U;
  const std::string record = weir::record_of(first, {.link = static_cast<uint16_t>(link)}, "abc");
  check(!record.empty());
  if (!*resumed) file.append(first.opening());
  file.append(record);
  const std::string whole = file.bytes();
  auto second = make();
  check(static_cast<bool>(second.resume(file.fd(), file.path())));
  check(file.bytes() == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  if (!quiet || size < 2) return 0;
  const std::string_view file(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0)
    append_twice([] { return weir::PcapFormat(1000); }, file);
  else
    append_twice([] { return weir::PcapngFormat(1000, {"x"}); }, file);
  return 0;
}
