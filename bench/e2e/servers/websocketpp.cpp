// An echo server over websocketpp, with its transport over Asio, in one thread.

#include "port.hpp"

#include <cstdint>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

namespace {

using server_type = websocketpp::server<websocketpp::config::asio>;

}  // namespace

int main(int count, char** arguments) {
  server_type server;
  server.clear_access_channels(websocketpp::log::alevel::all);
  server.clear_error_channels(websocketpp::log::elevel::all);
  server.init_asio();
  server.set_reuse_addr(true);
  server.set_tcp_post_init_handler([&server](websocketpp::connection_hdl peer) {
    server.get_con_from_hdl(peer)->get_raw_socket().set_option(
        websocketpp::lib::asio::ip::tcp::no_delay{true});
  });
  server.set_message_handler(
      [&server](websocketpp::connection_hdl peer, const server_type::message_ptr& message) {
        server.send(peer, message->get_payload(), message->get_opcode());
      });
  server.set_listen_backlog(4096);
  server.listen(websocketpp::lib::asio::ip::tcp::v4(),
                static_cast<std::uint16_t>(port_from(count, arguments)));
  server.start_accept();
  server.run();
}
