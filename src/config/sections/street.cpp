#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kTopKeys[] = {
    {"drain_timeout", duration(0, kHour), "10s",
     "After SIGTERM or SIGINT, how long rings and outputs may take to empty; after the end of all inputs, "
     "how "
     "long an output that is down may take nothing. What is left then is counted as dropped.",
     store<&Config::drain_timeout_ms>},
};

constexpr ConfigKey kLcoreKeys[] = {
    {"ingest", integer_or_auto(1, 64), "auto", "Lcores that poll ports, sockets and files.",
     store<&LcoreConfig::ingest>},
    {"decode", integer_or_auto(1, 64), "auto", "Lcores that decode; each owns one shard of the flows.",
     store<&LcoreConfig::decode>},
    {"export", integer_or_auto(1, 64), "auto", "Lcores that write; at most as many as `decode`.",
     store<&LcoreConfig::export_>},
    {"share", choice("auto|on|off"), "auto",
     "Whether ingest *n*, decode *n* and export *n* run on one lcore, in turn. auto: if the process has "
     "fewer than "
     "three CPUs, none of the numbers above and no CPUs are given, and no input is a port, which must be "
     "polled in time.",
     store<&LcoreConfig::share>},
    {"idle", choice("auto|spin|adaptive"), "auto",
     "What an lcore without work does: `spin` polls for ever; `adaptive` pauses, then sleeps up to 10 ms, "
     "with a port or an interface among the inputs 2 ms. "
     "auto: `spin` if every lcore has a CPU of its own in `cpus` that is isolated from the scheduler.",
     store<&LcoreConfig::idle>},
    {"cpus", integers(0, 1023), "[]",
     "CPUs to pin the lcores to, in the order ingest, decode, export; [] lets them float over all.",
     store<&LcoreConfig::cpus>},
};

constexpr ConfigKey kMetricsKeys[] = {
    {"listen", of_type(KeyType::host_port), "",
     "Where Prometheus finds /metrics, and probes /healthz and /readyz. Without it nothing listens.",
     store<&MetricsConfig::listen>, true},
};

constexpr ConfigKey kMatchKeys[] = {
    {"timeout", duration(10, kHour), "5s",
     "A query without its response is written alone (as QUERY; dnstap: as it is) after this.",
     store<&DecodeOptions::match_timeout_ms>},
    {"reorder", duration(0, 10 * kSecond), "100ms",
     "A response waits so long for a query that comes after it, then it is written alone (as RESPONSE; "
     "dnstap: as it is).",
     store<&DecodeOptions::reorder_ms>},
    {"table_entries", integer(256, 16'777'216), "65536",
     "Queries that may wait for their response, a decode lcore; more evict the oldest. Packets and dnstap "
     "have a table each.",
     store<&DecodeOptions::table_entries>},
    {"whole_transfers", of_type(KeyType::boolean), "false",
     "Packets: a zone transfer over TCP (AXFR, IXFR) is one line, with the records of its first response "
     "and, in "
     "`transfer`, how much came. Without it each further response is a line of its own (RESPONSE).",
     store<&DecodeOptions::whole_transfers>},
};

// Of each queue of a port, and of each file.
constexpr ConfigKey kReassemblyKeys[] = {
    {"datagrams", integer(16, 1'048'576), "2048",
     "IP datagrams that may wait for their fragments, of each queue and each file; one more gives up the "
     "oldest.",
     store<&ReassemblyOptions::datagrams>},
    {"fragment_memory", bytes(128 * kKiB, kGiB), "4MiB", "The most that their fragments may take.",
     store<&ReassemblyOptions::fragment_memory>},
    {"fragment_timeout", duration(100, 10 * 60 * kSecond), "10s",
     "A datagram whose fragments have not all come after this is given up.",
     store<&ReassemblyOptions::fragment_timeout_ms>},
    {"streams", integer(16, 16'777'216), "16384",
     "TCP connections that may be open, of each queue and each file; one more gives up the one that was "
     "silent "
     "longest, those first that never carried data.",
     store<&ReassemblyOptions::streams>},
    {"memory", bytes(512 * kKiB, 64 * kGiB), "16MiB",
     "The most that segments and unfinished messages of all of them may take.",
     store<&ReassemblyOptions::memory>},
    {"stream_memory", bytes(128 * kKiB, 16 * kMiB), "256KiB",
     "The most of one direction of a connection. What then still lacks its beginning is given up.",
     store<&ReassemblyOptions::stream_memory>},
    {"gap_timeout", duration(1, kHour), "2s", "Bytes that were not captured are waited for so long.",
     store<&ReassemblyOptions::gap_timeout_ms>},
    {"idle_timeout", duration(kSecond, 24 * kHour), "2m",
     "A connection without a segment for so long is over.", store<&ReassemblyOptions::idle_timeout_ms>},
};

constexpr ConfigKey kRingKeys[] = {
    {"depth", integer(1, 4'096), "16", "Batches that may wait between two lcores.",
     store<&RingConfig::depth>},
    {"batch_bytes", bytes(4 * kKiB, 4 * kMiB), "64KiB", "Size of a batch of frames or events.",
     store<&RingConfig::batch_bytes>},
    {"large_batches", integer(1, 4'096), "16",
     "How many frames over `batch_bytes` an ingest or decode lcore may hold at once.",
     store<&RingConfig::large_batches>},
};

constexpr ConfigKey kEalKeys[] = {
    {"hugepages", choice("auto|on|off"), "auto", "auto: if enough of them are free.",
     store<&EalConfig::hugepages>},
    {"memory",
     {KeyType::bytes, 16 * kMiB, 1024 * kGiB, {}, true},
     "auto",
     "EAL's memory, for packet buffers. auto: from the ports.",
     store<&EalConfig::memory>},
    {"args", of_type(KeyType::texts), "[]", "Arguments that are passed on to EAL, after Weir's own.",
     store<&EalConfig::args>},
};

constexpr ConfigKey kLogKeys[] = {
    {"level", choice("debug|info|warning|error|off"), "info",
     "The program's own messages, on standard error.", store<&Config::log_level>},
};

template <auto Field>
void* part(Config& config) {
  return &(config.*Field);
}
void* whole(Config& config) { return &config; }

}  // namespace

const ConfigSection kLcoresSection = {
    "", "lcores", "How many lcores do what, and where.", kLcoreKeys, part<&Config::lcores>, nullptr};
const ConfigSection kMetricsSection = {
    "", "metrics", "Prometheus, docs/metrics.md.", kMetricsKeys, part<&Config::metrics>, nullptr};
const ConfigSection kMatchSection = {
    "",
    "match",
    "Queries and responses of mirrored packets and capture files, and of dnstap with `pair: true`.",
    kMatchKeys,
    part<&Config::match>,
    nullptr};
const ConfigSection kReassemblySection = {
    "",
    "reassembly",
    "How IP fragments and TCP streams of mirrored packets and capture files are put together.",
    kReassemblyKeys,
    part<&Config::reassembly>,
    nullptr};
const ConfigSection kRingsSection = {
    "", "rings", "The hand-off between lcores.", kRingKeys, part<&Config::rings>, nullptr};
const ConfigSection kEalSection = {"", "eal", "DPDK's environment.", kEalKeys, part<&Config::eal>, nullptr};
const ConfigSection kLogSection = {"", "log", "Weir's own messages.", kLogKeys, whole, nullptr};
const ConfigSection kTopSection = {"", "", "Keys of no section.", kTopKeys, whole, nullptr};

}  // namespace weir
