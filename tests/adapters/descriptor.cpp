#include "hawser/adapters/descriptor.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <span>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using hawser::accept_tcp;
using hawser::address_of;
using hawser::connect_tcp;
using hawser::descriptor;
using hawser::error;
using hawser::event;
using hawser::io_status;
using hawser::listen_tcp;
using hawser::role;
using hawser::time_point;
using support::bytes;
using support::to_bytes;
using support::to_text;

time_point in(std::chrono::milliseconds length) {
  return std::chrono::steady_clock::now() + length;
}

struct socket_pair {
  descriptor one;
  descriptor two;
};

socket_pair make_pair() {
  std::array<int, 2> values{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, values.data()) == 0);
  return {descriptor{values[0]}, descriptor{values[1]}};
}

socket_pair make_tcp_pair() {
  const hawser::opened_socket listener = listen_tcp("127.0.0.1", 0);
  REQUIRE(listener);
  hawser::opened_socket one = connect_tcp("127.0.0.1", address_of(listener.socket).port, in(5s));
  REQUIRE(one);
  descriptor two = accept_tcp(listener.socket, in(5s));
  REQUIRE(two);
  return {std::move(one.socket), std::move(two)};
}

std::string read_text(descriptor& from, std::size_t most = 1000) {
  bytes buffer(most);
  const hawser::io_result got = from.read_some(buffer, in(5s));
  REQUIRE(got.status == io_status::ok);
  return to_text(std::span{buffer}.first(got.size));
}

bool is_open(int value) { return ::fcntl(value, F_GETFD) != -1; }

// Fills what the other end would read; returns how much that is.
std::size_t fill(descriptor& socket) {
  const bytes part(100'000);
  std::size_t size = 0;
  while (true) {
    const hawser::io_result sent = socket.write_some(part, time_point::min());
    if (sent.status == io_status::timeout) return size;
    REQUIRE(sent.status == io_status::ok);
    size += sent.size;
  }
}

}  // namespace

// ---- Reading and writing

TEST_CASE("a descriptor moves bytes", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  const hawser::io_result sent = one.write_some(to_bytes("hello"));
  CHECK(sent.status == io_status::ok);
  CHECK(sent.size == 5);
  CHECK(read_text(two, 2) == "he");
  CHECK(read_text(two) == "llo");
}

TEST_CASE("reading ends at the deadline", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  std::array<std::byte, 10> buffer{};
  CHECK(one.read_some(buffer, time_point::min()).status == io_status::timeout);
  const auto start = std::chrono::steady_clock::now();
  CHECK(one.read_some(buffer, start - 1s).status == io_status::timeout);
  CHECK(one.read_some(buffer, start + 30ms).status == io_status::timeout);
  CHECK(std::chrono::steady_clock::now() >= start + 30ms);
}

TEST_CASE("reading after the deadline gets what is there", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  one.write_some(to_bytes("there"));
  std::array<std::byte, 10> buffer{};
  CHECK(two.read_some(buffer, time_point::min()).size == 5);
}

