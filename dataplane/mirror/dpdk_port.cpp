// rte_eth_read_clock() is older than the release, and still marked as new.
#define ALLOW_EXPERIMENTAL_API
#include "dataplane/mirror/dpdk_port.h"

#include <net/if.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <string_view>

#include "core/clock.h"
#include "dataplane/eal.h"
#include "dataplane/mirror/missing_port.h"

namespace weir {
namespace {

// By addresses alone: only the first fragment of a datagram has ports, and all must come to one queue.
constexpr uint64_t kRssKinds = RTE_ETH_RSS_IP;
constexpr uint64_t kPcapStampNs = 1000;  // net_pcap stamps packets with the file's time, in microseconds
constexpr size_t kLongestRssKey = 128;

// With this key both directions of a flow hash alike (Woo and Park, 2012).
std::array<uint8_t, kLongestRssKey> symmetric_key() {
  std::array<uint8_t, kLongestRssKey> key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  return key;
}

std::string prefix(const MirrorOptions& options) {
  return "mirror input \"" + options.name + "\": port " + options.port + " ";
}

Error refused(const MirrorOptions& options, const std::string& what, int error, const std::string& remedy) {
  const std::string said = eal_said(2);
  return Error{prefix(options) + what + ": " + std::strerror(error < 0 ? -error : error) +
               (said.empty() ? "" : " (DPDK said: " + said + ")") + ". " + remedy};
}

// net_tap and net_af_xdp make no queue that only receives. A net_memif client without send queues places its
// one ring where the other side looks for both, which then reads what it has sent itself.
bool needs_send_queues(std::string_view driver) {
  return driver == "net_tap" || driver == "net_af_xdp" || driver == "net_memif";
}

// How often a port of this number was removed, or released by its driver. Outlives each port: DPDK gives the
// number to the next one, and keeps what was registered for it.
std::array<std::atomic<uint32_t>, RTE_MAX_ETHPORTS> removals{};

int count_removal(uint16_t port, rte_eth_event_type, void*, void*) {
  removals[port].fetch_add(1, std::memory_order_release);
  return 0;
}

void count_removals() {
  for (const rte_eth_event_type event : {RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_DESTROY})
    (void)rte_eth_dev_callback_register(RTE_ETH_ALL, event, count_removal, nullptr);
}

// DPDK's lists of devices and ports are for one thread at a time.
std::mutex devices_mutex;

const char* bus_of(const MirrorEal& eal) { return eal.pci.empty() ? "vdev" : "pci"; }

// The kernel's interface under the port; 0: none. net_pcap tells it of `iface=` only, not of `rx_iface=`.
unsigned interface_under(const rte_eth_dev_info& info, const MirrorOptions& options) {
  constexpr std::string_view kKey = "iface=";
  if (info.if_index != 0) return info.if_index;
  const size_t at = options.port.find(kKey);
  if (at == std::string::npos) return 0;
  const size_t from = at + kKey.size();
  return ::if_nametoindex(options.port.substr(from, options.port.find(',', from) - from).c_str());
}

bool is_memif_client(const rte_eth_dev_info& info, const MirrorOptions& options) {
  return std::strcmp(info.driver_name, "net_memif") == 0 &&
         options.port.find("role=server") == std::string::npos &&
         options.port.find("role=master") == std::string::npos;
}

// The longest frames that the NIC is to take.
Status set_longest(const MirrorOptions& options, const rte_eth_dev_info& info, rte_eth_rxmode& mode) {
  if (options.mtu == 0) return Ok{};
  if (options.mtu < info.min_mtu || options.mtu > info.max_mtu)
    return Error{prefix(options) + "takes an MTU from " + std::to_string(info.min_mtu) + " to " +
                 std::to_string(info.max_mtu) + ", not `mtu: " + std::to_string(options.mtu) +
                 "`. Set it to one of these."};
  mode.mtu = options.mtu;
  constexpr uint32_t kRoom =
      RTE_MBUF_DEFAULT_DATAROOM - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN - 2 * RTE_VLAN_HLEN;
  // A longer frame lies in several mbufs.
  if (options.mtu > kRoom) mode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  return Ok{};
}

}  // namespace

DpdkPort::DpdkPort(uint16_t id, std::string device)
    : id_(id), device_(std::move(device)), removals_(removals[id].load(std::memory_order_acquire)) {}

Result<std::unique_ptr<DpdkPort>> DpdkPort::open(const MirrorOptions& options, const MirrorEal& eal) {
  const std::lock_guard lock(devices_mutex);
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(eal.device.c_str(), &id) != 0) return missing_port(options, eal);
  count_removals();
  std::unique_ptr<DpdkPort> port(new DpdkPort(id, eal.device));
  if (Status done = port->configure(options); !done) return done.error();
  return port;
}

