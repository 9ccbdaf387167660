// A listener under test: its instances, the decode side of each, and a clock that the test moves.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/dnstap_listener.h"
#include "tests/dataplane/dnstap_sender.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/test_data.h"

namespace weir {

class ListenerFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-listen-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    options_.listen = *parse_target("unix://" + name + "/sock");
  }
  void TearDown() override {
    inputs_.clear();
    std::filesystem::remove_all(dir_);
  }

  void use_tcp() { options_.listen = *parse_target("tcp://127.0.0.1:0"); }

  void open(unsigned lcores = 1) {
    auto opened = open_dnstap_listener(options_, 3, lcores);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    inputs_ = std::move(opened).value();
    while (sinks_.size() < lcores) sinks_.push_back(std::make_unique<FrameCatcher>());
  }
  std::string refusal() {
    auto opened = open_dnstap_listener(options_, 0, 1);
    return opened.ok() ? "" : opened.error().message;
  }

  DnstapListener& listener(unsigned lcore = 0) { return static_cast<DnstapListener&>(*inputs_.at(lcore)); }
  FrameCatcher& sink(unsigned lcore = 0) { return *sinks_.at(lcore); }
  const InputCounters& counters(unsigned lcore = 0) { return inputs_.at(lcore)->counters(); }
  DnstapSender sender() {
    DnstapSender sender(listener().bound());
    EXPECT_TRUE(sender.connected());
    return sender;
  }

  // One poll of every instance; the decode side takes what came if it takes at all.
  Poll poll() {
    now_.mono_ns += 1000;
    Poll all = Poll::done;
    for (unsigned i = 0; i < inputs_.size(); ++i) {
      const Poll result = inputs_[i]->poll(now_, sink(i).writer());
      if (result != Poll::done) all = result == Poll::busy || all == Poll::busy ? Poll::busy : Poll::idle;
      if (decode_takes_) sink(i).drain();
    }
    return all;
  }
  // Polls until `done`; gives up after five seconds without it.
  void poll_until(const std::function<bool()>& done) {
    for (int i = 0; i < 50'000; ++i) {
      const Poll result = poll();
      if (done()) return;
      if (result != Poll::busy) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    ADD_FAILURE() << "does not come to pass";
  }
  void poll_until_closed(uint64_t connections = 0) {
    poll_until([&] {
      uint64_t open = 0;
      for (unsigned i = 0; i < inputs_.size(); ++i) open += listener(i).connections();
      return open == connections;
    });
  }
  void pass_ms(uint64_t ms) { now_.mono_ns += ms * kNsPerMs; }

  std::vector<std::string> payloads(unsigned lcore = 0) {
    std::vector<std::string> all;
    for (const CaughtFrame& frame : sink(lcore).frames()) all.push_back(frame.payload);
    return all;
  }
  static std::string text(const std::filesystem::path& path) {
    const auto bytes = read_file(path);
    return {bytes.begin(), bytes.end()};
  }

  const std::string kReady = control_bytes(ControlType::ready);
  const std::string kAccept = control_bytes(ControlType::accept);
  const std::string kStart = control_bytes(ControlType::start);
  const std::string kStop = control_bytes(ControlType::stop);
  const std::string kFinish = control_bytes(ControlType::finish);

  std::filesystem::path dir_;
  DnstapInputOptions options_;
  std::vector<std::unique_ptr<FrameCatcher>> sinks_;
  std::vector<std::unique_ptr<Input>> inputs_;
  Now now_{.mono_ns = kNsPerSec, .wall_ns = 0};
  bool decode_takes_ = true;
};

}  // namespace weir
