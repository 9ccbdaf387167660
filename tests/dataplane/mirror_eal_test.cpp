#include "dataplane/mirror_eal.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

MirrorEal of(const std::string& port, unsigned nth = 0) {
  MirrorOptions options;
  options.port = port;
  return eal_arguments(options, nth);
}

TEST(MirrorEal, PciAddressesAreNamedAsDpdkNamesThem) {
  EXPECT_EQ(of("0000:3b:00.0").pci, "0000:3b:00.0");
  EXPECT_EQ(of("3B:0.1").pci, "0000:3b:00.1");
  EXPECT_EQ(of("10000:3b:00.1").device, "10000:3b:00.1");
  EXPECT_EQ(of("0000:3b:00.0,mprq_en=1").pci, "0000:3b:00.0,mprq_en=1");
  EXPECT_EQ(of("0000:3b:00.0,mprq_en=1").device, "0000:3b:00.0");
  for (const char* no : {"3b:00.8", "3b:20.0", "100:00.0", "zz:00.0", "3b:00", ":00.0", "3b:.0", "3b:00.00"})
    EXPECT_EQ(of(no).pci, "") << no;
}

TEST(MirrorEal, VdevsGetANumber) {
  EXPECT_EQ(of("net_pcap0,rx_pcap=a.pcap").vdev, "net_pcap0,rx_pcap=a.pcap");
  EXPECT_EQ(of("net_pcap0,rx_pcap=a.pcap").device, "net_pcap0");
  EXPECT_EQ(of("net_null", 3).vdev, "net_null3");
  EXPECT_EQ(of("net_pcap,rx_pcap=a", 1).vdev, "net_pcap1,rx_pcap=a");
  EXPECT_TRUE(of("net_null").is_port());
}

TEST(MirrorEal, InterfacesNeedNoPort) {
  MirrorOptions options;
  options.interface = "eth0";
  options.queues = 2;
  EXPECT_FALSE(eal_arguments(options, 0).is_port());
  EXPECT_EQ(mbuf_bytes(options, false), 0U);
  EXPECT_EQ(packet_ring_bytes(options), 2ULL * 8192 * 2048);
  options.interface.clear();
  options.port = "net_null0";
  EXPECT_GT(mbuf_bytes(options, true), 2ULL * 8192 * 2048);
  EXPECT_LT(mbuf_bytes(options, true), 2ULL * 8192 * 2700);
  EXPECT_GT(mbuf_bytes(options, false), 2ULL * 8192 * 4096);
  EXPECT_EQ(packet_ring_bytes(options), 0U);
}

TEST(MirrorEal, PortsNeedMbufsBesideTheirDescriptors) {
  EXPECT_EQ(least_mbufs(1024), 1280U);
  EXPECT_EQ(least_mbufs(32), 384U);
}

}  // namespace
}  // namespace weir