Result<std::unique_ptr<DpdkPort>> DpdkPort::open_again(const MirrorOptions& options, const MirrorEal& eal) {
  {
    const std::lock_guard lock(devices_mutex);
    uint16_t id = 0;
    if (rte_eth_dev_get_port_by_name(eal.device.c_str(), &id) != 0) {
      const std::string& all = eal.pci.empty() ? eal.vdev : eal.pci;
      const size_t comma = all.find(',');
      const std::string arguments = comma == std::string::npos ? "" : all.substr(comma + 1);
      // open() tells what comes of it.
      (void)rte_eal_hotplug_add(bus_of(eal), eal.device.c_str(), arguments.c_str());
    }
  }
  return open(options, eal);
}

void DpdkPort::unplug(std::unique_ptr<DpdkPort> port, const MirrorEal& eal) {
  const std::lock_guard lock(devices_mutex);
  port.reset();
  // Fails where the device has been forgotten already.
  (void)rte_eal_hotplug_remove(bus_of(eal), eal.device.c_str());
}

Status DpdkPort::configure(const MirrorOptions& options) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return refused(options, "does not tell its abilities", error, "Check the device.");
  if (options.queues > info.max_rx_queues)
    return Error{prefix(options) + "has " + std::to_string(info.max_rx_queues) +
                 " receive queues, `queues:` asks for " + std::to_string(options.queues) +
                 ". Lower `queues:`."};
  if_index_ = interface_under(info, options);
  needs_dialing_ = is_memif_client(info, options);
  rte_eth_conf conf{};
  conf.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0 ? 1 : 0;
  auto key = symmetric_key();
  if (options.queues > 1 && (info.flow_type_rss_offloads & kRssKinds) != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size != 0 ? info.hash_key_size : 40;
    conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kRssKinds;
  }
  if (Status set = set_longest(options, info, conf.rxmode); !set) return set;
  if (options.timestamps) conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
  const uint16_t send_queues = needs_send_queues(info.driver_name) ? options.queues : 0;
  int error = rte_eth_dev_configure(id_, options.queues, send_queues, &conf);
  if (error != 0)
    return refused(options, "cannot be configured", error,
                   options.mtu == 0
                       ? "Is it used by another mirror input?"
                       : "Is `mtu:` more than its driver takes, or is it used by another mirror input?");
  ours_ = true;

  descriptors_ = options.rx_descriptors;
  uint16_t tx_descriptors = 0;
  error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &descriptors_, &tx_descriptors);
  if (error != 0)
    return refused(options, "takes no such `rx_descriptors:`", error, "Leave it at its default.");
  const int socket = rte_eth_dev_socket_id(id_);
  if (Status made = make_queues(options, socket); !made) return made;
  for (uint16_t queue = 0; queue < send_queues; ++queue)
    if (error = rte_eth_tx_queue_setup(id_, queue, descriptors_, static_cast<unsigned>(socket), nullptr);
        error != 0)
      return refused(options, "cannot set up send queue " + std::to_string(queue), error,
                     "Try fewer `queues:`.");
  before_ = losses();
  if (error = rte_eth_dev_start(id_); error != 0)
    return refused(options, "does not start", error, "Check the device and `port:`.");
  if (error = rte_eth_promiscuous_enable(id_); error != 0 && error != -ENOTSUP)
    spdlog::warn("{}takes no promiscuous mode ({}): mirrored packets to other addresses may be missed",
                 prefix(options), std::strerror(-error));
  if (options.timestamps) find_stamps(info);
  list_counters();
  return Ok{};
}

void DpdkPort::find_stamps(const rte_eth_dev_info& info) noexcept {
  const int offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
  const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  if (offset < 0 || flag < 0) return;
  uint64_t ticks = 0;
  if (std::strcmp(info.driver_name, "net_pcap") == 0) {
    clock_.set_unit(kPcapStampNs);
  } else if (rte_eth_read_clock(id_, &ticks) == 0) {
    has_clock_ = true;
    set_clock();
  } else {
    return;
  }
  stamp_offset_ = offset;
  stamp_flag_ = uint64_t{1} << static_cast<unsigned>(flag);
}

