// Loads echo servers with compressed messages from one thread and says what one costs each of them.
//
//     load_deflate --server PORT:PID [--server PORT:PID ...] --size BYTES [--takeover | --plain]
//                  [--connections C] [--outstanding O] [--slices N] [--messages N] [--pool BYTES]
//                  [--core N]
//     load_deflate --server PORT:PID --size BYTES [--takeover | --plain] --memory N
//
// The messages are JSON that does not repeat, compressed before the clock starts with what the
// server asked for; every reply is inflated with zlib and compared. Each of C connections keeps O
// messages on the way. Servers have turns of M messages each, N times; a turn ends when all replies
// are there, so that what a server did in it is what its messages cost. With --takeover both ends'
// windows go on from message to message, else they must not; with --plain nothing is compressed.
//
// With --memory, N connections open and send a message each, with --takeover as much as fills their
// windows: the answer is what the server keeps of each of them when it is idle, and when active.
// The answer is a line of JSON for each server. No WebSocket library stands between the clock and
// the socket.

#include "support/json.hpp"
#include "support/random.hpp"
#include "system.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>
#include <zlib.h>

namespace {

enum class mode { no_takeover, takeover, plain };

struct options {
  std::vector<server> servers;
  mode deflate = mode::no_takeover;
  std::size_t connections = 64;
  std::size_t outstanding = 1;
  std::size_t size = 1024;
  std::size_t pool = std::size_t{8} << 20;
  std::size_t slices = 10;
  std::size_t messages = 1000;
  std::size_t memory = 0;
  int core = -1;
};

// ---- What is agreed on

// One direction of a connection.
struct direction {
  bool takeover = true;
  int window_bits = 15;
};

struct agreement {
  bool is_compressed = false;
  direction request;
  direction reply;
};

// What a browser offers; and where nothing is to be taken over, also what tells servers so that
// cannot be told otherwise.
std::string_view offer_of(mode wanted) {
  switch (wanted) {
    case mode::takeover:
      return "permessage-deflate; client_max_window_bits";
    case mode::no_takeover:
      return "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
             "client_max_window_bits";
    default:
      return {};
  }
}

// The number behind a parameter of the response; 15 where it does not stand there.
int window_bits_of(std::string_view response, std::string_view name) {
  const std::size_t at = response.find(name);
  if (at == std::string_view::npos) return 15;
  std::string_view rest = response.substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_of("123456789"), rest.size()));
  return std::max(9, std::atoi(std::string{rest.substr(0, 2)}.c_str()));
}

// What a server that may be trusted means. Fails where it is not what the load is for.
agreement read_agreement(std::string_view answer, mode wanted) {
  agreement all;
  const std::size_t at = answer.find("permessage-deflate");
  all.is_compressed = at != std::string_view::npos;
  if (all.is_compressed != (wanted != mode::plain)) fail("the server wants something else");
  if (!all.is_compressed) return all;
  const std::string_view line = answer.substr(at, answer.find("\r\n", at) - at);
  const auto has = [&](std::string_view name) { return line.find(name) != std::string_view::npos; };
  all.request = {!has("client_no_context_takeover"),
                 window_bits_of(line, "client_max_window_bits")};
  all.reply = {!has("server_no_context_takeover"), window_bits_of(line, "server_max_window_bits")};
  const bool takeover = wanted == mode::takeover;
  if (all.request.takeover != takeover || all.reply.takeover != takeover) {
    fail("the server answered " + std::string{line});
  }
  return all;
}

// ---- Compression

constexpr std::array<unsigned char, 4> deflate_tail{0x00, 0x00, 0xFF, 0xFF};

