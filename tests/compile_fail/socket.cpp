// A stream needs a socket, and what its role needs.

#include "hawser/adapters/socket.hpp"

struct my_socket {
  hawser::io_result read_some(std::span<std::byte> to);
  hawser::io_result write_some(std::span<const std::byte> from);
};

void connect(hawser::client_endpoint& client, hawser::server_endpoint& server, my_socket& socket) {
  hawser::client_stream<my_socket&> one{client, socket, {.url = "ws://localhost/"}};
  hawser::server_stream<my_socket&> two{server, socket};
}

#ifdef HAWSER_CASE_1  // expect: constraints not satisfied|template constraint failure
using of_a_number = hawser::server_stream<int>;
of_a_number* stream = nullptr;
#endif

#ifdef HAWSER_CASE_2  // expect: constraints not satisfied|template constraint failure
struct deaf_socket {
  hawser::io_result write_some(std::span<const std::byte> from);
};
using of_half_a_socket = hawser::server_stream<deaf_socket>;
of_half_a_socket* stream = nullptr;
#endif

#ifdef HAWSER_CASE_3  // expect: no matching (constructor|function)
void ask_nothing(hawser::client_endpoint& endpoint, my_socket& socket) {
  hawser::client_stream<my_socket&> stream{endpoint, socket};
}
#endif

#ifdef HAWSER_CASE_4  // expect: no matching (constructor|function)
void swap_roles(hawser::client_endpoint& endpoint, my_socket& socket) {
  hawser::server_stream<my_socket&> stream{endpoint, socket};
}
#endif
