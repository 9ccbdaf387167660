#include "src/plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>

#include "core/event.h"
#include "tests/test_data.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;

Machine machine_of(unsigned cpus) {
  Machine machine;
  machine.cpus.resize(cpus);
  std::iota(machine.cpus.begin(), machine.cpus.end(), 0U);
  machine.numa_of_cpu.assign(cpus, 0);
  machine.memory_bytes = 8192 * kMiB;
  machine.net_raw = true;
  machine.pmds = {"net_af_packet", "net_memif", "net_null", "net_pcap", "net_ring"};
  machine.pci = {{"0000:3b:00.0", "vfio-pci"}, {"0000:3b:00.1", "ice"}};
  return machine;
}

Config config_of(const std::string& inputs, const std::string& rest = {}) {
  auto config =
      parse_config("inputs: [" + inputs + "]\noutputs: [ json: { to: '-' } ]\n" + rest, "weir.yaml");
  if (config) return *config;
  ADD_FAILURE() << config.error().message;
  return {};
}

const std::string kDnstap = "dnstap: { listen: 'tcp://127.0.0.1:6000' }";

Plan plan_of(const Config& config, const Machine& machine) {
  auto plan = make_plan(config, machine);
  if (plan) return *plan;
  ADD_FAILURE() << plan.error().message;
  return {};
}

std::string refusal(const Config& config, const Machine& machine) {
  const auto plan = make_plan(config, machine);
  return plan ? "(not refused)" : plan.error().message;
}

using Counts = std::vector<unsigned>;
Counts counts_of(const std::string& inputs, const std::string& lcores, const Machine& machine) {
  const Plan plan = plan_of(config_of(inputs, "lcores: " + lcores + "\n"), machine);
  return {plan.ingest, plan.decode, plan.export_};
}

std::string joined(const std::vector<std::string>& args) {
  std::string text;
  for (const std::string& arg : args) text += (text.empty() ? "" : " ") + arg;
  return text;
}

std::string args_of(const Config& config, const Machine& machine) {
  return joined(plan_of(config, machine).eal_args);
}

TEST(PlanLcores, DefaultsFollowTheMachine) {
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(1)), (Counts{1, 1, 1}));
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(2)), (Counts{1, 1, 1}));
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(4)), (Counts{1, 2, 2}));
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(8)), (Counts{2, 4, 4}));
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(16)), (Counts{4, 8, 8}));
  EXPECT_EQ(counts_of(kDnstap, "{}", machine_of(256)), (Counts{8, 16, 16}));
  Machine container = machine_of(64);
  container.cpu_quota = 1.5;
  EXPECT_EQ(counts_of(kDnstap, "{}", container), (Counts{1, 1, 1}));
}

TEST(PlanLcores, DefaultsFollowWhatIsToBePolled) {
  EXPECT_EQ(counts_of("file: { paths: [a, b, c] }", "{}", machine_of(16)), (Counts{1, 2, 2}));
  EXPECT_EQ(counts_of("mirror: { interface: eth0, queues: 2 }", "{}", machine_of(16)), (Counts{2, 4, 4}));
  EXPECT_EQ(counts_of("mirror: { interface: eth0 }, " + kDnstap, "{}", machine_of(16)), (Counts{4, 8, 8}));
}

TEST(PlanLcores, DefaultsFollowThePins) {
  const auto pinned = [](unsigned pins) {
    std::string list;
    for (unsigned cpu = 0; cpu < pins; ++cpu) list += (cpu == 0 ? "" : ",") + std::to_string(cpu);
    return counts_of(kDnstap, "{ cpus: [" + list + "] }", machine_of(32));
  };
  EXPECT_EQ(pinned(1), (Counts{1, 1, 1}));
  EXPECT_EQ(pinned(3), (Counts{1, 1, 1}));
  EXPECT_EQ(pinned(4), (Counts{1, 2, 1}));
  EXPECT_EQ(pinned(5), (Counts{1, 2, 2}));
  for (unsigned pins = 3; pins <= 32; ++pins) {
    const Counts counts = pinned(pins);
    EXPECT_EQ(counts[0] + counts[1] + counts[2], pins);
    EXPECT_EQ(counts[1] % counts[2], 0U) << pins;
  }
}

