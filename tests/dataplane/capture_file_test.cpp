#include "dataplane/capture_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "dataplane/capture/capture_parser.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/dataplane/packet_builder.h"
#include "tests/test_data.h"

namespace weir {
namespace {

using namespace packets;
namespace fs = std::filesystem;

struct ReadFile {
  bool is_capture = false;
  std::vector<CaughtFrame> frames;
  InputCounters counters;
  std::string fault;
  [[nodiscard]] uint64_t drops(Drop drop) const { return counters.drops.get(drop); }
};

// Reads the file as a file input does. `batches` small: rings and pool are full all the time.
std::unique_ptr<ReadFile> read_capture(std::unique_ptr<ByteSource> source, size_t batches = 64) {
  auto file = std::make_unique<ReadFile>();
  while (source->window().size() < 4 && source->fill(4) != ByteSource::Fill::end) {
  }
  auto reader = make_capture_reader(source->window(), source->name(), PacketOptions{}, 3);
  if (reader == nullptr) return file;
  file->is_capture = true;
  FrameCatcher catcher(2, 2, batches);
  Now now{1000, 2000};
  for (int polls = 0; polls < 1'000'000; ++polls) {
    const Poll poll = reader->read(*source, now, catcher.writer(), file->counters);
    if (poll == Poll::done) {
      while (!reader->finish(now, catcher.writer(), file->counters)) catcher.drain();
      catcher.drain();
      file->fault = reader->fault();
      file->frames = std::move(catcher.frames());
      EXPECT_EQ(file->counters.frames.get(), file->frames.size());
      EXPECT_EQ(reader->held_units(), 0U);
      uint64_t units = file->counters.drops.total(StageKind::ingest);
      for (const CaughtFrame& frame : file->frames) units += frame.head.units;
      EXPECT_EQ(file->counters.units.get(), units);
      return file;
    }
    if (reader->waits_for_room()) catcher.drain();
  }
  ADD_FAILURE() << "reads for ever";
  return file;
}

std::unique_ptr<ReadFile> read_capture(const fs::path& path, size_t batches = 64) {
  auto source = ByteSource::open(path.string());
  if (!source) {
    ADD_FAILURE() << source.error().message;
    return std::make_unique<ReadFile>();
  }
  return read_capture(std::move(*source), batches);
}

std::unique_ptr<ReadFile> read_bytes(const Bytes& bytes) {
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(::lseek(fd, 0, SEEK_SET), 0);
  auto source = ByteSource::from_fd(fd, "capture");
  EXPECT_TRUE(source.ok());
  return read_capture(std::move(*source));
}

// One DNS message of tshark's list, and the same fields of a frame.
struct Message {
  std::string time, src, dst;
  uint32_t sport = 0, dport = 0, id = 0, flags = 0;
  bool operator==(const Message&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Message& m) {
  return out << m.time << ' ' << m.src << ':' << m.sport << " > " << m.dst << ':' << m.dport << " id " << m.id
             << " flags " << m.flags;
}

std::string field(const std::string& line, const std::string& key) {
  size_t at = line.find('"' + key + "\":");
  if (at == std::string::npos) return {};
  at = line.find_first_not_of(' ', at + key.size() + 3);
  if (line[at] == '"') return line.substr(at + 1, line.find('"', at + 1) - at - 1);
  return line.substr(at, line.find_first_of(",}", at) - at);
}

uint32_t number(const std::string& line, const std::string& key) {
  const std::string text = field(line, key);
  return text.empty() ? 0 : static_cast<uint32_t>(std::stoul(text));
}

// What Weir has to find of tshark's list: what has a port of DNS.
std::vector<Message> expected_messages(const fs::path& jsonl) {
  auto source = ByteSource::open(jsonl.string());  // .gz or not
  EXPECT_TRUE(source.ok()) << jsonl;
  while ((*source)->fill() != ByteSource::Fill::end) {
  }
  const auto bytes = (*source)->window();
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  std::vector<Message> messages;
  for (std::string line; std::getline(in, line);) {
    Message m{field(line, "time"),   field(line, "src"), field(line, "dst"),   number(line, "sport"),
              number(line, "dport"), number(line, "id"), number(line, "flags")};
    if (m.sport == 53 || m.dport == 53) messages.push_back(m);
  }
  return messages;
}

std::vector<Message> found_in(const ReadFile& file) {
  std::vector<Message> messages;
  for (const CaughtFrame& frame : file.frames) {
    const Frame& head = frame.head;
    EXPECT_NE(head.kind, FrameKind::dnstap);
    EXPECT_EQ(head.input, 3);
    EXPECT_EQ(head.arrival_ns, 1000U);
    EXPECT_FALSE(head.live);
    EXPECT_EQ(head.cut, head.wire_len > head.payload_len);
    char time[40];
    (void)std::snprintf(time, sizeof time, "%llu.%09llu",
                        static_cast<unsigned long long>(head.time_ns / 1'000'000'000),
                        static_cast<unsigned long long>(head.time_ns % 1'000'000'000));
    const auto* dns = reinterpret_cast<const uint8_t*>(frame.payload.data());
    if (frame.payload.size() < 4) continue;
    messages.push_back({time, to_string(head.src.addr), to_string(head.dst.addr), head.src.port,
                        head.dst.port, static_cast<uint32_t>(dns[0] << 8U | dns[1]),
                        static_cast<uint32_t>(dns[2] << 8U | dns[3])});
  }
  return messages;
}

// Two shards are read one after the other, so the order is put right by time before comparing.
bool before(const Message& a, const Message& b) {
  return std::tie(a.time, a.src, a.sport, a.dst, a.dport, a.id, a.flags) <
         std::tie(b.time, b.src, b.sport, b.dst, b.dport, b.id, b.flags);
}
void by_time(std::vector<Message>& messages) { std::stable_sort(messages.begin(), messages.end(), before); }

// Where tshark 4.0 and Weir rightly differ, in messages.
struct Differs {
  size_t more, fewer;
};
const std::map<std::string, Differs> kDiffers = {
    {"variant-null.pcap", {20, 0}},               // tshark does not take 10 (AF_INET6 of Linux) for IPv6
    {"variant-vlan-snap60.pcap", {14, 14}},       // cut fragments: it takes the first's time, not the last's;
    {"recursor-upstream-snap96.pcap", {10, 70}},  // and it takes cut TCP segments for messages
};

void expect_as_tshark(const fs::path& dir, const std::string& name) {
  SCOPED_TRACE(name);
  fs::path jsonl = dir / "expected" / (name + ".jsonl");
  if (!fs::exists(jsonl)) jsonl += ".gz";
  auto expected = expected_messages(jsonl);
  auto file = read_capture(dir / "pcap" / name, 6);
  EXPECT_TRUE(file->is_capture);
  EXPECT_EQ(file->fault, "");
  auto found = found_in(*file);
  by_time(expected);
  by_time(found);
  std::vector<Message> more;
  std::vector<Message> fewer;
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(), std::back_inserter(more),
                      before);
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(), std::back_inserter(fewer),
                      before);
  const auto differs = kDiffers.find(name);
  const Differs known = differs == kDiffers.end() ? Differs{0, 0} : differs->second;
  EXPECT_EQ(more.size(), known.more) << more.front();
  EXPECT_EQ(fewer.size(), known.fewer) << fewer.front();
}

TEST(CaptureFile, FindsWhatTsharkFinds) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(test_data("pcap"))) {
    expect_as_tshark(test_data(), entry.path().filename().string());
    ++files;
  }
  EXPECT_GE(files, 12);
}

TEST(CaptureFile, FindsWhatTsharkFindsInTheCorpus) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the tree";
  for (const auto& entry : fs::directory_iterator(corpus / "pcap")) {
    const std::string name = entry.path().filename().string();
    // snoop is a format of its own.
    if (name != "variant-snoop.snoop") expect_as_tshark(corpus, name);
  }
}

TEST(CaptureFile, CountsEveryPacketOnceWhateverItIsPartOf) {
  const auto file = read_capture(test_data("pcap/variant-base.pcap"));
  EXPECT_EQ(file->counters.units.get(), 483U);
  EXPECT_EQ(file->frames.size(), 288U);
  size_t over_tcp = 0;
  size_t fragments = 0;
  for (const CaughtFrame& frame : file->frames) {
    const bool tcp = frame.head.kind == FrameKind::dns_tcp;
    over_tcp += tcp;
    if (!tcp && frame.head.units > 1) fragments += frame.head.units;
  }
  EXPECT_EQ(over_tcp, 98U);
  // Of 28 messages in 2, 3 and 4 fragments.
  EXPECT_EQ(fragments, 15U * 2 + 11 * 3 + 2 * 4);
}

// Hostile captures: what stands around the fault comes out ("good_before", "good_after" in INDEX.jsonl).
void read_malformed(const fs::path& dir) {
  const Bytes index_bytes = read_file(dir / "INDEX.jsonl");
  std::istringstream index(std::string(index_bytes.begin(), index_bytes.end()));
  int files = 0;
  for (std::string line; std::getline(index, line);) {
    if (field(line, "class") != "pcap") continue;
    SCOPED_TRACE(line);
    const fs::path path = dir / field(line, "file");
    if (!fs::exists(path)) continue;
    const auto file = read_capture(path);
    EXPECT_GE(file->frames.size(), number(line, "good_before") + number(line, "good_after"));
    if (field(line, "framing") == "true") {
      EXPECT_EQ(file->fault, "");
    }
    ++files;
  }
  EXPECT_GE(files, 90);
}

TEST(CaptureFile, SoundPacketsBesideFaultsComeOut) { read_malformed(test_data("malformed")); }

TEST(CaptureFile, SoundPacketsBesideFaultsComeOutOfTheCorpus) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the tree";
  read_malformed(corpus / "malformed");
}

