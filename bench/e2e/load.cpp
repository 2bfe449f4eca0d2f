// Loads echo servers from one thread and says what a message costs each of them.
//
//     load --server PORT:PID [--server PORT:PID ...] [--connections C] [--outstanding O]
//          [--size BYTES] [--text] [--slices N] [--slice SECONDS] [--core N]
//     load --server PORT:PID --idle N
//
// Each of C connections keeps O messages of the given size on the way: for every reply it sends the
// next one. Where there are several servers, they have turns: a slice of time each, N times. With
// --idle, N connections each send one message, wait for its reply, and then do nothing. The answer
// is a line of JSON for each server. Frames, masks and checks are this file's own: no library
// stands between the clock and the socket.

#include "system.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct options {
  std::vector<server> servers;
  std::size_t connections = 64;
  std::size_t outstanding = 1;
  std::size_t size = 20;
  std::size_t idle = 0;
  bool is_text = false;
  std::size_t slices = 20;
  double slice = 0.1;
  int core = -1;
};

// ---- The messages

// The frames that go round: requests one behind the other, and the reply to each. Every connection
// sends them in this order, over and over, so that any run of messages is one piece of memory.
class messages {
 public:
  messages(std::size_t size, std::size_t run, bool is_text) {
    constexpr std::size_t enough_bytes = std::size_t{64} << 10;
    count_ = std::max<std::size_t>(run, std::clamp<std::size_t>(enough_bytes / (size + 1), 4, 256));
    std::mt19937 random{20};
    for (std::size_t i = 0; i < count_; ++i) add(size, is_text, random);
    request_size_ = requests_.size() / count_;
    reply_size_ = replies_.size() / count_;
    // A run that goes over the end goes on in a copy of the beginning.
    requests_.insert(requests_.end(), requests_.begin(),
                     requests_.begin() + static_cast<std::ptrdiff_t>(run * request_size_));
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t request_size() const { return request_size_; }
  [[nodiscard]] std::size_t reply_size() const { return reply_size_; }
  [[nodiscard]] const char* requests() const { return requests_.data(); }
  [[nodiscard]] const char* replies() const { return replies_.data(); }

 private:
  static void add_header(std::vector<char>& to, std::size_t size, bool is_text, bool is_masked) {
    const int mask = is_masked ? 0x80 : 0;
    to.push_back(static_cast<char>(0x80 | (is_text ? 1 : 2)));
    const int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    to.push_back(static_cast<char>(mask | (bytes == 0   ? static_cast<int>(size)
                                           : bytes == 2 ? 126
                                                        : 127)));
    for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<char>(size >> (8 * i)));
  }

  void add(std::size_t size, bool is_text, std::mt19937& random) {
    std::array<char, 4> key;
    for (char& each : key) each = static_cast<char>(1 + random() % 255);
    add_header(requests_, size, is_text, true);
    requests_.insert(requests_.end(), key.begin(), key.end());
    add_header(replies_, size, is_text, false);
    for (std::size_t i = 0; i < size; ++i) {
      const char plain = static_cast<char>(is_text ? ' ' + random() % 95 : random() % 256);
      replies_.push_back(plain);
      requests_.push_back(static_cast<char>(plain ^ key[i % 4]));
    }
  }

  std::size_t count_ = 0;
  std::size_t request_size_ = 0;
  std::size_t reply_size_ = 0;
  std::vector<char> requests_;
  std::vector<char> replies_;
};

// ---- Latencies

// How many took how long, in steps of 1/64.
class histogram {
 public:
  void add(std::int64_t value) { ++counts_[index_of(static_cast<std::uint64_t>(value))]; }

  [[nodiscard]] double percentile(double share) const {
    std::uint64_t total = 0;
    for (const std::uint64_t each : counts_) total += each;
    std::uint64_t left = static_cast<std::uint64_t>(share * static_cast<double>(total));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return value_of(i);
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static constexpr int bits = 6;
  [[nodiscard]] static std::size_t index_of(std::uint64_t value) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - bits - 1);
    return (static_cast<std::size_t>(shift) << bits) + static_cast<std::size_t>(value >> shift);
  }
  [[nodiscard]] static double value_of(std::size_t index) {
    if (index < (2U << bits)) return static_cast<double>(index);
    const std::size_t shift = (index >> bits) - 1;
    const std::size_t rest = index - (shift << bits);
    return (static_cast<double>(rest) + 0.5) * static_cast<double>(std::uint64_t{1} << shift);
  }

  std::array<std::uint64_t, std::size_t{60} << bits> counts_ = {};
};

// ---- The load

struct connection {
  int socket = -1;
  std::size_t next_request = 0;  // the place in the round
  std::size_t next_reply = 0;
  std::size_t reply_offset = 0;  // bytes of that reply that came
  std::size_t unsent = 0;        // bytes of requests that are due, and where they begin
  const char* unsent_at = nullptr;
  std::size_t sent_head = 0;  // ring of the times at which what is on the way was sent
  std::size_t sent_tail = 0;
  bool waits_to_send = false;
};