TEST(PlanLcores, WhatIsToldIsKept) {
  const Machine machine = machine_of(4);
  EXPECT_EQ(counts_of(kDnstap, "{ ingest: 3, decode: 5, export: 5 }", machine), (Counts{3, 5, 5}));
  EXPECT_EQ(counts_of(kDnstap, "{ export: 3 }", machine), (Counts{1, 3, 3}));
  EXPECT_EQ(counts_of(kDnstap, "{ decode: 1 }", machine), (Counts{1, 1, 1}));
  EXPECT_EQ(counts_of(kDnstap, "{ decode: 6 }", machine), (Counts{1, 6, 2}));
  EXPECT_EQ(counts_of("file: { paths: [a, b, c] }", "{ ingest: 3 }", machine)[0], 3U);
}

TEST(PlanLcores, EveryShardHasAnExportLcoreAndEveryExportLcoreAShard) {
  for (unsigned cpus = 1; cpus <= 128; ++cpus) {
    const Plan plan = plan_of(config_of(kDnstap), machine_of(cpus));
    EXPECT_GE(plan.decode, plan.export_);
    EXPECT_EQ(plan.decode % plan.export_, 0U);
    EXPECT_EQ(plan.lcores.size(), cpus < 3 ? 1 : plan.ingest + plan.decode + plan.export_);
  }
}

std::string shared_lcores(const std::string& inputs, const std::string& lcores, const Machine& machine) {
  constexpr const char* kKinds[] = {"i", "d", "e"};
  std::string text;
  for (const PlanLcore& lcore : plan_of(config_of(inputs, "lcores: " + lcores + "\n"), machine).lcores) {
    text += text.empty() ? "" : " ";
    for (const PlanStage& stage : lcore.stages)
      text += kKinds[static_cast<size_t>(stage.kind)] + std::to_string(stage.index);
  }
  return text;
}

TEST(PlanLcores, StagesShareOneWhereCpusAreFewAndNoPortMustBePolledInTime) {
  EXPECT_EQ(shared_lcores(kDnstap, "{}", machine_of(1)), "i0d0e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{}", machine_of(2)), "i0d0e0");
  EXPECT_EQ(shared_lcores("file: { paths: [a, b] }", "{}", machine_of(2)), "i0d0e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{}", machine_of(3)), "i0 d0 e0");
  EXPECT_EQ(shared_lcores("mirror: { interface: eth0 }", "{}", machine_of(2)), "i0 d0 e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{ decode: 1 }", machine_of(2)), "i0 d0 e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{ cpus: [0, 1] }", machine_of(2)), "i0 d0 e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{ share: off }", machine_of(2)), "i0 d0 e0");
  EXPECT_EQ(shared_lcores(kDnstap, "{ share: on, ingest: 1, decode: 4, export: 2 }", machine_of(8)),
            "i0d0e0 d1e1 d2 d3");
  EXPECT_EQ(shared_lcores(kDnstap, "{ share: on, ingest: 2, decode: 64, export: 64 }", machine_of(64))
                .substr(0, 13),
            "i0d0e0 i1d1e1");
}

TEST(PlanLcores, RefusesWhatCannotWork) {
  const auto refused = [](const std::string& lcores, const Machine& machine) {
    return refusal(config_of(kDnstap, "lcores: " + lcores + "\n"), machine);
  };
  const Machine machine = machine_of(4);
  EXPECT_EQ(
      refused("{ decode: 1, export: 2 }", machine),
      "lcores.export: 2 is more than lcores.decode, 1: an export lcore without a decode lcore has nothing to "
      "write; lower export or raise decode");
  EXPECT_EQ(
      refused("{ ingest: 64, decode: 64 }", machine),
      "lcores: 64 ingest, 64 decode and 2 export are more than the 127 lcores that DPDK takes; lower them");
  EXPECT_EQ(refused("{ cpus: [0, 1, 7] }", machine),
            "lcores.cpus: there is no CPU 7 for this process; it may use 0-3 (see taskset -p and cgroups)");
  EXPECT_EQ(
      refused("{ cpus: [0, 1, 1] }", machine),
      "lcores.cpus: CPU 1 is named twice; name each once, lcores share them by themselves if there are more");
  EXPECT_EQ(refused("{ ingest: 1, decode: 1, export: 1, cpus: [0, 1, 2, 3] }", machine),
            "lcores.cpus: 4 CPUs are named for 3 lcores; name 3, or raise lcores.ingest, decode or export");
  EXPECT_EQ(
      refused("{ idle: spin, share: off }", machine_of(2)),
      "lcores.idle: spin needs a CPU for each lcore, but there are 3 lcores on 2 CPUs, and a spinning lcore "
      "would keep the others from their work; lower the lcores or set idle: adaptive");
}

