#pragma once

#include "hawser/adapters/socket.hpp"
#include "hawser/outbox.hpp"
#include "hawser/time.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <utility>

/// Sockets of POSIX: a descriptor that a stream can use, and TCP connections in one call each.
namespace hawser::inline v0 {

/// A socket's file descriptor, which it owns and closes. Whether the descriptor is in blocking mode
/// makes no difference. No function raises SIGPIPE, and none ends early for a signal.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int value) noexcept : value_{value} { never_raise_sigpipe(); }
  descriptor(descriptor&& other) noexcept : value_{other.release()} {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = other.release();
    }
    return *this;
  }
  ~descriptor() { reset(); }

  /// False where there is none.
  [[nodiscard]] explicit operator bool() const noexcept { return value_ >= 0; }
  /// The number; -1 where there is none.
  [[nodiscard]] int value() const noexcept { return value_; }
  /// Gives the number up, to be closed by the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(value_, -1); }

  /// Reads what is there, and waits for something until `deadline`: time_point::min() is not at
  /// all. Where it failed, errno says why.
  io_result read_some(std::span<std::byte> to, time_point deadline = time_point::max()) noexcept {
    return move_bytes(POLLIN, deadline,
                      [&] { return ::recv(value_, to.data(), to.size(), MSG_DONTWAIT); });
  }

  /// Writes what the socket takes, and waits until it takes something, as read_some does.
  io_result write_some(std::span<const std::byte> from,
                       time_point deadline = time_point::max()) noexcept {
    return move_bytes(POLLOUT, deadline, [&] {
      return ::send(value_, from.data(), from.size(), MSG_DONTWAIT | no_signal);
    });
  }

  /// The same for the output of a connection, gathered in one call. The output must not be empty.
  io_result write_some(const output_list& from, time_point deadline = time_point::max()) noexcept {
    // One span is the usual case, and sendmsg costs the system more than send.
    if (++from.begin() == output_list::end()) return write_some(from.front(), deadline);
    std::array<iovec, 64> parts;
    ::msghdr message{};
    message.msg_iov = parts.data();
    for (const std::span<const std::byte> part : from) {
      if (static_cast<std::size_t>(message.msg_iovlen) == parts.size()) break;
      parts[static_cast<std::size_t>(message.msg_iovlen++)] = {
          const_cast<std::byte*>(part.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
          part.size()};
    }
    return move_bytes(POLLOUT, deadline,
                      [&] { return ::sendmsg(value_, &message, MSG_DONTWAIT | no_signal); });
  }

  /// The peer will see the end of the stream. What it sends can still be read.
  void shutdown_send() noexcept { ::shutdown(value_, SHUT_WR); }

  /// Closes it. What came and was not read is read first, within bounds: the system answers unread
  /// bytes by a reset, for which some peers drop what they have not yet read themselves.
  void close() noexcept {
    if (value_ < 0) return;
    shutdown_send();
    std::array<std::byte, std::size_t{4} << 10> unread;
    for (int reads = 0; reads < 64; ++reads) {
      if (::recv(value_, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
    }
    reset();
  }

  /// Waits until bytes can be moved: `events` is POLLIN or POLLOUT. False where the deadline came
  /// first.
  [[nodiscard]] bool wait(short events, time_point deadline) const noexcept {
    while (true) {
      const time_point now = std::chrono::steady_clock::now();
      if (deadline <= now) return false;
      const std::int64_t left = (deadline - now).milliseconds_up();
      const bool is_forever = deadline == time_point::max();
      ::pollfd entry{value_, events, 0};
      const int found =
          ::poll(&entry, 1, is_forever ? -1 : static_cast<int>(left < INT_MAX ? left : INT_MAX));
      // Any other error will show in the call that follows.
      if (found > 0 || (found < 0 && errno != EINTR)) return true;
    }
  }

 private:
#if defined(MSG_NOSIGNAL)
  static constexpr int no_signal = MSG_NOSIGNAL;
  void never_raise_sigpipe() const noexcept {}
#else
  static constexpr int no_signal = 0;
  void never_raise_sigpipe() const noexcept {
    const int on = 1;
    ::setsockopt(value_, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
  }
#endif

  template <class Operation>
  io_result move_bytes(short events, time_point deadline, Operation operation) const noexcept {
    while (true) {
      const auto moved = operation();
      if (moved > 0) return {static_cast<std::size_t>(moved)};
      if (moved == 0) return {0, io_status::eof};
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return {0, io_status::failed};
      if (!wait(events, deadline)) return {0, io_status::timeout};
    }
  }

  void reset() noexcept {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

  int value_ = -1;
};

/// A socket, or why there is none.
struct opened_socket {
  descriptor socket;
  std::string failure = {};  ///< In plain words, for people: "Connection refused".

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(socket); }
};

/// Where a socket is bound.
struct local_address {
  std::string host;  ///< In digits; an IPv6 address in brackets. Empty: not known.
  std::uint16_t port = 0;
  bool is_loopback = false;  ///< Only programs of this machine can reach it.
};

namespace detail {

inline std::string describe_errno(int value) { return std::generic_category().message(value); }

struct address_list_deleter {
  void operator()(::addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using address_list = std::unique_ptr<::addrinfo, address_list_deleter>;

inline address_list resolve_tcp(std::string_view host, std::uint16_t port, int flags,
                                std::string& failure) {
  ::addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  ::addrinfo* found = nullptr;
  const std::string name{host};
  const int wrong = ::getaddrinfo(name.empty() ? nullptr : name.c_str(),
                                  std::to_string(port).c_str(), &hints, &found);
  if (wrong != 0) failure = wrong == EAI_SYSTEM ? describe_errno(errno) : ::gai_strerror(wrong);
  return address_list{wrong == 0 ? found : nullptr};
}

inline void set_flag(int socket, int get, int set, int flag, bool value) noexcept {
  const int flags = ::fcntl(socket, get);
  ::fcntl(socket, set, value ? flags | flag : flags & ~flag);
}

// A socket that programs started by this one do not inherit, and whose calls do not wait.
inline descriptor open_tcp(const ::addrinfo& address) noexcept {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
  return descriptor{::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                             address.ai_protocol)};
#else
  descriptor made{::socket(address.ai_family, address.ai_socktype, address.ai_protocol)};
  set_flag(made.value(), F_GETFD, F_SETFD, FD_CLOEXEC, true);
  set_flag(made.value(), F_GETFL, F_SETFL, O_NONBLOCK, true);
  return made;
#endif
}

// Frames leave as they are written: waiting for more to send (Nagle) costs up to 40 ms each.
inline void set_no_delay(const descriptor& socket) noexcept {
  const int on = 1;
  ::setsockopt(socket.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Connects, or says why not by an errno.
inline int connect_until(descriptor& socket, const ::addrinfo& to, time_point deadline) noexcept {
  if (!socket) return errno;
  if (::connect(socket.value(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  if (!socket.wait(POLLOUT, deadline)) return ETIMEDOUT;
  int wrong = 0;
  ::socklen_t size = sizeof wrong;
  return ::getsockopt(socket.value(), SOL_SOCKET, SO_ERROR, &wrong, &size) == 0 ? wrong : errno;
}

}  // namespace detail

/// Connects over TCP, to the first address of `host` that answers; each gets an equal share of the
/// time. `host` is a name or an address, IPv6 without brackets (see uri::host_without_brackets).
/// Looking the name up takes as long as the system lets it.
[[nodiscard]] inline opened_socket connect_tcp(std::string_view host, std::uint16_t port,
                                               time_point deadline = time_point::max()) {
  opened_socket result;
  const detail::address_list found = detail::resolve_tcp(host, port, 0, result.failure);
  std::int64_t left = 0;
  for (const ::addrinfo* at = found.get(); at != nullptr; at = at->ai_next) ++left;
  for (const ::addrinfo* at = found.get(); at != nullptr; at = at->ai_next, --left) {
    time_point until = deadline;
    if (deadline != time_point::max()) {
      const time_point now = std::chrono::steady_clock::now();
      until = now + duration{(deadline - now).nanoseconds() / left};
    }
    descriptor socket = detail::open_tcp(*at);
    const int wrong = detail::connect_until(socket, *at, until);
    if (wrong == 0) {
      detail::set_flag(socket.value(), F_GETFL, F_SETFL, O_NONBLOCK, false);
      detail::set_no_delay(socket);
      return {std::move(socket)};
    }
    result.failure = detail::describe_errno(wrong);
  }
  return result;
}

/// Listens for TCP connections. An empty `host` is every address of this machine, of IPv6 and of
/// IPv4, and port 0 one that is free (see address_of). With `shares_port` several sockets may
/// listen on the same port, and the system spreads the connections over them.
[[nodiscard]] inline opened_socket listen_tcp(std::string_view host, std::uint16_t port,
                                              bool shares_port = false) {
  opened_socket result;
  const detail::address_list found = detail::resolve_tcp(host, port, AI_PASSIVE, result.failure);
  // Every address is one socket of IPv6 that takes IPv4 too; where the machine has none, one of
  // IPv4.
  for (const bool takes_both : {true, false}) {
    if (takes_both && !host.empty()) continue;
    for (const ::addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
      if (takes_both && at->ai_family != AF_INET6) continue;
      descriptor socket = detail::open_tcp(*at);
      const int on = 1;
      const int off = 0;
      ::setsockopt(socket.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (shares_port) ::setsockopt(socket.value(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
      if (takes_both) ::setsockopt(socket.value(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
      if (socket && ::bind(socket.value(), at->ai_addr, at->ai_addrlen) == 0 &&
          ::listen(socket.value(), SOMAXCONN) == 0) {
        return {std::move(socket)};
      }
      result.failure = detail::describe_errno(errno);
    }
  }
  return result;
}

/// The next connection of a listener, waited for until `deadline`. Where there is none, errno says
/// why: EAGAIN where the deadline came first; EMFILE or ENFILE where descriptors ran out, and the
/// connection still waits.
[[nodiscard]] inline descriptor accept_tcp(const descriptor& listener,
                                           time_point deadline = time_point::max()) noexcept {
  while (true) {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    descriptor accepted{::accept4(listener.value(), nullptr, nullptr, SOCK_CLOEXEC)};
#else
    descriptor accepted{::accept(listener.value(), nullptr, nullptr)};
    if (accepted) detail::set_flag(accepted.value(), F_GETFD, F_SETFD, FD_CLOEXEC, true);
#endif
    if (accepted) {
      detail::set_no_delay(accepted);
      return accepted;
    }
    // A connection that went away while it waited is nobody's loss.
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return {};
    if (!listener.wait(POLLIN, deadline)) {
      errno = EAGAIN;
      return {};
    }
  }
}

/// Where a socket is bound: the port that the system chose, for example.
[[nodiscard]] inline local_address address_of(const descriptor& socket) {
  ::sockaddr_storage storage{};
  ::socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<::sockaddr*>(&storage);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(socket.value(), address, &size) != 0 ||
      ::getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  local_address result{host.data(), static_cast<std::uint16_t>(std::stoi(port.data()))};
  result.is_loopback = result.host == "::1" || result.host.starts_with("127.");
  if (storage.ss_family == AF_INET6) result.host = '[' + result.host + ']';
  return result;
}

}  // namespace hawser::inline v0