TEST(CaptureFile, NamesTheFaultOfAHeader) {
  EXPECT_NE(read_capture(test_data("malformed/pcap/cut-23.pcap"))->fault.find("ends inside its file header"),
            std::string::npos);
  EXPECT_NE(
      read_capture(test_data("malformed/pcap/ng-shb-cut.pcapng"))->fault.find("ends inside its section"),
      std::string::npos);
  EXPECT_NE(
      read_capture(test_data("malformed/pcap/ng-byte-order-bad.pcapng"))->fault.find("byte-order magic"),
      std::string::npos);
  EXPECT_FALSE(read_capture(test_data("malformed/pcap/magic-bad.pcap"))->is_capture);
  EXPECT_EQ(read_capture(test_data("malformed/pcap/cut-24.pcap"))->fault, "") << "a header alone is a file";
}

TEST(CaptureFile, ACutCountsTheRecordThatItCut) {
  const auto file = read_capture(test_data("malformed/pcap/cut-39.pcap"));
  EXPECT_EQ(file->drops(Drop::frame_cut), 1U);
  EXPECT_EQ(file->fault, "");
}

// --- files built here

Bytes pcap_header(uint32_t magic = 0xa1b2c3d4, uint32_t snaplen = 65535) {
  Bytes f;
  put32(f, magic);
  put16(f, 2);
  put16(f, 4);
  put32(f, 0);
  put32(f, 0);
  put32(f, snaplen);
  put32(f, 1);
  return f;
}
constexpr uint32_t kRight = 0xffffffff;
void pcap_record(Bytes& f, const Bytes& packet, uint32_t seconds, uint32_t captured = kRight,
                 uint32_t wire = kRight) {
  put32(f, seconds);
  put32(f, 5);
  put32(f, captured == kRight ? static_cast<uint32_t>(packet.size()) : captured);
  put32(f, wire == kRight ? static_cast<uint32_t>(packet.size()) : wire);
  put(f, packet);
}