class load {
 public:
  load(const options& chosen, const server& loaded)
      : options_{chosen},
        server_{loaded},
        messages_{chosen.size, chosen.outstanding, chosen.is_text},
        sent_times_(chosen.connections * chosen.outstanding),
        connections_(chosen.connections),
        epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].socket = connect_websocket(server_.port, i);
      control(EPOLL_CTL_ADD, i, EPOLLIN);
    }
  }

  // Everything is on its way, and the server has seen it all a few times.
  void start() {
    for (std::size_t i = 0; i < connections_.size(); ++i) send(i, options_.outstanding);
    turn_for(options_.slice);
  }

  // What still comes from the slice before, and the caches' change of hands, are not counted.
  void run_slice() {
    turn_for(std::min(options_.slice / 5, 0.02));
    is_counting_ = true;
    replies_ = 0;
    const cpu_time before = cpu_of(server_.pid);
    const double own_before = cpu_seconds_of(::getpid());
    seconds_ += turn_for(options_.slice);
    const cpu_time used = cpu_of(server_.pid) - before;
    own_ += cpu_seconds_of(::getpid()) - own_before;
    is_counting_ = false;
    if (replies_ == 0) fail("no reply came");
    used_ += used;
    all_replies_ += replies_;
    slices_.push_back(used.total / static_cast<double>(replies_) * 1e6);
  }

  void report() const {
    const auto count = static_cast<double>(all_replies_);
    const double by_ticks = used_.user + used_.system;
    const double user_share = by_ticks == 0 ? 0 : used_.user / by_ticks;
    std::cout << "{\"messages\":" << all_replies_ << ",\"seconds\":" << seconds_
              << ",\"messages_per_second\":" << count / seconds_
              << ",\"cpu_us\":" << used_.total / count * 1e6
              << ",\"user_us\":" << used_.total * user_share / count * 1e6
              << ",\"system_us\":" << used_.total * (1 - user_share) / count * 1e6
              << ",\"server_load\":" << used_.total / seconds_
              << ",\"own_load\":" << own_ / seconds_
              << ",\"p50_us\":" << latencies_.percentile(0.5) / 1e3
              << ",\"p90_us\":" << latencies_.percentile(0.9) / 1e3
              << ",\"p99_us\":" << latencies_.percentile(0.99) / 1e3
              << ",\"p999_us\":" << latencies_.percentile(0.999) / 1e3 << ",\"slices_cpu_us\":[";
    for (std::size_t i = 0; i < slices_.size(); ++i) std::cout << (i == 0 ? "" : ",") << slices_[i];
    std::cout << "]}\n";
  }

 private:
  void control(int operation, std::size_t index, std::uint32_t events) {
    ::epoll_event interest{};
    interest.events = events;
    interest.data.u64 = index;
    if (::epoll_ctl(epoll_, operation, connections_[index].socket, &interest) != 0) {
      fail_errno("epoll_ctl");
    }
  }

  double turn_for(double seconds) {
    const std::int64_t begin = nanoseconds();
    const std::int64_t end = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::array<::epoll_event, 256> ready;
    do {
      const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 1000);
      if (count == 0) fail("nothing came for a second");
      for (int i = 0; i < count; ++i) {
        const ::epoll_event& event = ready[static_cast<std::size_t>(i)];
        const auto index = static_cast<std::size_t>(event.data.u64);
        if ((event.events & EPOLLOUT) != 0) push(index);
        if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(index);
      }
    } while (now_ < end);
    return static_cast<double>(now_ - begin) * 1e-9;
  }

  void receive(std::size_t index) {
    connection& from = connections_[index];
    const ssize_t got = ::recv(from.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail_errno("the server ended a connection");
    now_ = nanoseconds();
    const char* at = buffer_.data();
    const char* const end = at + got;
    std::size_t complete = 0;
    while (at != end) {
      const std::size_t size =
          std::min(static_cast<std::size_t>(end - at), messages_.reply_size() - from.reply_offset);
      const char* expected = messages_.replies() + from.next_reply * messages_.reply_size();
      if (std::memcmp(at, expected + from.reply_offset, size) != 0) fail("a wrong reply came");
      at += size;
      from.reply_offset += size;
      if (from.reply_offset != messages_.reply_size()) break;
      from.reply_offset = 0;
      if (++from.next_reply == messages_.count()) from.next_reply = 0;
      if (is_counting_)
        latencies_.add(now_ - sent_times_[index * options_.outstanding + from.sent_tail]);
      if (++from.sent_tail == options_.outstanding) from.sent_tail = 0;
      if (++complete > options_.outstanding) fail("a reply came to nothing");
    }
    replies_ += complete;
    if (complete != 0) send(index, complete);
  }

  // Sends the next `count` messages. A run that was not sent whole is only followed by the next.
  void send(std::size_t index, std::size_t count) {
    connection& to = connections_[index];
    now_ = nanoseconds();
    for (std::size_t i = 0; i < count; ++i) {
      sent_times_[index * options_.outstanding + to.sent_head] = now_;
      if (++to.sent_head == options_.outstanding) to.sent_head = 0;
    }
    if (to.unsent == 0) {
      to.unsent_at = messages_.requests() + to.next_request * messages_.request_size();
    }
    to.unsent += count * messages_.request_size();
    to.next_request = (to.next_request + count) % messages_.count();
    push(index);
  }

  void push(std::size_t index) {
    connection& to = connections_[index];
    const std::size_t round = messages_.count() * messages_.request_size();
    while (to.unsent != 0) {
      const ssize_t sent = ::send(to.socket, to.unsent_at, to.unsent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) fail_errno("send");
      to.unsent -= static_cast<std::size_t>(sent);
      to.unsent_at += sent;
      // What is on the way is never more than the copy behind the round's end.
      if (to.unsent_at >= messages_.requests() + round) to.unsent_at -= round;
    }
    const bool waits = to.unsent != 0;
    if (waits == to.waits_to_send) return;
    to.waits_to_send = waits;
    control(EPOLL_CTL_MOD, index, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  options options_;
  server server_;
  messages messages_;
  std::vector<std::int64_t> sent_times_;
  std::vector<connection> connections_;
  int epoll_;
  std::int64_t now_ = 0;
  bool is_counting_ = false;
  std::uint64_t replies_ = 0;  // of this slice
  std::uint64_t all_replies_ = 0;
  double seconds_ = 0;
  double own_ = 0;
  cpu_time used_;
  std::vector<double> slices_;
  histogram latencies_;
  std::array<char, std::size_t{256} << 10> buffer_;
};

void run(const options& chosen) {
  std::vector<std::unique_ptr<load>> loads;
  for (const server& each : chosen.servers) {
    loads.push_back(std::make_unique<load>(chosen, each));
    loads.back()->start();
  }
  for (std::size_t i = 0; i < chosen.slices; ++i) {
    for (const auto& each : loads) each->run_slice();
  }
  for (const auto& each : loads) each->report();
}

// ---- Idle connections

void echo_once(int socket, const messages& message) {
  std::vector<char> reply(message.reply_size());
  send_all(socket, {message.requests(), message.request_size()});
  receive_all(socket, reply.data(), reply.size());
  if (std::memcmp(reply.data(), message.replies(), reply.size()) != 0) fail("a wrong reply came");
}

void measure_idle(const options& chosen) {
  using namespace std::chrono_literals;
  constexpr std::size_t before_count = 16;  // these pay for what is touched once
  const messages message{chosen.size, 1, chosen.is_text};
  std::vector<int> sockets;
  const auto open = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sockets.push_back(connect_websocket(chosen.servers[0].port, sockets.size()));
      echo_once(sockets.back(), message);
    }
    std::this_thread::sleep_for(100ms);
  };
  open(before_count);
  const std::size_t before = private_bytes_of(chosen.servers[0].pid);
  open(chosen.idle);
  const std::size_t after = private_bytes_of(chosen.servers[0].pid);
  std::cout << "{\"connections\":" << chosen.idle << ",\"before\":" << before
            << ",\"after\":" << after << ",\"bytes_per_connection\":"
            << (static_cast<double>(after) - static_cast<double>(before)) /
                   static_cast<double>(chosen.idle)
            << "}\n";
  for (const int socket : sockets) ::close(socket);
}

