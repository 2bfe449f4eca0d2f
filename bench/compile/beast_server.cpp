// The same with Beast: an echo server of one connection at a time.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <utility>

using tcp = boost::asio::ip::tcp;

void serve(tcp::socket socket) {
  boost::beast::websocket::stream<tcp::socket> peer{std::move(socket)};
  boost::beast::error_code error;
  peer.accept(error);
  boost::beast::flat_buffer message;
  while (!error) {
    peer.read(message, error);
    if (error) break;
    peer.text(peer.got_text());
    peer.write(message.data(), error);
    message.consume(message.size());
  }
}

int main() {
  boost::asio::io_context context;
  tcp::acceptor acceptor{context, {tcp::v4(), 9001}};
  for (;;) serve(acceptor.accept());
}
