#pragma once

// Connections that compress, opened by each other or by somebody else.

#include "hawser/codecs/libdeflate.hpp"
#include "hawser/codecs/zlib.hpp"
#include "support/deflating.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace support {

// What somebody else agreed on: everything, and nothing that outlives a message.
inline constexpr std::string_view all_takes_over = "permessage-deflate";
inline constexpr std::string_view none_takes_over =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

// The most that an extension can keep to.
template <class Extension>
inline constexpr std::string_view usual_agreement =
    hawser::deflate_codec<typename Extension::codec> ? all_takes_over : none_takes_over;

// At which end, and with which codec, for TEMPLATE_LIST_TEST_CASE.
template <hawser::role Role, class Extension>
struct compressing_end {
  static constexpr hawser::role self = Role;
  using extension = Extension;
};
using zlib_ends = std::tuple<compressing_end<hawser::role::server, hawser::zlib_deflate>,
                             compressing_end<hawser::role::client, hawser::zlib_deflate>>;
using libdeflate_ends =
    std::tuple<compressing_end<hawser::role::server, hawser::libdeflate_deflate>,
               compressing_end<hawser::role::client, hawser::libdeflate_deflate>>;
using all_ends = decltype(std::tuple_cat(zlib_ends{}, libdeflate_ends{}));

template <class End>
inline constexpr std::string_view usual = usual_agreement<typename End::extension>;
// What comes is compressed or inflated as it comes, with a window that may be taken over.
template <class End>
inline constexpr bool is_stream = hawser::deflate_codec<typename End::extension::codec>;

template <hawser::role Role, class Extension = hawser::zlib_deflate>
using deflate_connection = logged_connection<Role, Extension>;

// One end that is open from the start, with an endpoint of its own.
template <hawser::role Role, class Extension = hawser::zlib_deflate>
class compressing {
 public:
  using endpoint_type = hawser::basic_endpoint<Role, Extension>;
  using options_type = typename endpoint_type::options_type;

  explicit compressing(std::string_view agreed = usual_agreement<Extension>,
                       options_type options = {}, const hawser::deflate_options& extension = {})
      : endpoint{std::move(options), extension}, end{endpoint, {.extensions = agreed}} {
    end.take_open();
  }

  endpoint_type endpoint;
  deflate_connection<Role, Extension> end;
};

// A server and a client that compress, and what lies between.
template <class ServerExtension = hawser::zlib_deflate, class ClientExtension = ServerExtension>
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

  hawser::basic_endpoint<hawser::role::server, ServerExtension> server_endpoint;
  hawser::basic_endpoint<hawser::role::client, ClientExtension> client_endpoint;
  deflate_connection<hawser::role::server, ServerExtension> server;
  deflate_connection<hawser::role::client, ClientExtension> client;
  std::size_t to_server = 0;
  std::size_t to_client = 0;
};

// The line of a log for a message.
inline std::string text_line(std::string_view text) { return "text " + describe(bytes_of(text)); }
inline std::string binary_line(std::string_view payload) {
  return "binary " + describe(bytes_of(payload));
}

}  // namespace support
