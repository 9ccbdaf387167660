#include "core/net/resolution.h"

#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>

namespace weir {
namespace {

// A new thread starts on its maker's CPU, which is the lcore's own.
void leave_the_lcores_cpu() {
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  (void)pthread_setaffinity_np(pthread_self(), sizeof all, &all);
}

}  // namespace

SocketAddress unix_address(const std::string& path) {
  SocketAddress address;
  auto* at = reinterpret_cast<sockaddr_un*>(&address.storage);
  at->sun_family = AF_UNIX;
  std::memcpy(at->sun_path, path.c_str(), std::min(path.size(), sizeof at->sun_path - 1));
  address.len = sizeof(sockaddr_un);
  return address;
}

std::shared_ptr<Resolution> Resolution::start(const std::string& host, uint16_t port, int socket_type) {
  auto resolution = std::make_shared<Resolution>();
  if (resolution->look_up(host, port, socket_type, AI_NUMERICHOST)) return resolution;
  try {
    std::thread([resolution, host, port, socket_type] {
      leave_the_lcores_cpu();
      resolution->look_up(host, port, socket_type, AI_ADDRCONFIG);
      resolution->ready_.store(true, std::memory_order_release);
    }).detach();
  } catch (const std::system_error& error) {
    resolution->error_ = std::string("no thread to look it up: ") + error.what();
    resolution->ready_.store(true, std::memory_order_release);
  }
  return resolution;
}

// true: found, and ready.
bool Resolution::look_up(const std::string& host, uint16_t port, int socket_type, int flags) {
  addrinfo hints{};
  hints.ai_socktype = socket_type;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (result != 0) {
    if ((flags & AI_NUMERICHOST) == 0) error_ = gai_strerror(result);
    return false;
  }
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.len = at->ai_addrlen;
    addresses_.push_back(address);
  }
  freeaddrinfo(list);
  if ((flags & AI_NUMERICHOST) != 0) ready_.store(true, std::memory_order_release);
  return true;
}

}  // namespace weir
