#include "src/plan/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMostCpus = 4096;

std::string file_text(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<uint64_t> number_in(std::string_view text, int base = 10) {
  uint64_t value = 0;
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data() + start, text.data() + text.size(), value, base);
  if (ec != std::errc()) return std::nullopt;
  return value;
}

// The number behind "name" at the start of a line.
std::optional<uint64_t> number_after(const std::string& text, std::string_view name, int base = 10) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return number_in(std::string_view(line).substr(name.size()), base);
  return std::nullopt;
}

std::vector<unsigned> allowed_cpus() {
  cpu_set_t* set = CPU_ALLOC(kMostCpus);
  const size_t size = CPU_ALLOC_SIZE(kMostCpus);
  std::vector<unsigned> cpus;
  if (set != nullptr && sched_getaffinity(0, size, set) == 0)
    for (unsigned cpu = 0; cpu < kMostCpus; ++cpu)
      if (CPU_ISSET_S(cpu, size, set)) cpus.push_back(cpu);
  CPU_FREE(set);
  return cpus;
}

std::vector<int> numa_of_cpus() {
  std::vector<int> numa;
  std::error_code ignored;
  for (const auto& node : fs::directory_iterator("/sys/devices/system/node", ignored)) {
    const std::string name = node.path().filename();
    if (!name.starts_with("node")) continue;
    const auto number = number_in(name.substr(4));
    if (!number) continue;
    for (unsigned cpu : parse_cpu_list(file_text(node.path() / "cpulist"))) {
      if (cpu >= numa.size()) numa.resize(cpu + 1, -1);
      numa[cpu] = static_cast<int>(*number);
    }
  }
  return numa;
}

// The cgroup (version 2) of this process and those above it.
std::vector<fs::path> cgroups() {
  std::istringstream lines(file_text("/proc/self/cgroup"));
  std::vector<fs::path> paths;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("0::/")) continue;
    fs::path at = fs::path("/sys/fs/cgroup") / line.substr(4);
    for (; at != "/sys/fs" && at != at.root_path(); at = at.parent_path()) paths.push_back(at);
  }
  return paths;
}

uint64_t available_memory(const std::vector<fs::path>& groups) {
  uint64_t available = number_after(file_text("/proc/meminfo"), "MemAvailable:").value_or(0) * 1024;
  for (const fs::path& group : groups) {
    const auto limit = number_in(file_text(group / "memory.max"));
    if (!limit) continue;  // "max"
    const uint64_t used = number_in(file_text(group / "memory.current")).value_or(0);
    const uint64_t cache = number_after(file_text(group / "memory.stat"), "inactive_file").value_or(0);
    const uint64_t kept = used > cache ? used - cache : 0;
    available = std::min(available, *limit > kept ? *limit - kept : 1);
  }
  return available;
}

double granted_cpus(const std::vector<fs::path>& groups) {
  double quota = 0;
  for (const fs::path& group : groups) {
    std::istringstream text(file_text(group / "cpu.max"));
    double micros = 0;
    double period = 0;
    if (!(text >> micros >> period) || period <= 0) continue;  // "max 100000"
    const double cpus = micros / period;
    quota = quota == 0 ? cpus : std::min(quota, cpus);
  }
  return quota;
}

uint64_t free_hugepages() {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& size : fs::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    const std::string name = size.path().filename();  // hugepages-2048kB
    if (!name.starts_with("hugepages-")) continue;
    const uint64_t kib = number_in(name.substr(10)).value_or(0);
    bytes += kib * 1024 * number_in(file_text(size.path() / "free_hugepages")).value_or(0);
  }
  return bytes;
}

std::vector<std::string> installed_pmds() {
  constexpr std::string_view kHead = "librte_";
  std::vector<std::string> pmds;
  std::error_code ignored;
  // RTE_EAL_PMD_PATH: from rte_config.h, which DPDK's compiler flags include everywhere.
  for (const auto& file : fs::directory_iterator(RTE_EAL_PMD_PATH, ignored)) {
    const std::string name = file.path().filename();  // librte_net_pcap.so.23
    const size_t end = name.find(".so");
    if (name.starts_with(kHead) && end != std::string::npos)
      pmds.push_back(name.substr(kHead.size(), end - kHead.size()));
  }
  std::sort(pmds.begin(), pmds.end());
  pmds.erase(std::unique(pmds.begin(), pmds.end()), pmds.end());
  return pmds;
}

std::vector<PciDevice> pci_devices() {
  std::vector<PciDevice> devices;
  std::error_code ignored;
  for (const auto& device : fs::directory_iterator("/sys/bus/pci/devices", ignored)) {
    const fs::path driver = fs::read_symlink(device.path() / "driver", ignored);
    devices.push_back({device.path().filename(), driver.filename()});
  }
  std::sort(devices.begin(), devices.end(),
            [](const auto& a, const auto& b) { return a.address < b.address; });
  return devices;
}

}  // namespace

std::vector<unsigned> parse_cpu_list(const std::string& text) {
  std::vector<unsigned> cpus;
  const char* at = text.data();
  const char* end = at + text.find_last_not_of(" \n") + 1;
  while (at < end) {
    unsigned first = 0;
    auto [after, ec] = std::from_chars(at, end, first);
    if (ec != std::errc()) return {};
    unsigned last = first;
    if (after < end && *after == '-') {
      const auto range = std::from_chars(after + 1, end, last);
      if (range.ec != std::errc()) return {};
      after = range.ptr;
    }
    if (last < first || last >= kMostCpus || (after < end && *after != ',')) return {};
    for (unsigned cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    at = after + 1;
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string cpu_list_text(const std::vector<unsigned>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t j = i;
    while (j + 1 < cpus.size() && cpus[j + 1] == cpus[j] + 1) ++j;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[i]);
    if (j > i) text += '-' + std::to_string(cpus[j]);
    i = j + 1;
  }
  return text;
}

Machine read_machine() {
  constexpr unsigned kCapNetRaw = 13;
  Machine machine;
  const auto groups = cgroups();
  machine.cpus = allowed_cpus();
  machine.isolated_cpus = parse_cpu_list(file_text("/sys/devices/system/cpu/isolated"));
  machine.cpu_quota = granted_cpus(groups);
  machine.numa_of_cpu = numa_of_cpus();
  machine.memory_bytes = available_memory(groups);
  machine.hugepage_bytes = free_hugepages();
  machine.root = geteuid() == 0;
  const uint64_t capabilities = number_after(file_text("/proc/self/status"), "CapEff:", 16).value_or(0);
  machine.net_raw = (capabilities >> kCapNetRaw & 1U) != 0;
  machine.pmds = installed_pmds();
  machine.pci = pci_devices();
  return machine;
}

}  // namespace weir
