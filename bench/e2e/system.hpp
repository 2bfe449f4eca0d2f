#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// What programs that load echo servers need of the system: clocks, sockets, and what it knows of
// the servers.

[[noreturn]] inline void fail(const std::string& what) { throw std::runtime_error{what}; }
[[noreturn]] inline void fail_errno(const std::string& what) {
  fail(what + ": " + std::strerror(errno));
}

inline std::int64_t nanoseconds() {
  return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
}

struct server {
  std::uint16_t port = 0;
  int pid = 0;
};

// ---- What the system knows of the server

struct cpu_time {
  double total = 0;  // seconds, to the nanosecond
  double user = 0;   // seconds, as the system splits it: by ticks
  double system = 0;

  cpu_time& operator+=(const cpu_time& other) {
    total += other.total;
    user += other.user;
    system += other.system;
    return *this;
  }
  friend cpu_time operator-(const cpu_time& a, const cpu_time& b) {
    return {a.total - b.total, a.user - b.user, a.system - b.system};
  }
};

// Of all its threads.
inline double cpu_seconds_of(int pid) {
  ::clockid_t clock{};
  ::timespec ran{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &ran) != 0) {
    fail("the server is gone");
  }
  return static_cast<double>(ran.tv_sec) + static_cast<double>(ran.tv_nsec) * 1e-9;
}

inline cpu_time cpu_of(int pid) {
  cpu_time result;
  result.total = cpu_seconds_of(pid);
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) fail("the server is gone");
  std::istringstream rest{line.substr(name_end + 1)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  rest >> result.user >> result.system;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  result.user /= ticks;
  result.system /= ticks;
  return result;
}

// What it wrote. Pages of its program that the system drops and reads again are no part of it.
inline std::size_t private_bytes_of(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  std::size_t kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Private_Dirty:")) {
      kilobytes += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
    }
  }
  if (kilobytes == 0) fail("the server is gone");
  return kilobytes * 1024;
}

// ---- Sockets

inline void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) fail_errno("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

inline void receive_all(int socket, char* to, std::size_t size) {
  while (size != 0) {
    const ssize_t got = ::recv(socket, to, size, 0);
    if (got <= 0) fail_errno("the server ended a connection");
    to += got;
    size -= static_cast<std::size_t>(got);
  }
}

// A connection that has done its opening handshake, in blocking mode. One source address has not
// enough ports for very many, so that each 20,000 get another one. `extensions` are offered;
// `answer` is the response's head.
inline int connect_websocket(std::uint16_t port, std::size_t index, std::string_view extensions,
                             std::string& answer) {
  constexpr std::size_t ports_of_an_address = 20'000;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) fail_errno("socket");
  const int on = 1;
  ::sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr =
      htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(index / ports_of_an_address));
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(socket, reinterpret_cast<::sockaddr*>(&from), sizeof from) != 0) fail_errno("bind");
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (::connect(socket, reinterpret_cast<::sockaddr*>(&to), sizeof to) != 0) {
    fail_errno("connect");
  }
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Closing leaves no port in TIME_WAIT: runs follow each other closely.
  const ::linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);

  // Key and answer are those of RFC 6455, 1.3.
  std::string request = "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  if (!extensions.empty()) {
    request.append("Sec-WebSocket-Extensions: ").append(extensions).append("\r\n");
  }
  send_all(socket, request + "\r\n");
  answer.clear();
  while (!answer.ends_with("\r\n\r\n")) {
    char next = 0;
    receive_all(socket, &next, 1);
    answer += next;
  }
  if (!answer.starts_with("HTTP/1.1 101") ||
      answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos) {
    fail("no WebSocket opened: " + answer);
  }
  return socket;
}
inline int connect_websocket(std::uint16_t port, std::size_t index) {
  std::string answer;
  return connect_websocket(port, index, {}, answer);
}

// ---- Of this process

inline void pin(int core) {
  ::cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(core), &cores);
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) fail_errno("sched_setaffinity");
}

inline void raise_descriptor_limit(std::size_t wanted) {
  ::rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted + 64) fail("the limit of descriptors is too low: ulimit -Hn");
}