class deflater {
 public:
  explicit deflater(int window_bits) {
    if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      fail("deflateInit2");
    }
  }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() { ::deflateEnd(&stream_); }

  [[nodiscard]] std::string deflate(std::string_view message) {
    std::string out(::deflateBound(&stream_, message.size()) + 16, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
    stream_.avail_in = static_cast<uInt>(message.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (::deflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_out == 0) fail("deflate");
    out.resize(out.size() - stream_.avail_out - deflate_tail.size());
    return out;
  }
  void restart() { ::deflateReset(&stream_); }

 private:
  ::z_stream stream_ = {};
};

class inflater {
 public:
  explicit inflater(const direction& from) : takeover_{from.takeover} {
    if (::inflateInit2(&stream_, -from.window_bits) != Z_OK) fail("inflateInit2");
  }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { ::inflateEnd(&stream_); }

  // Whether this is the message, compressed.
  [[nodiscard]] bool is(std::string_view message, std::string_view compressed) {
    if (out_.size() <= message.size()) out_.resize(message.size() + 1);
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(message.size() + 1);  // one more gives itself away
    const bool is_good = inflate(compressed.data(), compressed.size()) &&
                         (has_ended_ || inflate(deflate_tail.data(), deflate_tail.size()));
    if (!takeover_) ::inflateReset(&stream_);
    return is_good && stream_.avail_out == 1 &&
           std::memcmp(out_.data(), message.data(), message.size()) == 0;
  }

 private:
  // Inflates all of that. RFC 7692 7.2.3.4: behind a block with BFINAL another stream may begin.
  [[nodiscard]] bool inflate(const void* from, std::size_t size) {
    stream_.next_in = static_cast<Bytef*>(const_cast<void*>(from));
    stream_.avail_in = static_cast<uInt>(size);
    int result = Z_OK;
    do {
      result = ::inflate(&stream_, Z_SYNC_FLUSH);
      has_ended_ = result == Z_STREAM_END;
      if (has_ended_ && (takeover_ || ::inflateReset(&stream_) != Z_OK)) return false;
    } while (has_ended_ && stream_.avail_in != 0);
    return has_ended_ || ((result == Z_OK || result == Z_BUF_ERROR) && stream_.avail_in == 0);
  }

  bool has_ended_ = false;
  bool takeover_;
  ::z_stream stream_ = {};
  std::vector<char> out_;
};

// ---- The requests

// All that is sent, as frames, and as what must come back. A connection begins at one of several
// places, with messages that fill its windows; before such a place the compressor forgot all, so
// that what follows is right on every connection that begins there.
class requests {
 public:
  static constexpr std::size_t window_size = std::size_t{32} << 10;
  static constexpr std::size_t most_places = 64;

  requests(const options& chosen, const agreement& agreed)
      : messages_{bench::json_messages(chosen.size, chosen.pool, 1)} {
    constexpr std::size_t filling_size = 16384;
    filling_count_ = chosen.deflate == mode::takeover ? window_size / filling_size : 0;
    for (std::string& each : bench::json_messages(filling_size, filling_count_ * filling_size, 2)) {
      messages_.push_back(std::move(each));
    }
    place_size_ = std::max<std::size_t>(1, count() / most_places);
    bench::random numbers{3};
    deflater with{agreed.request.window_bits};
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (!agreed.request.takeover || i % place_size_ == 0 || i == count()) with.restart();
      begins_.push_back(frames_.size());
      if (agreed.is_compressed) {
        add(with.deflate(messages_[i]), true, numbers);
      } else {
        add(messages_[i], false, numbers);
      }
    }
    begins_.push_back(frames_.size());
  }

  [[nodiscard]] std::size_t count() const { return messages_.size() - filling_count_; }
  // Those that fill windows stand behind all others.
  [[nodiscard]] std::size_t filling_count() const { return filling_count_; }
  [[nodiscard]] std::string_view message(std::size_t index) const { return messages_[index]; }
  [[nodiscard]] std::string_view frame(std::size_t index) const {
    return std::string_view{frames_}.substr(begins_[index], begins_[index + 1] - begins_[index]);
  }
  // Where a connection begins.
  [[nodiscard]] std::size_t place(std::size_t connection) const {
    return connection * place_size_ % count() / place_size_ * place_size_;
  }

 private:
  void add(std::string_view payload, bool is_compressed, bench::random& numbers) {
    frames_.push_back(static_cast<char>(is_compressed ? 0xC1 : 0x81));
    const std::size_t size = payload.size();
    frames_.push_back(static_cast<char>(0x80 | (size < 126 ? size : 126)));
    if (size >= 126) {
      if (size > 0xFFFF) fail("a message is too large");
      frames_.push_back(static_cast<char>(size >> 8));
      frames_.push_back(static_cast<char>(size));
    }
    std::array<char, 4> key;
    for (char& each : key) each = static_cast<char>(1 + numbers.below(255));
    frames_.append(key.data(), key.size());
    for (std::size_t i = 0; i < size; ++i) {
      frames_.push_back(static_cast<char>(payload[i] ^ key[i % 4]));
    }
  }

  std::vector<std::string> messages_;
  std::size_t filling_count_ = 0;
  std::size_t place_size_ = 1;
  std::string frames_;
  std::vector<std::size_t> begins_;
};