TEST(PlanLcores, SpinsOnlyOnIsolatedCpusOfTheirOwn) {
  const auto spins = [](const std::string& lcores, const std::vector<unsigned>& isolated) {
    Machine machine = machine_of(8);
    machine.isolated_cpus = isolated;
    return plan_of(config_of(kDnstap, "lcores: " + lcores + "\n"), machine).spin;
  };
  EXPECT_FALSE(spins("{}", {2, 3, 4}));
  EXPECT_FALSE(spins("{ cpus: [2, 3, 4] }", {}));
  EXPECT_FALSE(spins("{ cpus: [2, 3, 4] }", {2, 3}));
  EXPECT_TRUE(spins("{ cpus: [2, 3, 4] }", {2, 3, 4}));
  EXPECT_FALSE(spins("{ cpus: [2, 3, 4], decode: 2 }", {2, 3, 4}));
  EXPECT_FALSE(spins("{ cpus: [2, 3, 4], idle: adaptive }", {2, 3, 4}));
  EXPECT_TRUE(spins("{ idle: spin, ingest: 1, decode: 1, export: 1 }", {}));
}

TEST(PlanLcores, PinsInOrderAndKeepsTheControlThreadAway) {
  Machine machine = machine_of(6);
  machine.numa_of_cpu = {0, 0, 0, 1, 1, 1};
  const Plan plan = plan_of(config_of(kDnstap, "lcores: { cpus: [5, 3, 1] }\n"), machine);
  ASSERT_EQ(plan.lcores.size(), 3U);
  EXPECT_EQ(plan.lcores[0].cpu, 5);
  EXPECT_EQ(plan.lcores[0].numa, 1);
  EXPECT_EQ(plan.lcores[2].cpu, 1);
  EXPECT_EQ(plan.lcores[2].numa, 0);
  EXPECT_EQ(plan.eal_args[1], "0@(0,2,4),1@5,2@3,3@1");
  // All CPUs taken: it shares them.
  EXPECT_EQ(plan_of(config_of(kDnstap, "lcores: { cpus: [0, 1] }\n"), machine_of(2)).eal_args[1],
            "0@(0-1),1@0,2@1,3@0");
}

TEST(PlanQueues, AreDealtRoundTheIngestLcores) {
  const Plan plan =
      plan_of(config_of("mirror: { interface: eth0, queues: 3 }, mirror: { interface: eth1, queues: 2 }",
                        "lcores: { ingest: 2 }\n"),
              machine_of(4));
  std::vector<unsigned> ingest;
  for (const auto& at : plan.queues) ingest.push_back(at.input * 100 + at.queue * 10 + at.ingest);
  EXPECT_EQ(ingest, (std::vector<unsigned>{0, 11, 20, 101, 110}));
}

TEST(PlanEal, WithoutHugepagesAndPorts) {
  EXPECT_EQ(args_of(config_of(kDnstap), machine_of(2)),
            "--lcores (0-1)@(0-1) --no-huge --no-shconf -m 64 --no-telemetry --no-pci");
}

TEST(PlanEal, HugepagesAreForPorts) {
  Machine machine = machine_of(2);
  machine.hugepage_bytes = 512 * kMiB;
  const std::string null = "mirror: { port: net_null0 }";
  EXPECT_EQ(args_of(config_of(null), machine),
            "--lcores (0-3)@(0-1) --in-memory -m 64 --no-telemetry --no-pci --vdev net_null0");
  EXPECT_FALSE(plan_of(config_of(kDnstap), machine).hugepages);
  EXPECT_TRUE(plan_of(config_of(kDnstap, "eal: { hugepages: on }\n"), machine).hugepages);
  EXPECT_FALSE(plan_of(config_of(null, "eal: { hugepages: off }\n"), machine).hugepages);
  EXPECT_FALSE(plan_of(config_of(null, "eal: { memory: 1GiB }\n"), machine).hugepages);
  EXPECT_EQ(refusal(config_of(null, "eal: { hugepages: on, memory: 1GiB }\n"), machine),
            "eal.hugepages: on, but 512 MiB of hugepages are free and 1024 MiB are needed; sysctl "
            "vm.nr_hugepages=512, or set hugepages: auto");
}

