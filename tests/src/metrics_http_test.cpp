#include "src/metrics_http.h"
#include "tests/loopback.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace weir {
namespace {

// A port that was free a moment ago.
uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const uint16_t port = bind_to_loopback(fd);
  close(fd);
  return port;
}

int connect_to(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  addr.sin_port = htons(port);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&addr), sizeof addr), 0);
  return fd;
}

std::string get(uint16_t port, const std::string& path) {
  const int fd = connect_to(port);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<size_t>(n));
  close(fd);
  return answer;
}

TEST(MetricsHttp, ServesWhatTheSourceSays) {
  const uint16_t port = free_port();
  Histogram histogram;
  histogram.observe(2'000, 3);
  std::string fault;
  auto http = MetricsHttp::start("127.0.0.1:" + std::to_string(port),
                                 {.describe =
                                      [&](MetricVisitor& visitor) {
                                        visitor.counter("weir_a_total", "Help of a.", {{"lcore", "0"}}, 7);
                                        visitor.gauge("weir_b", "Help of b.", {}, 8);
                                        visitor.counter("weir_a_total", "Help of a.", {{"lcore", "1"}}, 9);
                                        visitor.histogram("weir_h_seconds", "Help of h.", {}, histogram);
                                      },
                                  .unhealthy = [&] { return fault; },
                                  .not_ready = [] { return std::string("draining"); }});
  ASSERT_TRUE(http.ok()) << http.error().message;
  const std::string metrics = get(port, "/metrics");
  EXPECT_NE(
      metrics.find("# TYPE weir_a_total counter\nweir_a_total{lcore=\"0\"} 7\nweir_a_total{lcore=\"1\"} 9\n"),
      std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("weir_h_seconds_bucket{le=\"+Inf\"} 3"), std::string::npos) << metrics;
  EXPECT_EQ(get(port, "/healthz").substr(0, 15), "HTTP/1.1 200 OK");
  fault = "lcore 1 is stuck";
  EXPECT_NE(get(port, "/healthz").find("lcore 1 is stuck"), std::string::npos);
  EXPECT_EQ(get(port, "/readyz").substr(0, 12), "HTTP/1.1 503");

  auto second = MetricsHttp::start("127.0.0.1:" + std::to_string(port), {});
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST(MetricsHttp, SilentClientsKeepNobodyWaiting) {
  const uint16_t port = free_port();
  auto http =
      MetricsHttp::start("127.0.0.1:" + std::to_string(port), {.describe = [](MetricVisitor&) {},
                                                               .unhealthy = [] { return std::string(); },
                                                               .not_ready = [] { return std::string(); }});
  ASSERT_TRUE(http.ok()) << http.error().message;
  std::vector<int> silent(8);
  for (int& fd : silent) fd = connect_to(port);
  EXPECT_EQ(get(port, "/healthz").substr(0, 15), "HTTP/1.1 200 OK");
  for (const int fd : silent) {
    char byte = 0;
    EXPECT_EQ(recv(fd, &byte, 1, MSG_DONTWAIT), -1) << "answered only after a silent one was turned out";
    close(fd);
  }
}

TEST(MetricsHttp, SaysWhereThereIsNoIpv6) {
  const uint16_t port = free_port();
  auto http = MetricsHttp::start("[::1]:" + std::to_string(port), {});
  if (http.ok()) GTEST_SKIP() << "this system's CivetWeb takes IPv6";
  EXPECT_NE(http.error().message.find("takes no IPv6; choose an IPv4 address"), std::string::npos)
      << http.error().message;
}

}  // namespace
}  // namespace weir
