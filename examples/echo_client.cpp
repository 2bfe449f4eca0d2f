// Connects to a server and sends back every message that it sends, until it closes.
//
//     echo_client [--no-deflate] URL
//
// Offers to compress messages (--deflate), unless told not to.
//
// Exit status 0 after a clean close; otherwise 1, and a line that says why.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

namespace {

int fail(std::string_view why) {
  std::cerr << "echo_client: " << why << '\n';
  return 1;
}

int echo(const std::string& url, bool compresses) {
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  if (!to) return fail(to_string(to.error));
  if (to->secure) return fail("wss needs TLS, which is not here");
  hawser::opened_socket opened = hawser::connect_tcp(to->host_without_brackets(), to->port,
                                                     std::chrono::steady_clock::now() + 10s);
  if (!opened) return fail(opened.failure);

  hawser::zlib::client_endpoint endpoint{
      {.limits = {.max_message_size = 64 << 20, .max_output_size = 65 << 20}},
      {.is_enabled = compresses}};
  hawser::client_stream<hawser::descriptor, hawser::zlib_deflate> server{
      endpoint, std::move(opened.socket), {.url = url}};

  while (const hawser::event event = server.receive()) {
    if (event.is_message()) server.send(event);
    if (event.kind() == hawser::event_kind::refused) {
      const hawser::response response = server.connection().response();
      return fail("refused with status " + std::to_string(response.status) + ' ' +
                  std::string{response.reason});
    }
  }
  return server.connection().was_clean() ? 0 : fail(to_string(server.connection().error()));
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string_view first = argument_count > 1 ? arguments[1] : "";
  const bool is_told = first == "--deflate" || first == "--no-deflate";
  if (argument_count == (is_told ? 3 : 2)) {
    return echo(arguments[argument_count - 1], first != "--no-deflate");
  }
  std::cerr << "echo_client [--no-deflate] URL\n";
  return 2;
}