void DpdkPort::set_clock() noexcept {
  uint64_t ticks = 0;
  if (rte_eth_read_clock(id_, &ticks) == 0) clock_.set(ticks, read_clock().wall_ns);
}

void DpdkPort::list_counters() {
  const int count = rte_eth_xstats_get_names(id_, nullptr, 0);
  if (count <= 0) return;
  std::vector<rte_eth_xstat_name> names(static_cast<size_t>(count));
  if (rte_eth_xstats_get_names(id_, names.data(), static_cast<unsigned>(count)) != count) return;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view name(names[i].name, strnlen(names[i].name, sizeof names[i].name));
    if (!name.starts_with("rx")) continue;
    counters_.push_back({.name = std::string(name)});
    counter_ids_.push_back(i);
  }
}

Status DpdkPort::make_queues(const MirrorOptions& options, int socket) {
  if (options.mbufs < least_mbufs(descriptors_))
    return Error{prefix(options) + "fills " + std::to_string(descriptors_) + " descriptors, so `mbufs: " +
                 std::to_string(options.mbufs) + "` are too few. Set at least " +
                 std::to_string(2 * uint32_t{descriptors_} + kMbufCache) + "."};
  for (uint16_t queue = 0; queue < options.queues; ++queue) {
    const std::string name = "weir-" + std::to_string(id_) + "-" + std::to_string(queue);
    rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), options.mbufs, kMbufCache, 0,
                                                RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    if (pool == nullptr)
      return refused(options, "gets no memory for " + std::to_string(options.mbufs) + " mbufs", rte_errno,
                     "Lower `mbufs:`, or raise `eal: memory` or the hugepages.");
    pools_.push_back(pool);
    const int error =
        rte_eth_rx_queue_setup(id_, queue, descriptors_, static_cast<unsigned>(socket), nullptr, pool);
    if (error != 0)
      return refused(options, "cannot set up receive queue " + std::to_string(queue), error,
                     "Try fewer `queues:` or other `rx_descriptors:` and `mbufs:`.");
  }
  return Ok{};
}

bool DpdkPort::is_removed() const noexcept {
  return removals[id_].load(std::memory_order_acquire) != removals_;
}

bool DpdkPort::is_gone() const noexcept {
  // A memif's link goes up some time after its port was started.
  constexpr unsigned kLooksForLink = 3;
  if (is_removed() || rte_eth_dev_is_removed(id_) != 0) return true;
  std::array<char, IF_NAMESIZE> name{};
  if (if_index_ != 0 && ::if_indextoname(if_index_, name.data()) == nullptr) return true;
  return needs_dialing_ && looks_down_ >= kLooksForLink;
}

DpdkPort::~DpdkPort() {
  if (!ours_) return;
  uint16_t now = 0;
  if (rte_eth_dev_get_port_by_name(device_.c_str(), &now) == 0 &&
      now == id_) {  // else its driver released it
    (void)rte_eth_dev_stop(id_);
    (void)rte_eth_dev_close(id_);
  }
  for (rte_mempool* pool : pools_) rte_mempool_free(pool);
}

PortState DpdkPort::losses() const noexcept {
  rte_eth_stats stats{};
  PortState state;
  if (rte_eth_stats_get(id_, &stats) != 0) return state;
  state.missed = stats.imissed;
  state.no_mbuf = stats.rx_nombuf;
  state.errors = stats.ierrors;
  return state;
}

PortState DpdkPort::read_state() {
  if (has_clock_) set_clock();
  PortState state = losses();
  const auto since = [](uint64_t now, uint64_t before) { return now > before ? now - before : 0; };
  state.missed = since(state.missed, before_.missed);
  state.no_mbuf = since(state.no_mbuf, before_.no_mbuf);
  state.errors = since(state.errors, before_.errors);
  std::vector<uint64_t> values(counter_ids_.size());
  const auto wanted = static_cast<unsigned>(values.size());
  if (wanted != 0 &&
      rte_eth_xstats_get_by_id(id_, counter_ids_.data(), values.data(), wanted) == static_cast<int>(wanted))
    for (size_t i = 0; i < values.size(); ++i) counters_[i].value = values[i];
  state.counters = counters_;
  rte_eth_link link{};
  state.up = rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
  looks_down_ = state.up ? 0 : looks_down_ + 1;
  return state;
}

}  // namespace weir