// ---- Replies

struct frame {
  bool fin = false;
  bool is_compressed = false;
  bool is_first = false;
  bool is_ping = false;
  std::string_view payload;
  std::size_t size = 0;  // with its header; 0: not all of it is there
};

frame parse_frame(std::string_view bytes) {
  frame found;
  if (bytes.size() < 2) return found;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned opcode = at(0) & 0x0FU;
  if (opcode > 2 && opcode != 9) fail("a close frame came");
  found.is_ping = opcode == 9;
  found.fin = (at(0) & 0x80U) != 0;
  found.is_compressed = (at(0) & 0x40U) != 0;
  found.is_first = opcode != 0;
  std::size_t size = at(1);
  const std::size_t more = size < 126 ? 0 : size == 126 ? 2 : 8;
  if (bytes.size() < 2 + more) return found;
  if (more != 0) size = 0;
  for (std::size_t i = 0; i < more; ++i) size = size << 8 | at(2 + i);
  if (bytes.size() - 2 - more < size) return found;
  found.payload = bytes.substr(2 + more, size);
  found.size = 2 + more + size;
  return found;
}

// ---- The load

struct connection {
  int socket = -1;
  std::size_t filling = 0;       // how many of the messages that fill windows went
  std::size_t next_request = 0;  // which one follows
  std::size_t next_reply = 0;
  std::size_t unfilled = 0;  // how many replies to those that fill windows are to come
  std::string unsent;
  std::string unread;   // a frame of which not all has come
  std::string message;  // a message of which not all has come
  bool is_compressed = false;
  bool waits_to_send = false;
  std::unique_ptr<inflater> own;  // with takeover
};

class load {
 public:
  load(const options& chosen, const server& loaded)
      : options_{chosen}, server_{loaded}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {}
  load(const load&) = delete;
  load& operator=(const load&) = delete;
  ~load() {
    for (const connection& each : connections_) ::close(each.socket);
    ::close(epoll_);
  }