TEST(PlanEal, PortsInTheOrderOfTheInputs) {
  const Plan plan = plan_of(config_of("mirror: { port: '3b:00.0', queues: 4 }, mirror: { interface: eth1 }, "
                                      "mirror: { port: 'net_pcap0,rx_pcap=/x.pcap' }",
                                      "eal: { args: ['--log-level=8', --match-allocations] }\n"),
                            machine_of(2));
  EXPECT_EQ(plan.ports, 2U);
  EXPECT_TRUE(plan.pci);
  EXPECT_EQ(plan.vdevs, std::vector<std::string>{"net_pcap0,rx_pcap=/x.pcap"});
  const std::string args = joined(plan.eal_args);
  EXPECT_EQ(
      args.substr(args.find("--no-telemetry")),
      "--no-telemetry -a 0000:3b:00.0 --vdev net_pcap0,rx_pcap=/x.pcap --log-level=8 --match-allocations");
  EXPECT_GE(plan.eal_mb * kMiB, plan.mbuf_bytes);
}

TEST(PlanEal, RefusesWhatCannotWork) {
  const auto refused = [](const std::string& mirror, const std::string& rest = {}) {
    return refusal(config_of("mirror: { " + mirror + " }", rest), machine_of(2));
  };
  EXPECT_EQ(
      refused("port: '0000:99:00.0'"),
      "inputs[0].mirror.port: there is no PCI device 0000:99:00.0 on this machine; dpdk-devbind.py --status "
      "shows those there are");
  EXPECT_EQ(refused("port: net_magic0"),
            "inputs[0].mirror.port: 'net_magic0' is neither a PCI address (0000:3b:00.0) nor a DPDK device "
            "that Weir "
            "knows; expected one of net_af_xdp, net_bonding, net_memif, net_null, net_pcap, "
            "net_ring, "
            "net_tap, net_vhost, net_virtio_user with its arguments, or write interface: NAME for a kernel "
            "interface");
  EXPECT_EQ(
      refused("port: 'net_af_packet0,iface=vb,qpairs=2'"),
      "inputs[0].mirror.port: DPDK's net_af_packet does not tell how many packets the kernel drops, so they "
      "would be in no count; write interface: vb instead of port, which counts them");
  EXPECT_NE(refused("port: net_af_packet").find("write interface: NAME instead"), std::string::npos);
  EXPECT_EQ(refused("port: '0'").substr(0, 27), "inputs[0].mirror.port: '0' ");
  EXPECT_EQ(refused("port: 'net_virtio_user0,path=/x'"),
            "inputs[0].mirror.port: DPDK's driver net_virtio_user is not installed; apt-get install "
            "librte-net-virtio23");
  EXPECT_EQ(refused("port: net_ring0, queues: 17"),
            "inputs[0].mirror.queues: 17 are more than the 16 that net_ring has; lower queues");
}

TEST(PlanEal, MemoryThatIsToldHoldsThePacketBuffers) {
  Machine machine = machine_of(2);
  const auto refused = [&](const std::string& mirror, const std::string& memory) {
    return refusal(config_of("mirror: { " + mirror + " }", "eal: { memory: " + memory + " }\n"), machine);
  };
  EXPECT_EQ(
      refused("port: net_null0, mbufs: 1000000", "512MiB"),
      "eal.memory: 512 MiB are too few for the mirror inputs' packet buffers, which take 3925 MiB without "
      "hugepages; write eal.memory: auto, or lower their queues or mbufs");
  // What was measured to be enough: 34, 133 and 81 MiB.
  EXPECT_NE(refused("port: net_null0", "33MiB"), "(not refused)");
  EXPECT_EQ(refused("port: net_null0", "36MiB"), "(not refused)");
  EXPECT_NE(refused("port: net_null0, queues: 4", "132MiB"), "(not refused)");
  EXPECT_EQ(refused("port: net_null0, queues: 4", "136MiB"), "(not refused)");
  EXPECT_NE(refused("port: net_null0, queues: 16, mbufs: 1300", "81MiB"), "(not refused)");
  EXPECT_EQ(refused("interface: eth0, queues: 4", "16MiB"), "(not refused)");
  machine.hugepage_bytes = 8192 * kMiB;
  EXPECT_EQ(refused("port: net_null0", "33MiB"), "(not refused)");
}