void block(Bytes& f, uint32_t type, Bytes body, int len = -1) {
  while (body.size() % 4 != 0) body.push_back(0);
  const auto total = len < 0 ? static_cast<uint32_t>(body.size() + 12) : static_cast<uint32_t>(len);
  put32(f, type);
  put32(f, total);
  put(f, body);
  put32(f, total);
}
void section(Bytes& f) {
  Bytes body;
  put32(body, 0x1a2b3c4d);
  put16(body, 1);
  put16(body, 0);
  put32(body, 0xffffffff);
  put32(body, 0xffffffff);
  block(f, 0x0a0d0d0a, body);
}
void interface(Bytes& f, unsigned link = 1, uint32_t snaplen = 0, const Bytes& options = {}) {
  Bytes body;
  put16(body, link);
  put16(body, 0);
  put32(body, snaplen);
  put(body, options);
  block(f, 1, body);
}
Bytes resolution(uint8_t value) { return {0, 9, 0, 1, value, 0, 0, 0, 0, 0, 0, 0}; }
void enhanced(Bytes& f, const Bytes& packet, uint64_t ticks, uint32_t interface = 0, int captured = -1) {
  Bytes body;
  put32(body, interface);
  put32(body, static_cast<uint32_t>(ticks >> 32U));
  put32(body, static_cast<uint32_t>(ticks));
  put32(body, captured < 0 ? static_cast<uint32_t>(packet.size()) : static_cast<uint32_t>(captured));
  put32(body, static_cast<uint32_t>(packet.size()));
  put(body, packet);
  block(f, 6, body);
}

