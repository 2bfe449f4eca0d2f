#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/loop_connections.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/error.hpp"
#include "hawser/parsed.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/uri.hpp"
#include "hawser/version.hpp"

#include <string>
#include <utility>

// Clients on a loop. See epoll.hpp and uring.hpp, which are to be included.
namespace hawser::inline v0 {

/// Clients on a loop, with an extension as of loop_server.
template <class Loop, class Handler, class Extension>
class loop_client final : public loop_connections<Loop, role::client, Handler, Extension> {
  using base = loop_connections<Loop, role::client, Handler, Extension>;

 public:
  explicit loop_client(Loop& loop, client_options options = {}, Handler handler = {},
                       const water_marks& marks = {.stops_reading = false},
                       const typename Extension::options& extension = {})
      : base{loop, std::move(options), extension, marks, std::move(handler)} {}

  /// Connects to the host of a ws URL and opens a WebSocket; on_open or on_close tells how it went.
  /// Looking the host up takes as long as the system lets it; its addresses are tried in turn.
  /// There is no TLS here: a wss URL is refused as no_tls. What it returns lives until its
  /// on_close returns.
  loop_connection<Loop, role::client, Handler, Extension>& connect(client_request request);

  /// Closes all connections with code 1001. Go on with poll() until size() is 0.
  void shut_down() { this->close_all(close_code::going_away); }
};

template <class Loop, class Handler, class Extension>
loop_connection<Loop, role::client, Handler, Extension>&
loop_client<Loop, Handler, Extension>::connect(client_request request) {
  const parsed<uri> to = parse_uri(request.url);
  const error wrong = !to ? to.error : to->secure ? error::no_tls : error::none;
  std::string failure;
  detail::address_list found;
  if (wrong == error::none) {
    found = detail::resolve_tcp(to->host_without_brackets(), to->port, 0, failure);
  }
  auto& made = *this->add({}, std::move(request));
  this->start(made, std::move(found), wrong == error::none ? error::transport_failed : wrong);
  return made;
}

}  // namespace hawser::inline v0
