#include "dataplane/mirror/packet_ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/filter/compiled_filters.h"
#include "dataplane/mirror/address_fanout.h"
#include "dataplane/mirror_eal.h"

namespace weir {
namespace {

// A block must hold the longest packet (64 KiB with segmentation offload).
constexpr uint32_t kBlockBytes = 128U << 10U;
constexpr uint32_t kFrameBytes = 2048;  // of no meaning for TPACKET_V3, but checked
constexpr uint32_t kRetireMs = 5;       // a block that is not full is given over after this
constexpr unsigned kFewestBlocks = 4;

Error failed(const MirrorOptions& options, const std::string& what, const std::string& remedy) {
  const int error = errno;
  return Error{"mirror input \"" + options.name + "\": interface " + options.interface + " " + what + ": " +
               std::strerror(error) + ". " + remedy};
}

bool ask(const std::string& interface, unsigned long request, ifreq& reply) {
  reply = {};
  if (interface.size() >= sizeof reply.ifr_name) return false;
  std::memcpy(reply.ifr_name, interface.data(), interface.size());
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool answered = ::ioctl(fd, request, &reply) == 0;
  (void)::close(fd);
  return answered;
}

template <class T>
bool set(int fd, int option, const T& value) {
  return ::setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

// Accepts nothing: a socket sees packets of all flows until it has joined its group.
bool refuse_all(int fd) {
  sock_filter none{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{.len = 1, .filter = &none};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

// How an interface's packets begin; nullopt: in a way that is not decoded.
std::optional<LinkType> link_type(unsigned short hardware) {
  if (hardware == ARPHRD_ETHER || hardware == ARPHRD_LOOPBACK) return LinkType::ethernet;
  if (hardware == ARPHRD_NONE || hardware == ARPHRD_RAWIP || hardware == ARPHRD_TUNNEL) return LinkType::raw;
  return std::nullopt;
}

}  // namespace

int interface_index(const std::string& interface) {
  ifreq reply{};
  return ask(interface, SIOCGIFINDEX, reply) ? reply.ifr_ifindex : 0;
}

bool interface_is_up(const std::string& interface) {
  ifreq reply{};
  constexpr unsigned kBoth = IFF_UP | IFF_RUNNING;
  return ask(interface, SIOCGIFFLAGS, reply) && (static_cast<unsigned>(reply.ifr_flags) & kBoth) == kBoth;
}

Result<std::vector<std::unique_ptr<PacketRing>>> open_packet_rings(const MirrorOptions& options) {
  const int index = interface_index(options.interface);
  if (index == 0) return failed(options, "cannot be read", "`ip link` lists the interfaces there are.");
  ifreq reply{};
  if (!ask(options.interface, SIOCGIFHWADDR, reply))
    return failed(options, "does not tell its type", "`ip link` shows it.");
  const auto link = link_type(reply.ifr_hwaddr.sa_family);
  if (!link)
    return Error{"mirror input \"" + options.name + "\": interface " + options.interface +
                 " carries neither Ethernet nor bare IP (hardware type " +
                 std::to_string(reply.ifr_hwaddr.sa_family) + "). Mirror another interface."};
  // The queues' lcores find it compiled.
  if (const auto filter = compiled_filter(options.packets.filter, *link); !filter)
    return Error{"mirror input \"" + options.name + "\": interface " + options.interface +
                 ": filter: " + filter.error().message + "."};

  std::vector<std::unique_ptr<PacketRing>> rings;
  std::optional<uint16_t> group;
  for (unsigned queue = 0; queue < options.queues; ++queue) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
      return failed(options, "cannot be read through AF_PACKET",
                    "It needs CAP_NET_RAW: run Weir as root, or with `setcap cap_net_raw+ep`, or with "
                    "AmbientCapabilities=CAP_NET_RAW in its systemd unit.");
    rings.push_back(std::unique_ptr<PacketRing>(new PacketRing(fd)));
    PacketRing& ring = *rings.back();
    ring.link_ = *link;
    if (Status mapped = ring.map(options); !mapped) return mapped.error();
    if (Status attached = ring.attach(options, index); !attached) return attached.error();
    if (options.queues > 1)
      if (Status joined = ring.join_fanout(options, group); !joined) return joined.error();
  }
  for (auto& ring : rings)
    if (!ring->open_intake()) return failed(options, "cannot be opened", "Look at the kernel's log.");
  return rings;
}

Status PacketRing::map(const MirrorOptions& options) {
  const uint64_t bytes = packet_ring_bytes(options) / options.queues;
  blocks_ = std::max(kFewestBlocks, static_cast<unsigned>(bytes / kBlockBytes));
  const int version = TPACKET_V3;
  if (!set(fd_, PACKET_VERSION, version))
    return failed(options, "has no ring of blocks (TPACKET_V3)", "Weir needs Linux 3.2 or later.");
  tpacket_req3 request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = blocks_;
  request.tp_frame_size = kFrameBytes;
  request.tp_frame_nr = kBlockBytes / kFrameBytes * blocks_;
  request.tp_retire_blk_tov = kRetireMs;
  memory_bytes_ = size_t{kBlockBytes} * blocks_;
  void* memory = MAP_FAILED;
  if (set(fd_, PACKET_RX_RING, request))
    memory = ::mmap(nullptr, memory_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED)
    return failed(options, "gets no ring of " + std::to_string(memory_bytes_ >> 20U) + " MiB",
                  "Lower `mbufs:` (2 KiB of ring each).");
  memory_ = static_cast<uint8_t*>(memory);
  return Ok{};
}

Status PacketRing::attach(const MirrorOptions& options, int index) {
  if (!refuse_all(fd_)) return failed(options, "takes no packet filter", "Look at the kernel's log.");
  // On the loopback each packet passes twice, going out and coming in.
  ifreq reply{};
  const bool loopback = ask(options.interface, SIOCGIFFLAGS, reply) && (reply.ifr_flags & IFF_LOOPBACK) != 0;
  const int one = 1;
  if (loopback) (void)set(fd_, PACKET_IGNORE_OUTGOING, one);

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index;
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed(options, "cannot be read through AF_PACKET", "Is it still there? `ip link` shows it.");
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = index;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (!set(fd_, PACKET_ADD_MEMBERSHIP, promiscuous))
    return failed(options, "takes no promiscuous mode", "Mirrored packets go to other machines' addresses.");
  return Ok{};
}

Status PacketRing::join_fanout(const MirrorOptions& options, std::optional<uint16_t>& group) {
  const bool first = !group;  // the kernel gives a free number, 0 too
  const unsigned kind = PACKET_FANOUT_CBPF | (first ? PACKET_FANOUT_FLAG_UNIQUEID : 0U);
  const auto argument = static_cast<int>(group.value_or(0) | kind << 16U);
  if (!set(fd_, PACKET_FANOUT, argument))
    return failed(options, "cannot be shared by several queues", "Set `queues: 1`.");
  int made = 0;
  socklen_t len = sizeof made;
  if (first && ::getsockopt(fd_, SOL_PACKET, PACKET_FANOUT, &made, &len) != 0)
    return failed(options, "cannot be shared by several queues", "Set `queues: 1`.");
  if (!first) return Ok{};
  group = static_cast<uint16_t>(made & 0xffff);
  std::vector<sock_filter> filter = address_fanout();
  const sock_fprog program{.len = static_cast<uint16_t>(filter.size()), .filter = filter.data()};
  if (!set(fd_, PACKET_FANOUT_DATA, program))
    return failed(options, "cannot be shared by several queues",
                  "Set `queues: 1`; Weir needs Linux 4.3 or later.");
  return Ok{};
}

bool PacketRing::open_intake() noexcept {
  const int none = 0;
  return ::setsockopt(fd_, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) == 0;
}

// The kernel unbinds the socket of an interface that goes, so this holds where a new one gets the old number.
bool PacketRing::is_bound_to(int index) const noexcept {
  sockaddr_ll address{};
  socklen_t len = sizeof address;
  return ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &len) == 0 && address.sll_ifindex == index;
}

void PacketRing::close_intake() noexcept { (void)refuse_all(fd_); }

PacketRing::~PacketRing() {
  if (memory_ != nullptr) (void)::munmap(memory_, memory_bytes_);
  (void)::close(fd_);
}

uint8_t* PacketRing::block() const noexcept { return memory_ + size_t{kBlockBytes} * at_block_; }

std::optional<PacketRing::Captured> PacketRing::front() noexcept {
  if (packets_left_ == 0) {
    const auto& head = reinterpret_cast<const tpacket_block_desc*>(block())->hdr.bh1;
    if ((__atomic_load_n(&head.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) return std::nullopt;
    packets_left_ = head.num_pkts;
    packet_ = block() + head.offset_to_first_pkt;
    if (packets_left_ == 0) {  // not seen, but nothing forbids it
      packets_left_ = 1;
      advance();
      return std::nullopt;
    }
  }
  const auto* head = reinterpret_cast<const tpacket3_hdr*>(packet_);
  // The kernel takes the outermost tag off.
  Packet packet{.bytes = {packet_ + head->tp_mac, head->tp_snaplen}, .wire_len = head->tp_len, .link = link_};
  if ((head->tp_status & TP_STATUS_VLAN_VALID) != 0)
    packet.vlan = static_cast<uint16_t>(head->hv1.tp_vlan_tci);
  if ((head->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0) packet.vlan_type = head->hv1.tp_vlan_tpid;
  return Captured{.packet = packet, .time_ns = head->tp_sec * 1'000'000'000ULL + head->tp_nsec};
}

void PacketRing::advance() noexcept {
  packet_ += reinterpret_cast<const tpacket3_hdr*>(packet_)->tp_next_offset;
  if (--packets_left_ != 0) return;
  auto& head = reinterpret_cast<tpacket_block_desc*>(block())->hdr.bh1;
  __atomic_store_n(&head.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  at_block_ = at_block_ + 1 == blocks_ ? 0 : at_block_ + 1;
}

// The kernel forgets its counts as it tells them.
PacketRing::Counts PacketRing::read_counts() noexcept {
  tpacket_stats_v3 now{};
  socklen_t len = sizeof now;
  if (::getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &now, &len) == 0) {
    counts_.lost += now.tp_drops;
    counts_.put += now.tp_packets - now.tp_drops;
  }
  return counts_;
}

}  // namespace weir
