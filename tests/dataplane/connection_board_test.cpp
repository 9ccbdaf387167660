#include "dataplane/connection_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

// Values by "name{key=value,…}".
struct Values : MetricVisitor {
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    EXPECT_FALSE(help.empty());
    std::string key(name);
    for (const Label& label : labels)
      key += (&label == labels.data() ? "{" : ",") + std::string(label.key) + "=" + label.value;
    values[key + "}"] = value;
  }
  void gauge(std::string_view name, std::string_view /*help*/, const Labels& /*labels*/,
             double /*value*/) override {
    ADD_FAILURE() << name;
  }
  void histogram(std::string_view name, std::string_view /*help*/, const Labels& /*labels*/,
                 const Histogram& /*value*/) override {
    ADD_FAILURE() << name;
  }
  std::map<std::string, double> values;
};

std::map<std::string, double> shown(const ConnectionBoard& board) {
  Values values;
  board.describe(values, {{"input", "in"}});
  return values.values;
}

TEST(ConnectionBoard, ShowsWhatAConnectionBrought) {
  ConnectionBoard board(4);
  EXPECT_TRUE(shown(board).empty());
  const auto first = board.show(7, "192.0.2.1:5000", "resolver.example");
  const auto second = board.show(8, "/run/weir.sock", "");
  ASSERT_TRUE(first && second);
  first->frames.add(3);
  first->bytes.add(300);
  first->frames.add(1);
  const std::string of_first = "{input=in,connection=7,peer=192.0.2.1:5000,peer_name=resolver.example}";
  const std::string of_second = "{input=in,connection=8,peer=/run/weir.sock,peer_name=}";
  const std::string frames = "weir_dnstap_connection_frames_total";
  const std::string bytes = "weir_dnstap_connection_bytes_total";
  EXPECT_EQ(
      shown(board),
      (std::map<std::string, double>{
          {frames + of_first, 4}, {bytes + of_first, 300}, {frames + of_second, 0}, {bytes + of_second, 0}}));
}

TEST(ConnectionBoard, HasNoMorePlacesThanItWasGiven) {
  ConnectionBoard board(2);
  const auto first = board.show(1, "a", "");
  EXPECT_TRUE(board.show(2, "b", ""));
  EXPECT_FALSE(board.show(3, "c", ""));
  EXPECT_EQ(shown(board).size(), 4U);
  board.take_down(first);
  EXPECT_EQ(shown(board).size(), 2U);
  EXPECT_TRUE(board.show(4, "d", "")) << "the place is free again";
  EXPECT_FALSE(board.show(5, "e", ""));
  EXPECT_EQ(
      shown(board).count("weir_dnstap_connection_frames_total{input=in,connection=1,peer=a,peer_name=}"), 0U);
}

TEST(ConnectionBoard, MayHaveNoPlaces) {
  ConnectionBoard board(0);
  EXPECT_FALSE(board.show(1, "a", ""));
  EXPECT_TRUE(shown(board).empty());
}

TEST(ConnectionBoard, TakesDownWhatIsNotShown) {
  ConnectionBoard board(1);
  board.take_down(nullptr);  // a connection that found no place
  const auto place = board.show(1, "a", "");
  board.take_down(place);
  board.take_down(place);
  place->frames.add(1);  // the connection still has it
  EXPECT_TRUE(shown(board).empty());
  EXPECT_TRUE(board.show(2, "b", ""));
  EXPECT_FALSE(board.show(3, "c", "")) << "twice taken down is one place";
}

// A scrape shows the places that there were when it began, also those that are taken down meanwhile.
TEST(ConnectionBoard, MayBeReadWhileConnectionsComeAndGo) {
  ConnectionBoard board(8);
  std::atomic<bool> done{false};
  std::thread scrape([&] {
    while (!done.load()) EXPECT_LE(shown(board).size(), 16U);
  });
  std::vector<std::shared_ptr<ConnectionPlace>> places(16);
  for (uint32_t i = 0; i < 2'000; ++i) {
    auto& place = places[i % places.size()];
    board.take_down(place);
    place = board.show(i, "peer", "name");
    if (place) place->frames.add(i);
  }
  done = true;
  scrape.join();
}

}  // namespace
}  // namespace weir