TEST(PlanEal, MemoryByItselfHoldsThePacketBuffersOfManySmallQueues) {
  const Plan plan =
      plan_of(config_of("mirror: { port: net_null0, queues: 128, mbufs: 1300 }"), machine_of(2));
  EXPECT_GE(plan.eal_mb * kMiB, plan.mbuf_bytes + 2 * kMiB);
}

TEST(PlanEal, AnInterfaceNeedsNoMbufsForDescriptors) {
  EXPECT_EQ(plan_of(config_of("mirror: { interface: eth0, mbufs: 256 }"), machine_of(2)).packet_ring_bytes,
            kMiB / 2);
}

TEST(PlanEal, RefusesTwoInputsOnOneDevice) {
  const auto refused = [](const std::string& first, const std::string& second) {
    return refusal(config_of("mirror: { port: '" + first + "' }, mirror: { port: '" + second + "' }"),
                   machine_of(2));
  };
  EXPECT_EQ(
      refused("net_null", "net_null0"),
      "inputs[1].mirror.port: net_null0 is already used by inputs[0].mirror.port; give each vdev a number of "
      "its own");
  EXPECT_EQ(refused("3b:00.0", "0000:3B:00.0"),
            "inputs[1].mirror.port: 0000:3b:00.0 is already used by inputs[0].mirror.port; keep one of them "
            "and give "
            "it more queues");
  EXPECT_EQ(refused("net_null", "net_null,size=80"), "(not refused)");
}

TEST(PlanEal, NetPcapHasAQueueForEachSource) {
  const auto refused = [](const std::string& arguments, unsigned queues) {
    return refusal(
        config_of("mirror: { port: 'net_pcap0" + arguments + "', queues: " + std::to_string(queues) + " }"),
        machine_of(2));
  };
  EXPECT_EQ(refused(",rx_pcap=/a.pcap", 4),
            "inputs[0].mirror.queues: 4 are more than the 1 that net_pcap0 has, one for each rx_pcap= or "
            "rx_iface= in "
            "port; lower queues or name more of them");
  EXPECT_EQ(refused(",rx_pcap=/a,rx_pcap=/b", 2), "(not refused)");
  EXPECT_EQ(refused(",infinite_rx=1,rx_pcap=/a", 1), "(not refused)");
  EXPECT_NE(refused(",rx_pcap=/a,rx_iface=eth0", 2), "(not refused)");
  EXPECT_EQ(refused(",rx_iface=eth0,rx_iface_in=eth1", 2), "(not refused)");
  EXPECT_NE(refused(",iface=eth0", 2), "(not refused)");
}

TEST(PlanEal, ArgumentsThatAreWeirsOwnAreRefused) {
  const auto refused = [](const std::string& args) {
    return refusal(config_of(kDnstap, "eal: { args: [" + args + "] }\n"), machine_of(2));
  };
  EXPECT_EQ(refused("--help"),
            "eal.args[0]: --help is Weir's own; leave it out: weir --help tells what Weir takes");
  EXPECT_EQ(refused("'--log-level=8', '--lcores=0-3'"),
            "eal.args[1]: --lcores is Weir's own; leave it out: set lcores.ingest, decode, export and cpus");
  EXPECT_EQ(refused("--main-lcore, '1'").substr(0, 38), "eal.args[0]: --main-lcore is Weir's ow");
  for (const char* no : {"-h",
                         "-vh",
                         "-v",
                         "--version",
                         "--hel",
                         "-l, '0-1'",
                         "-l0-1",
                         "-c, ff",
                         "-cff",
                         "--lcores, '0'",
                         "--lco=0",
                         "--main-lcore=1",
                         "--proc-type=secondary",
                         "--proc-type, auto",
                         "-s, '1'",
                         "-S1",
                         "--no-huge",
                         "--in-memory",
                         "--no-shconf",
                         "-m, '64'",
                         "-m64",
                         "--socket-mem=64"})
    EXPECT_NE(refused(no).find(" is Weir's own; leave it out: "), std::string::npos) << no;
  for (const char* yes :
       {"--log-level=8", "--log-level, '8'", "--match-allocations", "--iova-mode=va", "-d, /x.so",
        "--no-hpet", "-n, '4'", "--file-prefix=weir", "--vfio-intr=msi", "'--'", "'-'"})
    EXPECT_EQ(refused(yes), "(not refused)") << yes;
}

