// An echo server over Boost.Beast: asynchronous, in one thread, a flat_buffer for each connection.

#include "port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdint>
#include <memory>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp::socket&& socket, deflate_mode deflate) : stream_{std::move(socket)} {
    if (deflate == deflate_mode::none) return;
    websocket::permessage_deflate compression;
    compression.server_enable = true;
    compression.server_no_context_takeover = deflate == deflate_mode::shared;
    compression.client_no_context_takeover = deflate == deflate_mode::shared;
    stream_.set_option(compression);
  }

  void start() {
    beast::get_lowest_layer(stream_).socket().set_option(tcp::no_delay{true});
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.auto_fragment(false);  // otherwise replies come in frames of 4 KiB
    stream_.async_accept([self = shared_from_this()](error_code wrong) {
      if (!wrong) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](error_code wrong, std::size_t) {
      if (!wrong) self->write();
    });
  }

  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(),
                        [self = shared_from_this()](error_code wrong, std::size_t size) {
                          if (wrong) return;
                          self->buffer_.consume(size);
                          self->read();
                        });
  }

  websocket::stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
};

void accept(tcp::acceptor& acceptor, deflate_mode deflate) {
  acceptor.async_accept([&acceptor, deflate](error_code wrong, tcp::socket socket) {
    if (!wrong) std::make_shared<session>(std::move(socket), deflate)->start();
    accept(acceptor, deflate);
  });
}

}  // namespace

int main(int count, char** arguments) {
  asio::io_context context{1};
  tcp::acceptor acceptor{context,
                         {asio::ip::make_address("127.0.0.1"),
                          static_cast<std::uint16_t>(port_from(count, arguments))}};
  accept(acceptor, deflate_from(count, arguments));
  context.run();
}
