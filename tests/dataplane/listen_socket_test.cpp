#include "core/net/listen_socket.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/dataplane/listener_fixture.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

class ListenSocketTest : public ListenerFixture {
 protected:
  std::string path() { return dir_ / "sock"; }
};

TEST_F(ListenSocketTest, SocketFileHasModeAndIsRemovedAtStop) {
  options_.socket_mode = 0622;
  open();
  struct stat st {};
  ASSERT_EQ(stat(path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0622U);
  inputs_[0]->stop(now_);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ListenSocketTest, OwnerIsSet) {
  options_.socket_owner = "no-such-user-here";
  EXPECT_NE(refusal().find("there is no user 'no-such-user-here'"), std::string::npos);
  options_.socket_owner = std::to_string(getuid()) + ":no-such-group";
  EXPECT_NE(refusal().find("there is no group"), std::string::npos);
  EXPECT_FALSE(fs::exists(path()));  // a refused one leaves nothing
  options_.socket_owner = std::to_string(getuid()) + ":" + std::to_string(getgid());
  EXPECT_EQ(refusal(), "");
  if (getuid() != 0) GTEST_SKIP() << "only root can give a file away";
  options_.socket_owner = "nobody:nogroup";
  open();
  struct stat st {};
  ASSERT_EQ(stat(path().c_str(), &st), 0);
  EXPECT_NE(st.st_uid, 0U);
  EXPECT_NE(st.st_gid, 0U);
}

TEST_F(ListenSocketTest, StaleSocketFileIsReplaced) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  std::memcpy(addr.sun_path, path().c_str(), path().size());
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&addr), sizeof addr), 0);
  close(fd);  // as a killed process leaves it
  ASSERT_TRUE(fs::exists(path()));
  open();
  DnstapSender sender = this->sender();
  sender.send_all(kReady);
  poll_until([&] { return sender.replies() == kAccept; });
}

TEST_F(ListenSocketTest, LiveSocketIsRefused) {
  open();
  EXPECT_NE(refusal().find("another process listens on this socket"), std::string::npos);
  DnstapSender sender = this->sender();  // and is not harmed
  sender.send_all(kReady);
  poll_until([&] { return sender.replies() == kAccept; });
}

TEST_F(ListenSocketTest, WhatIsNoSocketIsRefused) {
  std::ofstream(path()) << "precious";
  EXPECT_NE(refusal().find("is not a socket"), std::string::npos);
  EXPECT_EQ(text(path()), "precious");
  fs::remove(path());
  fs::create_directory(path());
  EXPECT_NE(refusal().find("is not a socket"), std::string::npos);
}

TEST_F(ListenSocketTest, AnothersSocketFileIsNotRemoved) {
  open();
  fs::remove(path());
  auto other = std::move(inputs_);
  open();
  other[0]->stop(now_);
  EXPECT_TRUE(fs::exists(path()));
}

TEST_F(ListenSocketTest, ImpossiblePathsAreSentences) {
  options_.listen->path = std::string(108, 'x');
  EXPECT_NE(refusal().find("at most 107 bytes"), std::string::npos);
  options_.listen->path = dir_ / "none" / "sock";
  EXPECT_NE(refusal().find("the directory must exist"), std::string::npos);
  options_.listen = *parse_target("/tmp/x");
  EXPECT_NE(refusal().find("write tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"), std::string::npos);
}

TEST_F(ListenSocketTest, TcpPortInUseAndUnknownHost) {
  use_tcp();
  open();
  EXPECT_NE(listener().bound().port, 0);
  options_.listen = listener().bound();
  EXPECT_NE(refusal().find("another process listens there"), std::string::npos);
  options_.listen->host = "192.0.2.1";
  EXPECT_NE(refusal().find("no such address"), std::string::npos);
  options_.listen->host = "no-such-host.invalid";
  EXPECT_NE(refusal().find("host is not known"), std::string::npos);
}

TEST_F(ListenSocketTest, DualStackPeersAreShownAsIpv4) {
  options_.listen = *parse_target("tcp://[::]:0");
  auto opened = open_dnstap_listener(options_, 0, 1);
  if (!opened) GTEST_SKIP() << "no IPv6 here: " << opened.error().message;
  inputs_ = std::move(opened).value();
  sinks_.push_back(std::make_unique<FrameCatcher>());
  DnstapSender sender = this->sender();
  sender.send_all(kStart + data_frame("x"));
  poll_until([&] { return sink().frames().size() == 1; });
  EXPECT_EQ(to_string(sink().frames()[0].head.src.addr), "127.0.0.1");
}

}  // namespace
}  // namespace weir