TEST(PlanEal, NotesWhatWillNotBePermitted) {
  Machine machine = machine_of(2);
  machine.net_raw = false;
  const auto notes = [&](const std::string& mirror) {
    return joined(plan_of(config_of("mirror: { " + mirror + " }"), machine).notes);
  };
  EXPECT_EQ(notes("interface: eth0").substr(0, 48), "inputs[0].mirror.interface: needs CAP_NET_RAW; s");
  EXPECT_NE(notes("port: '0000:3b:00.0'").find("a NIC needs root"), std::string::npos);
  EXPECT_NE(
      notes("port: '0000:3b:00.1'").find("is bound to ice; DPDK finds it after dpdk-devbind.py -b vfio-pci"),
      std::string::npos);
}

TEST(PlanMemory, FitsTheDefaultIntoAQuarterGigabyte) {
  for (unsigned cpus : {1U, 2U, 4U}) {
    EXPECT_LE(plan_of(config_of(kDnstap), machine_of(cpus)).memory_bytes(), 256 * kMiB) << cpus;
    EXPECT_LE(plan_of(config_of("file: { paths: [x] }"), machine_of(cpus)).memory_bytes(), 256 * kMiB)
        << cpus;
  }
}

TEST(PlanMemory, RefusesMoreThanThereIs) {
  Machine machine = machine_of(2);
  machine.memory_bytes = 100 * kMiB;
  EXPECT_EQ(refusal(config_of(kDnstap, "rings: { depth: 4096, batch_bytes: 1MiB }\n"), machine),
            "memory: the plan may need 8351 MiB, but 100 MiB are available; lower rings.depth, "
            "rings.batch_bytes or "
            "lcores");
  EXPECT_EQ(refusal(config_of("file: { paths: [x] }", "match: { table_entries: 16777216 }\n"), machine),
            "memory: the plan may need 6259 MiB, but 100 MiB are available; lower match.table_entries");
  for (const std::string& input : {kDnstap, std::string("mirror: { port: net_null0 }")})
    EXPECT_NE(refusal(config_of(input, "eal: { memory: 1TiB }\n"), machine)
                  .find("MiB, but 100 MiB are available; lower eal.memory, or write eal.memory: auto"),
              std::string::npos);
  machine.memory_bytes = 0;  // unknown
  EXPECT_TRUE(make_plan(config_of(kDnstap, "rings: { depth: 4096, batch_bytes: 1MiB }\n"), machine).ok());
}