// ---- The program

options parse(int count, char** arguments) {
  options parsed;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--text") {
      parsed.is_text = true;
      continue;
    }
    if (++i == count) fail(std::string{name} + " needs a value");
    const char* const value = arguments[i];
    const auto number = static_cast<std::size_t>(std::strtoull(value, nullptr, 10));
    if (name == "--server") {
      const char* const colon = std::strchr(value, ':');
      if (colon == nullptr) fail("--server PORT:PID");
      parsed.servers.push_back({static_cast<std::uint16_t>(number), std::atoi(colon + 1)});
    } else if (name == "--connections") {
      parsed.connections = number;
    } else if (name == "--outstanding") {
      parsed.outstanding = number;
    } else if (name == "--size") {
      parsed.size = number;
    } else if (name == "--idle") {
      parsed.idle = number;
    } else if (name == "--slices") {
      parsed.slices = number;
    } else if (name == "--slice") {
      parsed.slice = std::atof(value);
    } else if (name == "--core") {
      parsed.core = std::atoi(value);
    } else {
      fail("there is no option " + std::string{name});
    }
  }
  if (parsed.servers.empty()) fail("--server PORT:PID: which one?");
  if (parsed.connections == 0 || parsed.outstanding == 0) fail("that is no load");
  return parsed;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const options chosen = parse(count, arguments);
    if (chosen.core >= 0) pin(chosen.core);
    raise_descriptor_limit(std::max(chosen.connections * chosen.servers.size(), chosen.idle));
    if (chosen.idle != 0) {
      measure_idle(chosen);
    } else {
      run(chosen);
    }
  } catch (const std::exception& wrong) {
    std::cerr << "load: " << wrong.what() << '\n';
    return 1;
  }
}
