#include "peers/peer.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/detail/mask.hpp>
#include <boost/beast/websocket/detail/utf8_checker.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using error_code = boost::beast::error_code;

// A stream whose reads copy from memory, and whose writes hand over.
class memory_stream {
 public:
  using executor_type = asio::io_context::executor_type;

  explicit memory_stream(asio::io_context& context) : executor_{context.get_executor()} {}

  executor_type get_executor() noexcept { return executor_; }

  // What is to be read, and where writes go.
  void set(const input& from, delivery& network) {
    from_ = from;
    network_ = &network;
    at_ = 0;
    read_end_ = std::min(from.read_size, from.size);
  }

  // Called where a read finds nothing, so that it may set() something.
  void when_empty(std::function<void(memory_stream&)> call) { when_empty_ = std::move(call); }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    error = {};
    if (at_ == from_.size && when_empty_) when_empty_(*this);
    if (at_ == from_.size) {
      error = asio::error::eof;
      return 0;
    }
    const std::size_t size =
        asio::buffer_copy(buffers, asio::buffer(from_.data + at_, read_end_ - at_));
    at_ += size;
    if (at_ == read_end_) read_end_ = std::min(from_.size, at_ + from_.read_size);
    return size;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    return read_some(buffers, error);
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = {};
    std::size_t size = 0;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
         ++at) {
      const asio::const_buffer part{*at};
      if (part.size() != 0) network_->take(part.data(), part.size());
      size += part.size();
    }
    return size;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    error_code error;
    return write_some(buffers, error);
  }

 private:
  executor_type executor_;
  input from_ = {};
  delivery* network_ = nullptr;
  std::size_t at_ = 0;
  std::size_t read_end_ = 0;
  std::function<void(memory_stream&)> when_empty_;
};

void teardown(boost::beast::role_type, memory_stream&, error_code& error) { error = {}; }

input as_input(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size(), 0, usual_read_size};
}

void must(const error_code& error) {
  if (error) std::abort();
}

void mask(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  std::uint32_t number;
  std::memcpy(&number, key, 4);
  for (std::size_t i = 0; i < count; ++i) {
    websocket::detail::prepared_key prepared;
    websocket::detail::prepare_key(prepared, number);
    websocket::detail::mask_inplace(asio::mutable_buffer{base + pieces[i].offset, pieces[i].size},
                                    prepared);
  }
}

bool is_utf8(const std::byte* base, const piece* pieces, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* const text = reinterpret_cast<const char*>(base + pieces[i].offset);
    if (!websocket::detail::check_utf8(text, pieces[i].size)) return false;
  }
  return true;
}

using stream = websocket::stream<memory_stream>;

// Does the opening handshake of a server.
void accept(stream& connection) {
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  delivery network;
  connection.next_layer().set(as_input(request), network);
  error_code error;
  connection.accept(error);
  must(error);
}

// Does the opening handshake of a client, with an answer to the random key that it asks with.
void ask(stream& connection) {
  std::vector<std::byte> asked;
  delivery network{asked};
  std::string answer;
  connection.next_layer().set({}, network);
  connection.next_layer().when_empty([&](memory_stream& self) {
    const std::string_view request{reinterpret_cast<const char*>(asked.data()), asked.size()};
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const std::string_view key = request.substr(request.find(name) + name.size(), 24);
    websocket::detail::sec_ws_accept_type accept;
    websocket::detail::make_sec_ws_accept(accept, key);
    answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        std::string{accept.data(), accept.size()} + "\r\n\r\n";
    self.set(as_input(answer), network);
  });
  error_code error;
  connection.handshake("a", "/", error);
  must(error);
  connection.next_layer().when_empty({});
}

class server_receiver : public receiver {
 public:
  server_receiver() { accept(connection_); }

  void receive(const input& from, delivery& messages) override {
    delivery network;
    connection_.next_layer().set(from, network);
    error_code error;
    for (std::size_t i = 0; i < from.messages; ++i) {
      connection_.read(message_, error);
      must(error);
      messages.take(message_.data().data(), message_.size());
      message_.consume(message_.size());
    }
  }

 private:
  asio::io_context context_;
  stream connection_{context_};
  boost::beast::flat_buffer message_;
};

class any_sender : public sender {
 public:
  explicit any_sender(void (*open)(stream&)) {
    open(connection_);
    connection_.binary(true);
  }

  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    connection_.next_layer().set({}, network);
    error_code error;
    for (std::size_t i = 0; i < count; ++i) {
      connection_.write(asio::const_buffer{payload, size}, error);
      must(error);
    }
  }

 private:
  asio::io_context context_;
  stream connection_{context_};
};

class server_opener : public opener {
 public:
  void open(const char* request, std::size_t size, std::size_t count, delivery& network) override {
    error_code error;
    for (std::size_t i = 0; i < count; ++i) {
      stream connection{context_};
      connection.next_layer().set(
          {reinterpret_cast<const std::byte*>(request), size, 0, usual_read_size}, network);
      connection.accept(error);
      must(error);
    }
  }

 private:
  asio::io_context context_;
};

}  // namespace

peer beast_peer() {
  peer self;
  self.name = "Beast";
  self.mask = mask;
  self.is_utf8 = is_utf8;
  self.make_receiver = [](bool) -> std::unique_ptr<receiver> {
    return std::make_unique<server_receiver>();
  };
  self.make_client = []() -> std::unique_ptr<sender> { return std::make_unique<any_sender>(ask); };
  self.make_server = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender>(accept);
  };
  self.make_opener = []() -> std::unique_ptr<opener> { return std::make_unique<server_opener>(); };
  return self;
}

}  // namespace bench
