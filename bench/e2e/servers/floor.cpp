// What epoll, recv and send cost by themselves: the least that any echo server can take. No library
// and no protocol either: no limits, no checks, no control frames, no closing, and the only opening
// handshake that it knows is the one that `load` sends. Not a server; a ruler.

#include "port.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using bytes = std::vector<unsigned char>;

struct connection {
  bool is_open = false;
  std::unique_ptr<bytes> unread;  // a frame of which not all has come
  std::unique_ptr<bytes> unsent;  // what the socket did not take
};

int epoll = -1;
std::vector<connection> connections;  // by descriptor
std::array<unsigned char, std::size_t{512} << 10> in;
bytes out;

void watch(int operation, int socket, std::uint32_t events) {
  ::epoll_event interest{};
  interest.events = events;
  interest.data.fd = socket;
  ::epoll_ctl(epoll, operation, socket, &interest);
}

void push(int socket, const unsigned char* at, std::size_t size) {
  connection& to = connections[static_cast<std::size_t>(socket)];
  if (to.unsent) {
    to.unsent->insert(to.unsent->end(), at, at + size);
    return;
  }
  const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  const std::size_t done = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (done == size) return;
  to.unsent = std::make_unique<bytes>(at + done, at + size);
  watch(EPOLL_CTL_MOD, socket, EPOLLOUT);  // and reads nothing until then
}

// Whether there is a whole frame: its header's size and its payload's.
bool parse(const unsigned char* at, std::size_t size, std::size_t& header, std::size_t& payload) {
  if (size < 6) return false;
  header = 6;
  payload = at[1] & 0x7FU;
  const std::size_t length_bytes = payload == 126 ? 2 : payload == 127 ? 8 : 0;
  if (length_bytes != 0) {
    header += length_bytes;
    if (size < header) return false;
    payload = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) payload = payload << 8 | at[2 + i];
  }
  return size - header >= payload;
}

void unmask(unsigned char* to, const unsigned char* from, std::size_t size,
            const unsigned char* key) {
  std::uint32_t key32 = 0;
  std::memcpy(&key32, key, 4);
  const std::uint64_t key64 = static_cast<std::uint64_t>(key32) << 32 | key32;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + i, 8);
    word ^= key64;
    std::memcpy(to + i, &word, 8);
  }
  for (; i < size; ++i) to[i] = from[i] ^ key[i % 4];
}

struct progress {
  std::size_t read = 0;
  std::size_t written = 0;
};

// Writes the replies to all whole frames behind each other.
progress echo(const unsigned char* at, std::size_t size) {
  std::size_t done = 0;
  std::size_t header = 0;
  std::size_t payload = 0;
  std::size_t filled = 0;
  if (out.size() < size) out.resize(size);
  while (parse(at + done, size - done, header, payload)) {
    unsigned char* to = out.data() + filled;
    to[0] = at[done];
    to[1] = at[done + 1] & 0x7FU;
    std::memcpy(to + 2, at + done + 2, header - 6);
    unmask(to + header - 4, at + done + header, payload, at + done + header - 4);
    filled += header - 4 + payload;
    done += header + payload;
  }
  return {done, filled};
}

void receive(int socket) {
  connection& from = connections[static_cast<std::size_t>(socket)];
  const ssize_t got = ::recv(socket, in.data(), in.size(), MSG_DONTWAIT);
  if (got <= 0) {
    from = {};
    ::close(socket);
    return;
  }
  const unsigned char* at = in.data();
  std::size_t size = static_cast<std::size_t>(got);
  if (!from.is_open) {
    constexpr std::string_view answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    from.is_open = true;
    push(socket, reinterpret_cast<const unsigned char*>(answer.data()), answer.size());
    return;
  }
  if (from.unread) {
    from.unread->insert(from.unread->end(), at, at + size);
    at = from.unread->data();
    size = from.unread->size();
  }
  const progress made = echo(at, size);
  if (made.read == size) {
    from.unread.reset();
  } else if (!from.unread || made.read != 0) {
    from.unread = std::make_unique<bytes>(at + made.read, at + size);
  }
  if (made.written != 0) push(socket, out.data(), made.written);
}

void flush(int socket) {
  const std::unique_ptr<bytes> unsent =
      std::move(connections[static_cast<std::size_t>(socket)].unsent);
  watch(EPOLL_CTL_MOD, socket, EPOLLIN);
  if (unsent) push(socket, unsent->data(), unsent->size());
}

void accept_one(int listener) {
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connections.size() <= static_cast<std::size_t>(socket)) {
    connections.resize(static_cast<std::size_t>(socket) + 1);
  }
  watch(EPOLL_CTL_ADD, socket, EPOLLIN);
}

}  // namespace

int main(int count, char** arguments) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_from(count, arguments)));
  if (::bind(listener, reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, SOMAXCONN) != 0) {
    std::perror("listen");
    return 1;
  }
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN);
  std::array<::epoll_event, 256> ready;
  while (true) {
    const int found = ::epoll_wait(epoll, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < found; ++i) {
      const ::epoll_event& event = ready[static_cast<std::size_t>(i)];
      if (event.data.fd == listener) {
        accept_one(listener);
      } else if ((event.events & EPOLLOUT) != 0) {
        flush(event.data.fd);
      } else {
        receive(event.data.fd);
      }
    }
  }
}