  void open(std::size_t count) {
    std::string answer;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = connections_.size();
      connection& made = connections_.emplace_back();
      made.socket = connect_websocket(server_.port, index, offer_of(options_.deflate), answer);
      const agreement agreed = read_agreement(answer, options_.deflate);
      if (requests_ == nullptr) requests_ = std::make_unique<requests>(options_, agreed);
      if (agreed.reply.takeover && agreed.is_compressed) {
        made.own = std::make_unique<inflater>(agreed.reply);
      } else if (shared_ == nullptr) {
        shared_ = std::make_unique<inflater>(agreed.reply);
      }
      made.next_request = made.next_reply = requests_->place(index);
      control(EPOLL_CTL_ADD, index, EPOLLIN);
    }
  }

  // Each of the connections from `begin` on sends its first messages, one after the other, and gets
  // them back: those that fill windows, or one.
  void warm(std::size_t begin) {
    const std::size_t filling = requests_->filling_count();
    for (std::size_t i = begin; i < connections_.size(); ++i) {
      connections_[i].filling = connections_[i].unfilled = filling;
      turn(i, i + 1, std::max<std::size_t>(filling, 1), 1);
    }
  }

  // All connections send `count` messages in all, each of them `outstanding` ahead of the replies.
  void turn(std::size_t count) { turn(0, connections_.size(), count, options_.outstanding); }

  void run_slice() {
    const cpu_time before = cpu_of(server_.pid);
    const double own_before = cpu_seconds_of(::getpid());
    const std::int64_t begin = nanoseconds();
    bytes_ = compressed_ = 0;
    turn(options_.messages);
    const cpu_time used = cpu_of(server_.pid) - before;
    own_ += cpu_seconds_of(::getpid()) - own_before;
    seconds_ += static_cast<double>(nanoseconds() - begin) * 1e-9;
    all_bytes_ += bytes_;
    all_compressed_ += compressed_;
    used_ += used;
    slices_.push_back(used.total / static_cast<double>(options_.messages) * 1e6);
  }

  void report() const {
    const auto count = static_cast<double>(options_.messages * slices_.size());
    std::cout << "{\"messages\":" << count << ",\"seconds\":" << seconds_
              << ",\"cpu_us\":" << used_.total / count * 1e6
              << ",\"reply_bytes\":" << static_cast<double>(all_bytes_) / count
              << ",\"compressed_share\":" << static_cast<double>(all_compressed_) / count
              << ",\"server_load\":" << used_.total / seconds_
              << ",\"own_load\":" << own_ / seconds_ << ",\"slices_cpu_us\":[";
    for (std::size_t i = 0; i < slices_.size(); ++i) std::cout << (i == 0 ? "" : ",") << slices_[i];
    std::cout << "]}\n";
  }

  // While the server does not do anything else.
  [[nodiscard]] std::size_t private_bytes() const {
    using namespace std::chrono_literals;
    std::this_thread::sleep_for(100ms);
    return private_bytes_of(server_.pid);
  }
  // The most that it had at any time during `count` messages.
  [[nodiscard]] std::size_t private_bytes_during(std::size_t count) {
    std::size_t most = 0;
    constexpr std::size_t samples = 20;
    for (std::size_t i = 0; i < samples; ++i) {
      turn(count / samples);
      most = std::max(most, private_bytes_of(server_.pid));
    }
    return most;
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

  // The connections of a turn send the same number of messages each, or one more.
  void turn(std::size_t begin, std::size_t end, std::size_t count, std::size_t outstanding) {
    due_.assign(connections_.size(), 0);
    std::size_t missing = count;
    for (std::size_t i = begin; i < end; ++i) {
      due_[i] = count / (end - begin) + (i - begin < count % (end - begin) ? 1 : 0);
      const std::size_t first = std::min(outstanding, due_[i]);
      due_[i] -= first;
      send(i, first);
    }
    std::array<::epoll_event, 256> ready;
    while (missing != 0) {
      const int found = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 5000);
      if (found == 0) fail("nothing came for five seconds");
      for (int i = 0; i < found; ++i) {
        const ::epoll_event& event = ready[static_cast<std::size_t>(i)];
        const auto index = static_cast<std::size_t>(event.data.u64);
        if ((event.events & EPOLLOUT) != 0) push(index);
        if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) continue;
        const std::size_t came = receive(index);
        if (came > missing) fail("a reply came to nothing");
        missing -= came;
        const std::size_t next = std::min(came, due_[index]);
        due_[index] -= next;
        send(index, next);
      }
    }
  }

  // The replies that came whole.
  [[nodiscard]] std::size_t receive(std::size_t index) {
    connection& from = connections_[index];
    const ssize_t got = ::recv(from.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) fail_errno("the server ended a connection");
    std::string_view bytes{buffer_.data(), static_cast<std::size_t>(got)};
    if (!from.unread.empty()) bytes = from.unread.append(bytes);
    std::size_t complete = 0;
    while (true) {
      const frame next = parse_frame(bytes);
      if (next.size == 0) break;
      bytes.remove_prefix(next.size);
      if (next.is_ping) {
        answer_ping(index, next.payload);
        continue;
      }
      bytes_ += next.payload.size();
      if (next.is_first) from.is_compressed = next.is_compressed;
      if (!next.fin || !next.is_first) from.message.append(next.payload);
      if (!next.fin) continue;
      take_reply(from, next.is_first ? next.payload : std::string_view{from.message});
      from.message.clear();
      ++complete;
    }
    from.unread = std::string{bytes};
    return complete;
  }

  // A server that had no turn for long asks whether we are there.
  void answer_ping(std::size_t index, std::string_view payload) {
    std::string& to = connections_[index].unsent;
    to.append({'\x8A', static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0}).append(payload);
    push(index);
  }

  void take_reply(connection& from, std::string_view payload) {
    std::size_t index = from.next_reply;
    if (from.unfilled != 0) {
      index = requests_->count() + requests_->filling_count() - from.unfilled;
      --from.unfilled;
    } else if (++from.next_reply == requests_->count()) {
      from.next_reply = 0;
    }
    const std::string_view expected = requests_->message(index);
    inflater& with = from.own ? *from.own : *shared_;
    if (!(from.is_compressed ? with.is(expected, payload) : expected == payload)) {
      fail("a wrong reply came");
    }
    if (from.is_compressed) ++compressed_;
  }

  void send(std::size_t index, std::size_t count) {
    if (count == 0) return;
    connection& to = connections_[index];
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t which = to.next_request;
      if (to.filling != 0) {
        which = requests_->count() + requests_->filling_count() - to.filling;
        --to.filling;
      } else if (++to.next_request == requests_->count()) {
        to.next_request = 0;
      }
      to.unsent.append(requests_->frame(which));
    }
    push(index);
  }

  void push(std::size_t index) {
    connection& to = connections_[index];
    std::string_view rest = to.unsent;
    while (!rest.empty()) {
      const ssize_t sent = ::send(to.socket, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) fail_errno("send");
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    to.unsent.erase(0, to.unsent.size() - rest.size());
    const bool waits = !to.unsent.empty();
    if (waits == to.waits_to_send) return;
    to.waits_to_send = waits;
    control(EPOLL_CTL_MOD, index, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  options options_;
  server server_;
  std::unique_ptr<requests> requests_;
  std::unique_ptr<inflater> shared_;
  std::vector<connection> connections_;
  std::vector<std::size_t> due_;  // how many each is to send yet
  int epoll_;
  std::uint64_t bytes_ = 0;  // payload of the replies of this slice
  std::uint64_t compressed_ = 0;
  std::uint64_t all_bytes_ = 0;
  std::uint64_t all_compressed_ = 0;
  double seconds_ = 0;
  double own_ = 0;
  cpu_time used_;
  std::vector<double> slices_;
  std::array<char, std::size_t{256} << 10> buffer_;
};

void run(const options& chosen) {
  std::vector<std::unique_ptr<load>> loads;
  for (const server& each : chosen.servers) {
    loads.push_back(std::make_unique<load>(chosen, each));
    loads.back()->open(chosen.connections);
    loads.back()->warm(0);
    loads.back()->turn(chosen.messages);
  }
  for (std::size_t i = 0; i < chosen.slices; ++i) {
    for (const auto& each : loads) each->run_slice();
  }
  for (const auto& each : loads) each->report();
}

void measure_memory(const options& chosen) {
  // The first half pays for what is touched once, and takes what the allocator had free.
  const std::size_t before_count = chosen.memory / 2;
  const std::size_t count = chosen.memory - before_count;
  const auto each = std::make_unique<load>(chosen, chosen.servers[0]);
  each->open(before_count);
  each->warm(0);
  const auto per_connection = [&](std::size_t now, std::size_t before) {
    return (static_cast<double>(now) - static_cast<double>(before)) / static_cast<double>(count);
  };
  const std::size_t before = each->private_bytes();
  each->open(count);
  each->warm(before_count);
  const double idle = per_connection(each->private_bytes(), before);
  const double active = per_connection(each->private_bytes_during(8 * chosen.memory), before);
  std::cout << "{\"connections\":" << chosen.memory << ",\"idle_bytes\":" << idle
            << ",\"active_bytes\":" << active << "}\n";
}

// ---- The program

options parse(int count, char** arguments) {
  options parsed;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--takeover" || name == "--plain") {
      parsed.deflate = name == "--plain" ? mode::plain : mode::takeover;
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
    } else if (name == "--pool") {
      parsed.pool = number;
    } else if (name == "--slices") {
      parsed.slices = number;
    } else if (name == "--messages") {
      parsed.messages = number;
    } else if (name == "--memory") {
      parsed.memory = number;
    } else if (name == "--core") {
      parsed.core = std::atoi(value);
    } else {
      fail("there is no option " + std::string{name});
    }
  }
  if (parsed.servers.empty()) fail("--server PORT:PID: which one?");
  if (parsed.connections == 0 || parsed.outstanding == 0 || parsed.messages == 0 ||
      parsed.size < 128 || parsed.pool < parsed.size) {
    fail("that is no load");
  }
  return parsed;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const options chosen = parse(count, arguments);
    if (chosen.core >= 0) pin(chosen.core);
    raise_descriptor_limit(std::max(chosen.connections * chosen.servers.size(), chosen.memory));
    if (chosen.memory != 0) {
      measure_memory(chosen);
    } else {
      run(chosen);
    }
  } catch (const std::exception& wrong) {
    std::cerr << "load_deflate: " << wrong.what() << '\n';
    return 1;
  }
}