std::vector<std::string> payloads(const ReadFile& file) {
  std::vector<std::string> all;
  for (const auto& frame : file.frames) all.push_back(frame.payload);
  std::sort(all.begin(), all.end());
  return all;
}
using Strings = std::vector<std::string>;

TEST(CaptureFile, PcapTimes) {
  Bytes f = pcap_header();
  pcap_record(f, query("a"), 1'700'000'000);
  auto file = read_bytes(f);
  ASSERT_EQ(file->frames.size(), 1U);
  EXPECT_EQ(file->frames[0].head.time_ns, 1'700'000'000'000'005'000U);
  f = pcap_header(0xa1b23c4d);
  pcap_record(f, query("a"), 4'000'000'000U);
  file = read_bytes(f);
  ASSERT_EQ(file->frames.size(), 1U);
  EXPECT_EQ(file->frames[0].head.time_ns, 4'000'000'000'000'000'005U);
}

TEST(CaptureFile, PcapFindsTheNextRecordBehindADamagedLength) {
  for (const uint32_t lie : {0xfffffff0U, 300'000U, 5'000U, 90U, 3U}) {
    Bytes f = pcap_header();
    pcap_record(f, query("a"), 100);
    pcap_record(f, query("lost"), 100, lie, 50);
    for (const char* name : {"b", "c", "d"}) pcap_record(f, query(name), 101);
    const auto file = read_bytes(f);
    auto found = payloads(*file);
    // With the length 3 the record is cut, and the three behind it stand.
    EXPECT_EQ(found, (Strings{"a", "b", "c", "d"})) << lie;
    EXPECT_EQ(file->drops(Drop::capture_damaged), 1U) << lie;
    EXPECT_NE(file->fault.find("is damaged in 1 place"), std::string::npos) << file->fault;
  }
}

TEST(CaptureFile, PcapWithLongStretchOfGarbage) {
  Bytes f = pcap_header();
  pcap_record(f, query("a"), 100);
  uint32_t random = 1;
  for (int i = 0; i < 2'000'000; ++i)
    f.push_back(static_cast<uint8_t>((random = random * 1664525 + 1013904223) >> 24U));
  pcap_record(f, query("b"), 101);
  pcap_record(f, query("c"), 101);
  const auto found = payloads(*read_bytes(f));
  EXPECT_EQ(found, (Strings{"a", "b", "c"}));
}

TEST(CaptureFile, ZerosAtTheEndOfACrashedWriterAreOneDamage) {
  Bytes f = pcap_header();
  pcap_record(f, query("a"), 100);
  f.resize(f.size() + 100'000);
  const auto file = read_bytes(f);
  EXPECT_EQ(payloads(*file), (Strings{"a"}));
  EXPECT_EQ(file->counters.units.get(), 2U);
}

TEST(CaptureFile, OddRecordsCountWhenAnotherFollows) {
  // Some programs write a snap length that is too small, or no length on the wire.
  Bytes f = pcap_header(0xa1b2c3d4, 20);
  pcap_record(f, query("a"), 100, kRight, 0);
  const auto file = read_bytes(f);
  EXPECT_EQ(payloads(*file), (Strings{"a"}));
  EXPECT_EQ(file->fault, "");
}

TEST(CaptureFile, PcapngClocks) {
  struct Case {
    Bytes options;
    uint64_t ticks, ns;
  };
  Bytes offset = {0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 10};
  for (const Case& c :
       {Case{{}, 1'700'000'000'123'456, 1'700'000'000'123'456'000},
        Case{resolution(9), 1'700'000'000'123'456'789, 1'700'000'000'123'456'789},
        Case{resolution(3), 1'700'000'000'123, 1'700'000'000'123'000'000},
        Case{resolution(0), 1'700'000'000, 1'700'000'000'000'000'000},
        Case{resolution(12), 17'000'000'123'456, 17'000'000'123}, Case{resolution(127), 99, 0},
        Case{resolution(0x80 | 10), 1'700'000'000ULL * 1024 + 512, 1'700'000'000'500'000'000},
        Case{resolution(0x80 | 63), 3ULL << 62U, 1'500'000'000}, Case{resolution(0xff), 99, 0},
        Case{offset, 1'000'000, 11'000'000'000}}) {
    Bytes f;
    section(f);
    interface(f, 1, 0, c.options);
    enhanced(f, query("a"), c.ticks);
    const auto file = read_bytes(f);
    ASSERT_EQ(file->frames.size(), 1U);
    EXPECT_EQ(file->frames[0].head.time_ns, c.ns);
  }
}

TEST(CaptureFile, PcapngSectionsAndInterfaces) {
  Bytes f;
  section(f);
  interface(f, 1);
  interface(f, 101, 0, resolution(9));
  enhanced(f, query("a"), 1);
  enhanced(f, ipv4({}, udp(1, 53, text("b"))), 2, 1);
  enhanced(f, query("lost"), 3, 2);
  block(f, 0x80001234, Bytes(1000, 7));
  block(f, 5, Bytes(12, 0));
  section(f);
  enhanced(f, query("lost"), 4);  // the section's interfaces are gone
  interface(f, 101);
  Bytes simple;
  const Bytes raw = ipv4({}, udp(1, 53, text("c")));
  put32(simple, static_cast<uint32_t>(raw.size()));
  put(simple, raw);
  block(f, 3, simple);
  Bytes old;  // interface, drops, time, lengths
  put16(old, 0);
  put16(old, 9);
  put32(old, 0);
  put32(old, 77);
  put32(old, static_cast<uint32_t>(raw.size()));
  put32(old, static_cast<uint32_t>(raw.size()));
  put(old, raw);
  block(f, 2, old);
  const auto file = read_bytes(f);
  EXPECT_EQ(payloads(*file), (Strings{"a", "b", "c", "c"}));
  EXPECT_EQ(file->drops(Drop::capture_damaged), 2U);
}

TEST(CaptureFile, PcapngFindsTheNextBlockBehindDamage) {
  for (const int lie : {13, 8, 0, 400'000, 100'000, 40, 100}) {
    Bytes f;
    section(f);
    interface(f);
    enhanced(f, query("a"), 1);
    block(f, 6, Bytes(80, 0), lie);
    for (const char* name : {"b", "c", "d"}) enhanced(f, query(name), 2);
    const auto file = read_bytes(f);
    EXPECT_EQ(payloads(*file), (Strings{"a", "b", "c", "d"})) << lie;
    EXPECT_EQ(file->drops(Drop::capture_damaged), 1U) << lie;
  }
}

TEST(CaptureFile, PcapngSkipsLongBlocksWithoutKeepingThem) {
  Bytes f;
  section(f);
  block(f, 10, Bytes(3'000'000, 6));  // TLS secrets
  interface(f);
  enhanced(f, query("a"), 1);
  EXPECT_EQ(payloads(*read_bytes(f)), (Strings{"a"}));
}

TEST(CaptureFile, PcapngPacketLongerThanItsBlock) {
  Bytes f;
  section(f);
  interface(f);
  enhanced(f, query("lost"), 1, 0, 500);
  enhanced(f, query("a"), 1);
  const auto file = read_bytes(f);
  EXPECT_EQ(payloads(*file), (Strings{"a"}));
  EXPECT_EQ(file->drops(Drop::capture_damaged), 1U);
}

// Every truncation: whole records come out, the one that is cut is counted, nothing else.
TEST(CaptureFile, CutAnywhere) {
  Bytes ng;
  section(ng);
  interface(ng);
  std::vector<size_t> ng_ends = {ng.size()};
  Bytes pcap = pcap_header();
  std::vector<size_t> pcap_ends = {pcap.size()};
  for (const char* name : {"one", "number two", "3"}) {
    enhanced(ng, query(name), 1);
    ng_ends.push_back(ng.size());
    pcap_record(pcap, query(name), 1);
    pcap_ends.push_back(pcap.size());
  }
  for (const auto& [whole, ends] : {std::pair{&pcap, &pcap_ends}, std::pair{&ng, &ng_ends}}) {
    for (size_t len = 4; len <= whole->size(); ++len) {
      const auto file = read_bytes(Bytes(whole->begin(), whole->begin() + static_cast<long>(len)));
      ASSERT_TRUE(file->is_capture);
      if (len < 28 && !(whole == &pcap && len >= 24)) {
        EXPECT_NE(file->fault, "") << len;
        continue;
      }
      const auto records =
          std::count_if(ends->begin() + 1, ends->end(), [&](size_t end) { return end <= len; });
      const bool at_end =
          std::find(ends->begin(), ends->end(), len) != ends->end() || (whole == &ng && len == 28);
      EXPECT_EQ(file->frames.size(), static_cast<size_t>(records)) << len;
      EXPECT_EQ(file->drops(Drop::frame_cut), at_end ? 0U : 1U) << len;
      EXPECT_EQ(file->counters.units.get(), static_cast<size_t>(records) + (at_end ? 0 : 1)) << len;
    }
  }
}

TEST(CaptureParser, TellsCapturesByTheirFirstBytes) {
  EXPECT_EQ(make_capture_parser({}), nullptr);
  EXPECT_EQ(make_capture_parser(Bytes{0xa1, 0xb2, 0xc3}), nullptr);
  EXPECT_EQ(make_capture_parser(Bytes{0, 0, 0, 0}), nullptr);
  EXPECT_NE(make_capture_parser(Bytes{0xa1, 0xb2, 0xcd, 0x34}), nullptr);
  EXPECT_NE(make_capture_parser(Bytes{0x4d, 0x3c, 0xb2, 0xa1}), nullptr);
  EXPECT_NE(make_capture_parser(Bytes{0x0a, 0x0d, 0x0d, 0x0a}), nullptr);
}

}  // namespace
}  // namespace weir
