#include "dataplane/dnstap_listener.h"

#include <fstrm.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "tests/dataplane/listener_fixture.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

class DnstapListenerTest : public ListenerFixture {};

// What the state machine says of a whole stream: the frames, and how it ends.
std::vector<std::string> frames_of(const std::string& stream, uint32_t limit = 1U << 20U) {
  std::vector<std::string> frames;
  FrameStreams streams(limit);
  std::span<const uint8_t> rest(reinterpret_cast<const uint8_t*>(stream.data()), stream.size());
  for (;;) {
    const FrameStreams::Step step = streams.next(rest);
    if (step == FrameStreams::Step::more || step == FrameStreams::Step::fault) return frames;
    if (step == FrameStreams::Step::frame)
      frames.emplace_back(streams.frame().begin(), streams.frame().end());
  }
}

class OverBoth : public DnstapListenerTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    DnstapListenerTest::SetUp();
    if (std::string(GetParam()) == "tcp") use_tcp();
  }
};
INSTANTIATE_TEST_SUITE_P(Sockets, OverBoth, testing::Values("tcp", "unix"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(OverBoth, HandshakeFramesAndFinish) {
  open();
  DnstapSender sender = this->sender();
  sender.send_all(kReady);
  poll_until([&] { return sender.replies() == kAccept; });
  sender.send_all(kStart + data_frame("one") + data_frame("two") + kStop);
  poll_until([&] { return sender.replies() == kAccept + kFinish; });
  EXPECT_EQ(payloads(), std::vector<std::string>({"one", "two"}));
  const Frame& head = sink().frames().at(0).head;
  EXPECT_EQ(head.input, 3);
  EXPECT_EQ(head.kind, FrameKind::dnstap);
  EXPECT_GT(head.arrival_ns, kNsPerSec);
  EXPECT_EQ(head.src.addr.present(), options_.listen->scheme == Target::Scheme::tcp);
  if (head.src.addr.present()) {
    EXPECT_EQ(to_string(head.src.addr), "127.0.0.1");
    EXPECT_TRUE(head.src.has_port);
  }
  sender.close();
  poll_until_closed();
  EXPECT_EQ(listener().closed(ConnectionEnd::finished), 1U);
  expect_even(*inputs_[0]);
}

TEST_P(OverBoth, RealStreamsComeWhole) {
  fs::path dir = test_data("dnstap/raw");
  if (!corpus_dir().empty()) dir = corpus_dir() / "dnstap/raw";
  open();
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(dir)) {
    SCOPED_TRACE(entry.path());
    const std::string stream = text(entry.path());
    sink().frames().clear();
    DnstapSender sender = this->sender();
    const auto expected = frames_of(stream);
    std::string left = stream;
    poll_until([&] { return sender.send(left) && sink().frames().size() >= expected.size(); });
    sender.close();
    poll_until_closed();
    EXPECT_TRUE(payloads() == expected);
    EXPECT_GT(expected.size(), 50U);
    ++files;
  }
  EXPECT_GE(files, 3U);
  expect_even(*inputs_[0]);
}

TEST_P(OverBoth, LibfstrmAsSenderIsContent) {
  open();
  const Target to = listener().bound();
  constexpr int kFrames = 20'000;
  std::atomic<int> result{-1};
  std::thread thread([&] {
    fstrm_writer_options* writer_options = fstrm_writer_options_init();
    fstrm_writer_options_add_content_type(writer_options, kDnstapContentType.data(),
                                          kDnstapContentType.size());
    fstrm_writer* writer = nullptr;
    if (to.scheme == Target::Scheme::tcp) {
      fstrm_tcp_writer_options* options = fstrm_tcp_writer_options_init();
      fstrm_tcp_writer_options_set_socket_address(options, "127.0.0.1");
      fstrm_tcp_writer_options_set_socket_port(options, std::to_string(to.port).c_str());
      writer = fstrm_tcp_writer_init(options, writer_options);
      fstrm_tcp_writer_options_destroy(&options);
    } else {
      fstrm_unix_writer_options* options = fstrm_unix_writer_options_init();
      fstrm_unix_writer_options_set_socket_path(options, to.path.c_str());
      writer = fstrm_unix_writer_init(options, writer_options);
      fstrm_unix_writer_options_destroy(&options);
    }
    fstrm_writer_options_destroy(&writer_options);
    bool sound = true;
    for (int i = 0; i < kFrames; ++i) {
      const std::string payload = "frame " + std::to_string(i);
      sound &= fstrm_writer_write(writer, payload.data(), payload.size()) == fstrm_res_success;
    }
    // Success only with FINISH.
    sound &= fstrm_writer_close(writer) == fstrm_res_success;
    fstrm_writer_destroy(&writer);
    result = sound ? 1 : 0;
  });
  poll_until([&] { return result >= 0; });
  thread.join();
  poll_until_closed();
  EXPECT_EQ(result, 1);
  ASSERT_EQ(sink().frames().size(), static_cast<size_t>(kFrames));
  EXPECT_EQ(sink().frames().back().payload, "frame 19999");
  EXPECT_EQ(listener().closed(ConnectionEnd::finished), 1U);
}

TEST_P(OverBoth, ManyConnectionsAreSharedByTheInstances) {
  constexpr unsigned kConnections = 150;
  constexpr unsigned kFrames = 40;
  open(3);
  std::vector<DnstapSender> senders;
  std::vector<std::string> left(kConnections, kReady + kStart);
  for (unsigned c = 0; c < kConnections; ++c) {
    for (unsigned f = 0; f < kFrames; ++f)
      left[c] +=
          data_frame(std::to_string(c) + " " + std::to_string(f) + std::string((c * 31 + f * 7) % 900, 'x'));
    left[c] += kStop;
    senders.push_back(sender());
    poll();
  }
  poll_until([&] {
    return listener(0).connections() + listener(1).connections() + listener(2).connections() == kConnections;
  });
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(listener(i).connections(), kConnections / 3);
  // In small pieces, all connections in turn.
  for (bool more = true; more;) {
    more = false;
    for (unsigned c = 0; c < kConnections; ++c) {
      std::string piece = left[c].substr(0, 700 + c);
      const size_t n = piece.size();
      ASSERT_TRUE(senders[c].send(piece));
      left[c].erase(0, n - piece.size());
      more |= !left[c].empty();
    }
    poll();
  }
  for (auto& sender : senders) poll_until([&] { return sender.replies() == kAccept + kFinish; });
  senders.clear();
  poll_until_closed();
  std::map<std::string, unsigned> next;
  size_t total = 0;
  for (unsigned i = 0; i < 3; ++i) {
    expect_even(*inputs_[i]);
    for (const CaughtFrame& frame : sink(i).frames()) {
      const size_t space = frame.payload.find(' ');
      EXPECT_EQ(std::stoul(frame.payload.substr(space + 1)), next[frame.payload.substr(0, space)]++);
      ++total;
    }
  }
  EXPECT_EQ(total, kConnections * kFrames);
}

TEST_P(OverBoth, ByteByByte) {
  open();
  DnstapSender sender = this->sender();
  const std::string stream = kReady + kStart + data_frame("a") + data_frame(std::string(300, 'b')) + kStop;
  for (char c : stream) {
    sender.send_all(std::string(1, c));
    poll();
  }
  poll_until([&] { return sender.replies() == kAccept + kFinish; });
  EXPECT_EQ(payloads(), std::vector<std::string>({"a", std::string(300, 'b')}));
}

TEST_P(OverBoth, SenderKilledInAFrameIsCounted) {
  open();
  for (const std::string& part :
       {std::string("\0", 1), std::string("\0\0\0", 3), data_frame("half").substr(0, 6)}) {
    DnstapSender sender = this->sender();
    sender.send_all(kReady + kStart + data_frame("whole") + part);
    poll_until([&] { return listener().connections() == 1; });
    sender.close();
    poll_until_closed();
  }
  EXPECT_EQ(payloads(), std::vector<std::string>(3, "whole"));
  EXPECT_EQ(counters().units.get(), 6U);
  EXPECT_EQ(counters().drops.get(Drop::frame_cut), 3U);
  EXPECT_EQ(listener().closed(ConnectionEnd::eof) + listener().closed(ConnectionEnd::reset), 3U);
  expect_even(*inputs_[0]);
}

TEST_P(OverBoth, FrameOverTheLimitIsSkippedAndTheConnectionLivesOn) {
  options_.frame_limit = 70'000;
  open();
  DnstapSender sender = this->sender();
  std::string left = kStart + data_frame(std::string(70'000, 'a')) + data_frame(std::string(700'000, 'b')) +
                     data_frame("after") + kStop;
  poll_until([&] { return sender.send(left) && left.empty() && sink().frames().size() == 2; });
  EXPECT_EQ(payloads()[0], std::string(70'000, 'a'));
  EXPECT_EQ(payloads()[1], "after");
  EXPECT_EQ(counters().drops.get(Drop::frame_too_long), 1U);
  EXPECT_EQ(listener().connections(), 1U);
  expect_even(*inputs_[0]);
}

TEST_P(OverBoth, LargeFramesComeWholeInSmallReads) {
  options_.read_buffer = 4096;
  open();
  DnstapSender sender = this->sender();
  std::string left = kStart;
  std::vector<std::string> sent;
  for (size_t n : {1U << 20U, 3U, 5000U, 4092U, 4096U, 100'000U}) {
    sent.emplace_back(n, static_cast<char>('a' + sent.size()));
    left += data_frame(sent.back());
  }
  poll_until([&] { return sender.send(left) && left.empty() && sink().frames().size() == sent.size(); });
  EXPECT_EQ(payloads(), sent);
}

TEST_P(OverBoth, StopReadsWhatWasSentBefore) {
  open(2);
  std::vector<DnstapSender> senders;
  for (int i = 0; i < 6; ++i) {
    senders.push_back(sender());
    senders.back().send_all(kStart);
    poll();
  }
  poll_until([&] { return listener(0).connections() + listener(1).connections() == 6; });
  for (int i = 0; i < 20; ++i) poll();  // START is read
  for (auto& sender : senders)
    for (int f = 0; f < 100; ++f) sender.send_all(data_frame("frame " + std::to_string(f)));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // loopback delivers
  for (auto& input : inputs_) input->stop(now_);
  EXPECT_FALSE(DnstapSender(listener().bound()).connected());
  EXPECT_FALSE(fs::exists(dir_ / "sock"));
  poll_until([&] { return poll() == Poll::done; });
  EXPECT_EQ(sink(0).frames().size() + sink(1).frames().size(), 600U);
  EXPECT_EQ(counters(0).drops.get(Drop::frame_cut) + counters(1).drops.get(Drop::frame_cut), 0U);
  for (auto& sender : senders) EXPECT_TRUE(sender.closed());
}

TEST_P(OverBoth, StopEndsWithAFastSenderAndCutsNoFrame) {
  open();
  DnstapSender sender = this->sender();
  sender.send_all(kStart);
  std::atomic<bool> quit{false};
  std::thread thread([&] {
    const std::string frame = data_frame(std::string(9000, 'f'));
    std::string left;
    while (!quit) {
      if (left.empty()) left = frame;
      if (!sender.send(left)) return;
    }
  });
  poll_until([&] { return sink().frames().size() > 100; });
  inputs_[0]->stop(now_);
  bool ended = false;
  poll_until([&] {
    now_.mono_ns += kNsPerMs;
    return ended = ended || poll() == Poll::done;
  });
  quit = true;
  thread.join();
  expect_even(*inputs_[0]);
  for (const CaughtFrame& frame : sink().frames()) EXPECT_EQ(frame.payload.size(), 9000U);
  // Over TCP we stop between two frames; a UNIX socket is shut, so the sender itself may be cut within one.
  if (options_.listen->scheme == Target::Scheme::tcp) {
    EXPECT_EQ(counters().drops.get(Drop::frame_cut), 0U);
  }
}

TEST_F(DnstapListenerTest, MalformedStreamsGiveTheirSoundFrames) {
  fs::path dir = test_data("malformed");
  if (!corpus_dir().empty()) dir = corpus_dir() / "malformed";
  open();
  uint64_t faults = 0;
  size_t files = 0;
  for (const char* folder : {"stream", "fstrm"}) {
    for (const auto& entry : fs::directory_iterator(dir / folder)) {
      SCOPED_TRACE(entry.path());
      const std::string stream = text(entry.path());
      sink().frames().clear();
      DnstapSender sender = this->sender();
      std::string left = stream;
      poll_until([&] { return !sender.send(left) || left.empty(); });
      sender.close();
      poll_until_closed();
      EXPECT_TRUE(payloads() == frames_of(stream));
      expect_even(*inputs_[0]);
      ++files;
    }
  }
  for (size_t i = 1; i < kStreamFaultCount; ++i) faults += listener().faults(static_cast<StreamFault>(i));
  EXPECT_EQ(faults, listener().closed(ConnectionEnd::fault));
  EXPECT_GT(faults, 20U);
  EXPECT_GT(files, 50U);
}

TEST_F(DnstapListenerTest, WrongContentTypeIsClosedAndCounted) {
  open();
  DnstapSender sender = this->sender();
  sender.send_all(text(test_data("malformed/stream/ready-wrong-type.raw")));
  poll_until([&] { return sender.closed(); });
  EXPECT_EQ(sender.replies(), "");
  EXPECT_EQ(listener().faults(StreamFault::content_type), 1U);
  EXPECT_EQ(counters().units.get(), 0U);
}

TEST_F(DnstapListenerTest, HandshakeTimeOut) {
  options_.handshake_timeout_ms = 5000;
  open();
  DnstapSender silent = sender();
  DnstapSender trickles = sender();
  DnstapSender sound = sender();
  trickles.send_all(kReady.substr(0, 10));
  sound.send_all(kStart);
  poll_until([&] { return listener().connections() == 3; });
  for (int i = 0; i < 10; ++i) poll();
  pass_ms(4000);
  trickles.send_all(kReady.substr(10, 5));
  for (int i = 0; i < 10; ++i) poll();
  EXPECT_EQ(listener().connections(), 3U);
  pass_ms(1100);
  poll_until_closed(1);
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(trickles.closed());
  EXPECT_FALSE(sound.closed());
  EXPECT_EQ(listener().closed(ConnectionEnd::handshake_timeout), 2U);
}

TEST_F(DnstapListenerTest, IdleTimeOut) {
  options_.idle_timeout_ms = 2000;
  open();
  DnstapSender idle = sender();
  DnstapSender busy = sender();
  idle.send_all(kStart + data_frame("cut").substr(0, 5));
  busy.send_all(kStart);
  poll_until([&] { return listener().connections() == 2; });
  for (int i = 0; i < 4; ++i) {
    busy.send_all(data_frame("x"));
    for (int j = 0; j < 10; ++j) poll();
    pass_ms(900);
  }
  // Bytes that wait in the socket are no idleness, however late we come.
  busy.send_all(data_frame("x"));
  poll_until_closed(1);
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(listener().closed(ConnectionEnd::idle_timeout), 1U);
  EXPECT_EQ(counters().drops.get(Drop::frame_cut), 1U);
  busy.send_all(data_frame("x"));
  pass_ms(10'000);
  for (int j = 0; j < 10; ++j) poll();
  EXPECT_EQ(listener().connections(), 1U);
  EXPECT_EQ(sink().frames().size(), 6U);
}

TEST_F(DnstapListenerTest, NoIdleTimeOutByDefaultAndAfterStopTheConnectionIsLetGo) {
  options_.handshake_timeout_ms = 1000;
  open();
  DnstapSender quiet = sender();
  DnstapSender stopped = sender();
  quiet.send_all(kStart);
  stopped.send_all(kStart + data_frame("x") + kStop);
  poll_until([&] { return sink().frames().size() == 1; });
  pass_ms(3'600'000);
  poll_until_closed(1);
  EXPECT_FALSE(quiet.closed());
  EXPECT_TRUE(stopped.closed());
  EXPECT_EQ(listener().closed(ConnectionEnd::finished), 1U);
}

TEST_F(DnstapListenerTest, ConnectionLimitHoldsOverAllInstances) {
  options_.max_connections = 3;
  open(2);
  std::vector<DnstapSender> senders;
  for (int i = 0; i < 5; ++i) {
    senders.push_back(sender());
    for (int j = 0; j < 5; ++j) poll();
  }
  EXPECT_EQ(listener(0).connections() + listener(1).connections(), 3U);
  EXPECT_TRUE(senders[3].closed());
  EXPECT_TRUE(senders[4].closed());
  senders[0].close();
  poll_until_closed(2);
  senders.push_back(sender());
  poll_until_closed(3);
  EXPECT_FALSE(senders.back().closed());
}

TEST_F(DnstapListenerTest, LimitOnOpenFilesIsRaisedForMaxConnections) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 5000) GTEST_SKIP() << "the hard limit on open files is " << before.rlim_max;
  rlimit low = before;
  low.rlim_cur = 1024;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  open();
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GE(after.rlim_cur, 4096U);
}

TEST_F(DnstapListenerTest, NoFileDescriptorLeftIsWaitedOut) {
  open();
  std::vector<DnstapSender> senders;
  senders.push_back(sender());
  poll_until_closed(1);
  senders.push_back(sender());  // waits in the backlog
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  int busy = 0;
  for (int i = 0; i < 50; ++i) busy += poll() == Poll::busy ? 1 : 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(busy, 0);  // no spinning on a listening socket that stays ready
  EXPECT_EQ(listener().connections(), 1U);
  senders[0].send_all(kStart + data_frame("alive"));
  poll_until([&] { return sink().frames().size() == 1; });
  pass_ms(200);
  poll_until_closed(2);
}

TEST_F(DnstapListenerTest, BackpressureLosesNothingAndKeepsTheOrder) {
  sinks_.push_back(std::make_unique<FrameCatcher>(1, 1, 3, 4096));
  open();
  decode_takes_ = false;
  std::vector<DnstapSender> senders;
  std::vector<std::string> left;
  constexpr int kFrames = 10'000;
  for (int c = 0; c < 3; ++c) {
    senders.push_back(sender());
    left.push_back(kReady + kStart);
    for (int f = 0; f < kFrames; ++f)
      left.back() += data_frame(std::to_string(c) + " " + std::to_string(f) +
                                std::string(static_cast<size_t>(f % 200), 'x'));
    left.back() += kStop;
  }
  const auto send_some = [&] {
    for (int c = 0; c < 3; ++c)
      ASSERT_TRUE(senders[static_cast<size_t>(c)].send(left[static_cast<size_t>(c)]));
  };
  // Nothing is taken: the listener fills its ring, then waits, and the senders' sockets fill.
  for (int i = 0; i < 200; ++i) {
    send_some();
    poll();
  }
  EXPECT_FALSE(left[0].empty());
  EXPECT_EQ(poll(), Poll::idle);
  const uint64_t waited = counters().backpressure_ns.get();
  EXPECT_GT(waited, 0U);
  poll();
  EXPECT_GT(counters().backpressure_ns.get(), waited);
  expect_even(*inputs_[0]);
  // The decode side takes a little at a time.
  for (int i = 0; i < 100'000 && sink().frames().size() < 3 * kFrames; ++i) {
    send_some();
    poll();
    sink().pop_all();
    if (i % 50 == 0) sink().drain();
  }
  sink().drain();
  ASSERT_EQ(sink().frames().size(), 3U * kFrames);
  std::map<std::string, int> next;
  for (const CaughtFrame& frame : sink().frames()) {
    const size_t space = frame.payload.find(' ');
    EXPECT_EQ(std::stoi(frame.payload.substr(space + 1)), next[frame.payload.substr(0, space)]++);
  }
  EXPECT_EQ(counters().drops.total(StageKind::ingest), 0U);
  expect_even(*inputs_[0]);
}

TEST_F(DnstapListenerTest, AFastSenderDoesNotKeepOthersFromBeingRead) {
  sinks_.push_back(std::make_unique<FrameCatcher>(1, 1, 3, 4096));
  open();
  decode_takes_ = false;
  DnstapSender fast = sender();
  DnstapSender slow = sender();
  slow.send_all(kStart);
  std::string flood = kStart;
  while (flood.size() < 4U << 20U) flood += data_frame(std::string(200, 'f'));
  const size_t all = flood.size();
  poll_until([&] {
    EXPECT_TRUE(fast.send(flood));
    return listener().connections() == 2 && poll() == Poll::idle;
  });
  slow.send_all(data_frame("slow"));
  bool came = false;
  for (int i = 0; i < 100'000 && !came; ++i) {
    ASSERT_TRUE(fast.send(flood));
    poll();
    sink().pop_all();
    for (const CaughtFrame& frame : sink().frames()) came |= frame.payload == "slow";
    if (sink().frames().size() > 100) sink().frames().clear();
  }
  EXPECT_TRUE(came);
  EXPECT_GT(flood.size(), all / 4);
}

TEST_F(DnstapListenerTest, WaitingForRoomIsNoIdleness) {
  options_.idle_timeout_ms = 1000;
  sinks_.push_back(std::make_unique<FrameCatcher>(1, 1, 3, 4096));
  open();
  decode_takes_ = false;
  DnstapSender one = sender();
  DnstapSender other = sender();
  other.send_all(kStart);
  poll_until([&] { return listener().connections() == 2; });
  for (int i = 0; i < 10; ++i) poll();
  std::string flood = kStart;
  while (flood.size() < 100'000) flood += data_frame(std::string(200, 'f'));
  ASSERT_TRUE(one.send(flood));
  for (int i = 0; i < 10; ++i) poll();
  EXPECT_EQ(poll(), Poll::idle);
  pass_ms(5000);
  decode_takes_ = true;
  for (int i = 0; i < 100; ++i) poll();
  EXPECT_EQ(listener().connections(), 2U);
}

TEST_F(DnstapListenerTest, OverflowDropCountsWhatDoesNotFit) {
  options_.overflow = Overflow::drop;
  sinks_.push_back(std::make_unique<FrameCatcher>(1, 1, 3, 4096));
  open();
  decode_takes_ = false;
  DnstapSender sender = this->sender();
  std::string left = kReady + kStart;
  for (int f = 0; f < 5000; ++f) left += data_frame(std::string(100, 'x'));
  left += kStop;
  poll_until([&] { return sender.send(left) && sender.replies() == kAccept + kFinish; });
  sink().drain();
  EXPECT_EQ(counters().units.get(), 5000U);
  EXPECT_EQ(counters().frames.get(), sink().frames().size());
  EXPECT_GT(counters().drops.get(Drop::ring_full) + counters().drops.get(Drop::pool_empty), 4000U);
  EXPECT_EQ(counters().backpressure_ns.get(), 0U);
  expect_even(*inputs_[0]);
}

TEST_F(DnstapListenerTest, AbandonedWhileItWaitsForRoom) {
  sinks_.push_back(std::make_unique<FrameCatcher>(1, 1, 3, 4096));
  open();
  decode_takes_ = false;
  DnstapSender sender = this->sender();
  std::string left = kStart;
  for (int f = 0; f < 500; ++f) left += data_frame(std::string(100, 'x'));
  left += data_frame("part").substr(0, 6);
  sender.send_all(left);
  for (int i = 0; i < 20; ++i) poll();
  inputs_[0]->stop(now_);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(poll(), Poll::idle);
  inputs_[0]->abandon();
  EXPECT_EQ(counters().units.get(), 501U);
  EXPECT_GT(counters().drops.get(Drop::ingest_shutdown), 300U);
  EXPECT_EQ(counters().drops.get(Drop::frame_cut), 1U);
  EXPECT_EQ(listener().connections(), 0U);
  expect_even(*inputs_[0]);
  EXPECT_TRUE(sender.closed());
}

TEST_F(DnstapListenerTest, UnfinishedFramesOfManySendersAreBounded) {
  open();
  std::vector<DnstapSender> senders;
  std::vector<std::string> left;
  for (int c = 0; c < 80; ++c) {
    senders.push_back(sender());
    std::string begun = kStart + data_frame(std::string(1U << 20U, 'x'));
    begun.resize(begun.size() - 1);
    left.push_back(std::move(begun));
  }
  poll_until([&] {
    bool sent = true;
    for (size_t c = 0; c < senders.size(); ++c) {
      if (!senders[c].send(left[c])) left[c].clear();  // closed by us
      sent &= left[c].empty();
    }
    return sent && poll() != Poll::busy;
  });
  EXPECT_LE(listener().connections(), 65U);
  EXPECT_GE(listener().connections(), 50U);
  EXPECT_EQ(listener().closed(ConnectionEnd::memory), 80 - listener().connections());
  EXPECT_EQ(counters().drops.get(Drop::frame_memory), 80 - listener().connections());
  EXPECT_EQ(counters().drops.get(Drop::frame_cut), 0U);
  for (auto& sender : senders) {
    std::string last = "x";
    (void)sender.send(last);
  }
  const size_t open_now = listener().connections();
  poll_until([&] { return sink().frames().size() == open_now; });
  expect_even(*inputs_[0]);
}

TEST_F(DnstapListenerTest, InstancesOnTheirOwnThreads) {
  use_tcp();
  open(2);
  std::atomic<bool> stop{false};
  std::vector<std::thread> lcores;
  for (unsigned i = 0; i < 2; ++i) {
    lcores.emplace_back([&, i] {
      bool stopping = false;
      for (;;) {
        if (stop && !stopping) {
          stopping = true;
          inputs_[i]->stop(read_clock());
        }
        const Poll result = inputs_[i]->poll(read_clock(), sink(i).writer());
        sink(i).drain();
        if (result == Poll::done) return;
        if (result == Poll::idle) std::this_thread::yield();
      }
    });
  }
  constexpr size_t kSenders = 20;
  constexpr size_t kFrames = 200;
  std::vector<DnstapSender> senders;
  std::string stream = kReady + kStart;
  for (size_t f = 0; f < kFrames; ++f) stream += data_frame(std::string(1 + f, 'x'));
  stream += kStop;
  for (size_t c = 0; c < kSenders; ++c) {
    senders.push_back(sender());
    senders.back().send_all(stream);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (auto& sender : senders)
    while (sender.replies() != kAccept + kFinish && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  stop = true;
  for (auto& lcore : lcores) lcore.join();
  EXPECT_EQ(sink(0).frames().size() + sink(1).frames().size(), kSenders * kFrames);
  EXPECT_GT(sink(0).frames().size(), 0U);
  EXPECT_GT(sink(1).frames().size(), 0U);
}

class Names : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    EXPECT_TRUE(name.ends_with("_total")) << name;
    gauge(name, help, labels, value);
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    EXPECT_FALSE(help.empty());
    std::string key(name);
    for (const Label& label : labels) key += "," + std::string(label.key) + "=" + label.value;
    EXPECT_TRUE(samples.emplace(key, value).second) << key << " twice";
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
  std::map<std::string, double> samples;
};

TEST_F(DnstapListenerTest, MetricsOfItsOwn) {
  open();
  DnstapSender sender = this->sender();
  sender.send_all(kReady + kReady + kStart + data_frame("x") + data_frame("half").substr(0, 6));
  poll_until([&] { return sink().frames().size() == 1; });
  Names names;
  listener().describe(names);
  EXPECT_EQ(names.samples["weir_dnstap_connections,input=dnstap,lcore=0"], 1);
  EXPECT_EQ(names.samples["weir_dnstap_connections_accepted_total,input=dnstap,lcore=0"], 1);
  EXPECT_EQ(names.samples["weir_dnstap_control_ignored_total,input=dnstap,lcore=0"], 1);
  EXPECT_GE(names.samples["weir_dnstap_held_bytes,input=dnstap,lcore=0"], 6);
  EXPECT_EQ(names.samples.count("weir_dnstap_stream_faults_total,input=dnstap,lcore=0,reason=content_type"),
            1U);
  EXPECT_EQ(sender.replies(), kAccept);
  sender.close();
  poll_until_closed();
  Names after;
  listener().describe(after);
  EXPECT_EQ(after.samples["weir_dnstap_held_bytes,input=dnstap,lcore=0"], 0);
  EXPECT_EQ(after.samples["weir_dnstap_connections_closed_total,input=dnstap,lcore=0,reason=eof"], 1);
}

}  // namespace
}  // namespace weir