TEST_CASE("writing takes what finds room, and ends at the deadline", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  const std::size_t size = fill(one);
  CHECK(size > 0);
  const auto start = std::chrono::steady_clock::now();
  CHECK(one.write_some(to_bytes("x"), start + 30ms).status == io_status::timeout);
  CHECK(std::chrono::steady_clock::now() >= start + 30ms);

  std::size_t read = 0;
  bytes buffer(100'000);
  while (read < size) read += two.read_some(buffer, in(5s)).size;
  CHECK(one.write_some(to_bytes("x"), time_point::min()).size == 1);
}

TEST_CASE("waiting ends when bytes or room come", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  SECTION("bytes") {
    std::thread later{[&other = two] {
      std::this_thread::sleep_for(20ms);
      other.write_some(to_bytes("late"));
    }};
    CHECK(read_text(one) == "late");
    later.join();
  }
  SECTION("room") {
    const std::size_t size = fill(one);
    std::thread later{[&other = two, size] {
      std::this_thread::sleep_for(20ms);
      bytes buffer(size);
      for (std::size_t read = 0; read < size;) read += other.read_some(buffer).size;
    }};
    CHECK(one.write_some(to_bytes("x"), in(5s)).status == io_status::ok);
    later.join();
  }
}

TEST_CASE("the end of the stream is told as such", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  one.write_some(to_bytes("last"));
  one.shutdown_send();
  std::array<std::byte, 10> buffer{};
  CHECK(read_text(two) == "last");
  CHECK(two.read_some(buffer).status == io_status::eof);
  CHECK(two.read_some(buffer).status == io_status::eof);
  // The other direction goes on.
  two.write_some(to_bytes("answer"));
  CHECK(read_text(one) == "answer");
}

TEST_CASE("writing to a socket that nobody reads fails without a signal",
          "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  two.close();
  CHECK(one.write_some(to_bytes("x")).status == io_status::failed);
  CHECK(errno == EPIPE);
  hawser::server_endpoint endpoint;
  auto connection = hawser::server_connection::adopt(endpoint, {});
  connection.send_text("x");
  CHECK(one.write_some(connection.output()).status == io_status::failed);
  CHECK(errno == EPIPE);
}

TEST_CASE("a descriptor that is none fails", "[adapters][descriptor]") {
  descriptor none;
  std::array<std::byte, 10> buffer{};
  CHECK_FALSE(none);
  CHECK(none.read_some(buffer).status == io_status::failed);
  CHECK(none.write_some(buffer).status == io_status::failed);
  CHECK(errno == EBADF);
}

TEST_CASE("a reset fails", "[adapters][descriptor]") {
  auto [one, two] = make_tcp_pair();
  const ::linger at_once{1, 0};
  REQUIRE(::setsockopt(two.value(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  two = {};
  std::array<std::byte, 10> buffer{};
  CHECK(one.read_some(buffer, in(5s)).status == io_status::failed);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("a signal ends no wait", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  static volatile std::sig_atomic_t signals = 0;
  struct ::sigaction action{};
  action.sa_handler = [](int) { signals = signals + 1; };  // calls are not restarted
  struct ::sigaction before{};
  REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
  const ::itimerval each_5_ms{{0, 5000}, {0, 5000}};
  REQUIRE(::setitimer(ITIMER_REAL, &each_5_ms, nullptr) == 0);

  std::array<std::byte, 10> buffer{};
  const auto start = std::chrono::steady_clock::now();
  CHECK(one.read_some(buffer, start + 50ms).status == io_status::timeout);
  CHECK(std::chrono::steady_clock::now() >= start + 50ms);

  const ::itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  CHECK(signals >= 2);
}

TEST_CASE("the output of a connection is written in one call", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  hawser::server_endpoint endpoint;
  auto connection = hawser::server_connection::adopt(endpoint, {});
  // More spans than one call takes.
  bytes expected;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(connection.send_binary(bytes(5000)) == error::none);
    expected.push_back(std::byte{0x82});
    expected.insert(expected.end(), {std::byte{126}, std::byte{0x13}, std::byte{0x88}});
    expected.resize(expected.size() + 5000);
  }
  std::thread reader{[&other = two, size = expected.size(), &expected] {
    bytes got;
    bytes buffer(10'000);
    while (got.size() < size) {
      const hawser::io_result part = other.read_some(buffer, in(5s));
      if (part.status != io_status::ok) break;
      got.insert(got.end(), buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(part.size));
    }
    expected = got == expected ? bytes{} : got;
  }};
  std::size_t calls = 0;
  for (; connection.has_output() && calls < 1000; ++calls) {
    connection.consume_output(one.write_some(connection.output(), in(5s)).size);
  }
  reader.join();
  CHECK(calls < 100);
  CHECK(expected.empty());
}

// ---- Owning

TEST_CASE("a descriptor closes what it owns, once", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  const int first = one.value();
  const int second = two.value();
  descriptor moved{std::move(one)};
  CHECK_FALSE(one);  // NOLINT(bugprone-use-after-move)
  CHECK(moved.value() == first);
  moved = std::move(two);
  CHECK_FALSE(is_open(first));
  CHECK(moved.value() == second);
  const int released = moved.release();
  CHECK_FALSE(moved);
  CHECK(is_open(released));
  {
    const descriptor owner{released};
  }
  CHECK_FALSE(is_open(released));
  moved.close();
  CHECK_FALSE(moved);
}

TEST_CASE("closing with unread bytes is no reset", "[adapters][descriptor]") {
  auto [one, two] = make_tcp_pair();
  one.write_some(to_bytes("nobody reads this"));
  two.write_some(to_bytes("but this"));
  REQUIRE(two.wait(POLLIN, in(5s)));
  two.close();
  std::array<std::byte, 10> buffer{};
  CHECK(read_text(one) == "but this");
  CHECK(one.read_some(buffer, in(5s)).status == io_status::eof);
}

// ---- TCP

TEST_CASE("a client connects to a listener", "[adapters][descriptor]") {
  const std::string host = GENERATE(as<std::string>{}, "127.0.0.1", "localhost", "");
  const hawser::opened_socket listener = listen_tcp(host, 0);
  REQUIRE(listener);
  const std::uint16_t port = address_of(listener.socket).port;
  CHECK(port != 0);
  hawser::opened_socket client = connect_tcp(host.empty() ? "localhost" : host, port);
  REQUIRE(client);
  CHECK(client.failure.empty());
  descriptor server = accept_tcp(listener.socket, in(5s));
  REQUIRE(server);
  client.socket.write_some(to_bytes("over TCP"));
  CHECK(read_text(server) == "over TCP");

  for (const int each : {client.socket.value(), server.value()}) {
    int no_delay = 0;
    ::socklen_t size = sizeof no_delay;
    ::getsockopt(each, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    CHECK(no_delay != 0);
    CHECK((::fcntl(each, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(each, F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("an address is told with its port", "[adapters][descriptor]") {
  const hawser::opened_socket loopback = listen_tcp("127.0.0.1", 0);
  REQUIRE(loopback);
  CHECK(address_of(loopback.socket).host == "127.0.0.1");
  CHECK(address_of(loopback.socket).is_loopback);
  const hawser::opened_socket any = listen_tcp("0.0.0.0", 0);
  REQUIRE(any);
  CHECK(address_of(any.socket).host == "0.0.0.0");
  CHECK_FALSE(address_of(any.socket).is_loopback);
  if (const hawser::opened_socket six = listen_tcp("::1", 0)) {
    CHECK(address_of(six.socket).host == "[::1]");
    CHECK(address_of(six.socket).is_loopback);
  }
  CHECK(address_of(descriptor{}).host.empty());
}

TEST_CASE("every address of a machine are those of IPv4 and of IPv6", "[adapters][descriptor]") {
  const hawser::opened_socket listener = listen_tcp("", 0);
  REQUIRE(listener);
  const std::uint16_t port = address_of(listener.socket).port;
  CHECK_FALSE(address_of(listener.socket).is_loopback);
  CHECK(connect_tcp("127.0.0.1", port));
  // A machine without IPv6 has no such address.
  if (listen_tcp("::1", 0)) CHECK(connect_tcp("::1", port));
}

TEST_CASE("who cannot connect is told why", "[adapters][descriptor]") {
  std::uint16_t port = 0;
  {
    const hawser::opened_socket closed = listen_tcp("127.0.0.1", 0);
    port = address_of(closed.socket).port;
  }
  const hawser::opened_socket refused = connect_tcp("127.0.0.1", port, in(5s));
  CHECK_FALSE(refused);
  CHECK(refused.failure == "Connection refused");

  const hawser::opened_socket unknown = connect_tcp(std::string(300, 'x'), 1, in(5s));
  CHECK_FALSE(unknown);
  CHECK_FALSE(unknown.failure.empty());
}

TEST_CASE("connecting ends at the deadline", "[adapters][descriptor]") {
  const hawser::opened_socket listener = listen_tcp("127.0.0.1", 0);
  REQUIRE(::listen(listener.socket.value(), 0) == 0);
  // Nobody accepts, so the queue fills up, and who comes then gets no answer.
  std::vector<hawser::opened_socket> waiting;
  hawser::opened_socket last;
  for (int i = 0; i < 10; ++i) {
    const auto start = std::chrono::steady_clock::now();
    last = connect_tcp("127.0.0.1", address_of(listener.socket).port, start + 50ms);
    if (!last) break;
    waiting.push_back(std::move(last));
  }
  CHECK_FALSE(last);
  CHECK(last.failure == "Connection timed out");
}

TEST_CASE("who cannot listen is told why", "[adapters][descriptor]") {
  const hawser::opened_socket first = listen_tcp("127.0.0.1", 0);
  REQUIRE(first);
  const hawser::opened_socket second = listen_tcp("127.0.0.1", address_of(first.socket).port);
  CHECK_FALSE(second);
  CHECK(second.failure == "Address already in use");
}

TEST_CASE("accepting says why there is no connection", "[adapters][descriptor]") {
  const hawser::opened_socket listener = listen_tcp("127.0.0.1", 0);
  REQUIRE(listener);
  CHECK_FALSE(accept_tcp(listener.socket, time_point::min()));
  CHECK(errno == EAGAIN);
  CHECK_FALSE(accept_tcp(listener.socket, in(20ms)));
  CHECK(errno == EAGAIN);

  const hawser::opened_socket client =
      connect_tcp("127.0.0.1", address_of(listener.socket).port, in(5s));
  REQUIRE(client);
  ::rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  ::rlimit none = limit;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const descriptor refused = accept_tcp(listener.socket, in(5s));
  const int why = errno;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK_FALSE(refused);
  CHECK(why == EMFILE);
  CHECK(accept_tcp(listener.socket, in(5s)));
}

// ---- Streams over them

TEST_CASE("two streams talk through the system", "[adapters][descriptor]") {
  auto [one, two] = make_tcp_pair();
  hawser::server_endpoint server_endpoint{
      {.limits = {.max_message_size = 8U << 20U, .max_output_size = 9U << 20U}}};
  error server_error = error::aborted;
  bool was_server_clean = false;
  std::thread server{[&, socket = std::move(one)]() mutable {
    hawser::server_stream<descriptor> stream{server_endpoint, std::move(socket)};
    while (const event found = stream.receive()) {
      if (found.is_message()) stream.send(found);
    }
    was_server_clean = stream.connection().was_clean();
    server_error = stream.connection().error();
  }};

  hawser::client_endpoint endpoint{
      {.limits = {.max_message_size = 8U << 20U, .max_output_size = 9U << 20U}}};
  hawser::client_stream<descriptor> client{endpoint, std::move(two), {.url = "ws://localhost/"}};
  CHECK(client.open() == error::none);
  bool is_equal = true;
  for (const std::size_t size : {0U, 1U, 126U, 65536U, 1U << 20U, 8U << 20U}) {
    const bytes sent = support::seeded{size}.some_bytes(size);
    CHECK(client.send_binary(sent) == error::none);
    const event found = client.receive();
    is_equal = is_equal && found.is_message() && std::ranges::equal(found.payload(), sent);
  }
  CHECK(is_equal);
  CHECK(client.close() == error::none);
  client.drain();
  server.join();
  CHECK(client.connection().was_clean());
  CHECK(was_server_clean);
  CHECK(server_error == error::none);
}

TEST_CASE("a stream leaves a peer that says nothing", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  hawser::server_endpoint endpoint{{.timeouts = {.opening = 30ms}}};
  hawser::server_stream<descriptor> stream{endpoint, std::move(one)};
  const auto start = std::chrono::steady_clock::now();
  CHECK(stream.open() == error::opening_timeout);
  CHECK(std::chrono::steady_clock::now() >= start + 30ms);
  CHECK_FALSE(stream.receive());
  std::array<std::byte, 10> buffer{};
  CHECK(two.read_some(buffer, in(5s)).status == io_status::eof);
}

TEST_CASE("a stream leaves a peer that reads nothing", "[adapters][descriptor]") {
  auto [one, two] = make_pair();
  hawser::client_endpoint endpoint{{.timeouts = {.output = 30ms}}};
  hawser::client_stream<descriptor> stream{endpoint, std::move(one), {.url = "ws://localhost/"}};
  fill(stream.socket());
  CHECK(stream.open() == error::output_timeout);
  CHECK_FALSE(stream.receive());
}
