#include "dataplane/mirror/dpdk_port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstring>

#include "dataplane/eal.h"
#include "dataplane/mirror/missing_port.h"

namespace weir {
namespace {

constexpr uint64_t kRssKinds = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
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

}  // namespace

Result<std::shared_ptr<DpdkPort>> DpdkPort::open(const MirrorOptions& options, const MirrorEal& eal) {
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(eal.device.c_str(), &id) != 0) return missing_port(options, eal);
  std::shared_ptr<DpdkPort> port(new DpdkPort(id));
  if (Status done = port->configure(options); !done) return done.error();
  return port;
}

Status DpdkPort::configure(const MirrorOptions& options) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return refused(options, "does not tell its abilities", error, "Check the device.");
  if (options.queues > info.max_rx_queues)
    return Error{prefix(options) + "has " + std::to_string(info.max_rx_queues) +
                 " receive queues, `queues:` asks for " + std::to_string(options.queues) +
                 ". Lower `queues:`."};
  rte_eth_conf conf{};
  auto key = symmetric_key();
  if (options.queues > 1 && (info.flow_type_rss_offloads & kRssKinds) != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size != 0 ? info.hash_key_size : 40;
    conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kRssKinds;
  }
  if (const int error = rte_eth_dev_configure(id_, options.queues, 0, &conf); error != 0)
    return refused(options, "cannot be configured", error, "Is it used by another mirror input?");
  ours_ = true;

  descriptors_ = options.rx_descriptors;
  uint16_t no_tx = 0;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &descriptors_, &no_tx); error != 0)
    return refused(options, "takes no such `rx_descriptors:`", error, "Leave it at its default.");
  if (Status made = make_queues(options, rte_eth_dev_socket_id(id_)); !made) return made;
  before_ = losses();
  if (const int error = rte_eth_dev_start(id_); error != 0)
    return refused(options, "does not start", error, "Check the device and `port:`.");
  if (const int error = rte_eth_promiscuous_enable(id_); error != 0 && error != -ENOTSUP)
    spdlog::warn("{}takes no promiscuous mode ({}): mirrored packets to other addresses may be missed",
                 prefix(options), std::strerror(-error));
  return Ok{};
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

DpdkPort::~DpdkPort() {
  if (!ours_) return;
  (void)rte_eth_dev_stop(id_);
  (void)rte_eth_dev_close(id_);
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

PortState DpdkPort::read_state() const noexcept {
  PortState state = losses();
  const auto since = [](uint64_t now, uint64_t before) { return now > before ? now - before : 0; };
  state.missed = since(state.missed, before_.missed);
  state.no_mbuf = since(state.no_mbuf, before_.no_mbuf);
  state.errors = since(state.errors, before_.errors);
  rte_eth_link link{};
  state.up = rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
  return state;
}

}  // namespace weir