TEST(PlanMemory, TheLargestEventFitsALargeBatch) {
  const Plan dnstap = plan_of(config_of("dnstap: { listen: 'unix:///x', frame_limit: 2MiB }"), machine_of(2));
  EXPECT_GE(dnstap.large_bytes, (2U << 20U) + sizeof(Event));
  const Plan pairs =
      plan_of(config_of("dnstap: { listen: 'unix:///x', frame_limit: 2MiB, pair: true }"), machine_of(2));
  EXPECT_GE(pairs.large_bytes, (2U << 20U) + 65'535 + sizeof(Event));
  const Plan packets = plan_of(config_of("mirror: { interface: eth0 }"), machine_of(2));
  EXPECT_GE(packets.large_bytes, 2 * 65'535 + sizeof(Event));
}

TEST(PlanMemory, PacketsAndPairsHaveTablesOfTheirOwn) {
  const auto entries = [](const std::string& input) {
    return plan_of(config_of(input, "match: { table_entries: 1000 }\n"), machine_of(2)).table_entries;
  };
  EXPECT_EQ(entries("dnstap: { listen: 'unix:///x' }"), 0U);
  EXPECT_EQ(entries("dnstap: { listen: 'unix:///x', pair: true }"), 1'000U);
  EXPECT_EQ(entries("file: { paths: [x] }"), 1'000U);
  EXPECT_EQ(entries("file: { paths: [x], pair: true }"), 2'000U);
  EXPECT_EQ(entries("directory: { path: x, pair: true }"), 2'000U);
}

TEST(PlanMemory, CopiesOfPacketsHaveRingsOfTheirOwn) {
  const auto with = [](const std::string& outputs) {
    auto config = parse_config("inputs: [ file: { paths: [x, y] } ]\noutputs: [ " + outputs +
                                   " ]\nlcores: { ingest: 2, decode: 2, export: 2 }\n",
                               "weir.yaml");
    EXPECT_TRUE(config.ok()) << config.error().message;
    return plan_of(*config, machine_of(4));
  };
  const Plan one = with("pcap: { to: 'file:///x', snap_length: 256KiB, backlog: 1MiB }");
  constexpr uint64_t kBatches = 16 + 4;
  EXPECT_EQ(one.capture_bytes, 2 * kBatches * one.capture_batch_bytes(256U << 10U));
  EXPECT_GT(one.capture_batch_bytes(256U << 10U), 256U << 10U);
  EXPECT_EQ(one.capture_batch_bytes(64), one.batch_bytes);
  EXPECT_EQ(one.backlog_bytes, kMiB) << "one export lcore writes it";
  const Plan two = with("pcap: { to: 'null:' }, pcap: { to: 'null:' }");
  EXPECT_EQ(two.captures, 2U);
  EXPECT_EQ(two.backlog_bytes, 0U);
  EXPECT_NE(two.lane_of_capture(0), two.lane_of_capture(1));
}

TEST(Machine, ReadsCpuLists) {
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n"), (std::vector<unsigned>{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list("\n"), std::vector<unsigned>{});
  EXPECT_EQ(parse_cpu_list("3-1"), std::vector<unsigned>{});
  EXPECT_EQ(parse_cpu_list("0-999999999"), std::vector<unsigned>{});
  EXPECT_EQ(parse_cpu_list("x"), std::vector<unsigned>{});
  EXPECT_EQ(cpu_list_text({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(cpu_list_text({}), "");
}

TEST(Machine, ThisOneHasCpusAndMemory) {
  const Machine machine = read_machine();
  EXPECT_FALSE(machine.cpus.empty());
  EXPECT_GT(machine.memory_bytes, kMiB);
  EXPECT_TRUE(make_plan(config_of(kDnstap), machine).ok());
}

// The text that people read, for whole machines. WEIR_UPDATE_GOLDEN=1 writes the files anew.
void expect_golden(const std::string& name, const std::string& text) {
  const auto path = test_data("plan/" + name + ".txt");
  if (std::getenv("WEIR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  const auto bytes = read_file(path);
  EXPECT_EQ(text, std::string(bytes.begin(), bytes.end())) << path;
}

TEST(PlanText, Laptop) {
  const Config config = *parse_config(embedded_default_config(), "default");
  expect_golden("laptop", describe_plan(plan_of(config, machine_of(2)), config));
}

TEST(PlanText, CaptureFilesOnFourCpus) {
  const Config config = config_of("file: { paths: [a.pcap, b.pcap, c.pcap] }", "lcores: { ingest: 2 }\n");
  expect_golden("files", describe_plan(plan_of(config, machine_of(4)), config));
}

TEST(PlanText, DirectoryAndAnOutputThatDrops) {
  const Config config = *parse_config(R"(
inputs:
  - dnstap: { listen: "unix:///run/weir/dnstap.sock" }
  - directory: { path: /var/spool/weir, after: delete }
outputs:
  - json: { to: "tcp://logs.example:5170" }
  - json: { to: "tcp://logs.example:5171", when_full: block, name: other }
)",
                                      "weir.yaml");
  expect_golden("directory", describe_plan(plan_of(config, machine_of(4)), config));
}

TEST(PlanText, LoggingBoxWithIsolatedCpus) {
  Machine machine = machine_of(16);
  for (unsigned cpu = 8; cpu < 16; ++cpu) machine.numa_of_cpu[cpu] = 1;
  machine.isolated_cpus = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  machine.memory_bytes = 65'536 * kMiB;
  machine.hugepage_bytes = 4096 * kMiB;
  machine.root = true;
  const auto config = parse_config(R"(
inputs:
  - mirror: { port: "0000:3b:00.0", queues: 4 }
  - mirror: { interface: eth1, name: tap }
  - dnstap: { listen: "unix:///run/weir/dnstap.sock" }
outputs:
  - json: { to: "file:///var/log/weir/dns.jsonl" }
  - statsd: { to: "udp://127.0.0.1:8125" }
lcores: { ingest: 2, decode: 4, export: 4, cpus: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }
)",
                                   "weir.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  expect_golden("logging_box", describe_plan(plan_of(*config, machine), *config));
}

}  // namespace
}  // namespace weir
