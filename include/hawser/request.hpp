#pragma once

#include "hawser/cookie.hpp"
#include "hawser/header_list.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/subprotocol.hpp"
#include "hawser/target.hpp"
#include "hawser/version.hpp"

#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// What a client asks of a server: a view, valid from the request event until the connection opens
/// or the request is refused, and in the open event.
class request {
 public:
  request() = default;
  request(const request_view& head, const classified_request& found) noexcept
      : head_{head}, found_{found} {}

  /// True where a WebSocket is asked for; false for plain HTTP.
  [[nodiscard]] bool is_upgrade() const noexcept { return found_.kind == request_kind::upgrade; }
  /// GET, or for plain HTTP also HEAD.
  [[nodiscard]] std::string_view method() const noexcept { return head_.method; }
  /// The target as it stands in the request line.
  [[nodiscard]] std::string_view target() const noexcept { return head_.target; }
  /// The path, without the query; nothing is decoded.
  [[nodiscard]] std::string_view path() const noexcept { return found_.target.path; }
  /// What follows "?".
  [[nodiscard]] std::string_view query() const noexcept { return found_.target.query; }
  /// The value of `name` in the query, not decoded (see decode_percent); empty where there is none.
  [[nodiscard]] std::string_view query_value(std::string_view name) const noexcept {
    return hawser::query_value(query(), name);
  }
  /// All headers.
  [[nodiscard]] header_list headers() const noexcept { return head_.headers; }
  /// The first header of this name; empty where there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
    return head_.headers.value(name);
  }
  /// The Origin of an upgrade; empty where there is none.
  [[nodiscard]] std::string_view origin() const noexcept { return found_.origin; }
  /// The value of the cookie `name`; empty where there is none.
  [[nodiscard]] std::string_view cookie(std::string_view name) const noexcept {
    return cookie_value(head_.headers, name);
  }
  /// True where the client offers this subprotocol.
  [[nodiscard]] bool offers(std::string_view subprotocol) const noexcept {
    return is_subprotocol_offered(head_.headers, subprotocol);
  }
  /// Calls `visit` with each subprotocol that is offered, in the client's order, until it returns
  /// false.
  template <class Visitor>
  void for_each_subprotocol(Visitor&& visit) const {
    hawser::for_each_subprotocol(head_.headers, visit);
  }
  /// The subprotocol that accept() chooses by itself: the first offered that the endpoint speaks.
  [[nodiscard]] std::string_view subprotocol() const noexcept {
    return found_.subprotocol == nullptr ? std::string_view{} : *found_.subprotocol;
  }

 private:
  friend class server_handshake;

  request_view head_;
  classified_request found_;
};

}  // namespace hawser::inline v0
