#pragma once

// Connections that compress, opened by each other or by somebody else.

#include "hawser/codecs/zlib.hpp"
#include "support/deflating.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace support {

template <hawser::role Role>
using deflate_connection = logged_connection<Role, hawser::zlib_deflate>;

// One end that is open from the start, with an endpoint of its own.
template <hawser::role Role>
class compressing {
 public:
  using endpoint_type = hawser::basic_endpoint<Role, hawser::zlib_deflate>;
  using options_type = typename endpoint_type::options_type;

  explicit compressing(std::string_view agreed = "permessage-deflate", options_type options = {},
                       const hawser::deflate_options& extension = {})
      : endpoint{std::move(options), extension}, end{endpoint, {.extensions = agreed}} {
    end.take_open();
  }

  endpoint_type endpoint;
  deflate_connection<Role> end;
};

// A server and a client that compress, and what lies between.
class compressing_pair {
 public:
  struct setup {
    hawser::server_options server = {};
    hawser::deflate_options server_deflate = {};
    hawser::client_options client = {};
    hawser::deflate_options client_deflate = {};
  };

  compressing_pair() : compressing_pair{setup{}} {}
  explicit compressing_pair(setup with)
      : server_endpoint{std::move(with.server), with.server_deflate},
        client_endpoint{std::move(with.client), with.client_deflate},
        server{server_endpoint},
        client{client_endpoint, hawser::client_request{.url = "ws://localhost:9001/"}} {}

  // Carries what waits, in parts of at most `step` bytes, until nothing does.
  void carry(std::size_t step = SIZE_MAX) {
    while (client->has_output() || server->has_output()) {
      while (client->has_output()) {
        const bytes part = client.take_output(step);
        to_server += part.size();
        server.feed(part);
      }
      while (server->has_output()) {
        const bytes part = server.take_output(step);
        to_client += part.size();
        client.feed(part);
      }
    }
  }
  // Opens both, and forgets how.
  void open() {
    carry();
    if (!server->is_open() || !client->is_open()) FAIL("they do not open");
    server.forget_log();
    client.forget_log();
    to_server = to_client = 0;
  }

  hawser::zlib::server_endpoint server_endpoint;
  hawser::zlib::client_endpoint client_endpoint;
  deflate_connection<hawser::role::server> server;
  deflate_connection<hawser::role::client> client;
  std::size_t to_server = 0;
  std::size_t to_client = 0;
};

// The line of a log for a message.
inline std::string text_line(std::string_view text) { return "text " + describe(bytes_of(text)); }
inline std::string binary_line(std::string_view payload) {
  return "binary " + describe(bytes_of(payload));
}

}  // namespace support
