#pragma once

#include "hawser/detail/base64.hpp"
#include "hawser/error.hpp"
#include "hawser/percent.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// Appends the value of an Authorization header for the userinfo of a URI: "Basic " and the base64
/// of "user:password", both decoded from their percent-encoding; without ":" the password is empty.
/// `error::bad_url`, and `out` is unchanged, where an encoding is malformed, the decoded user has a
/// colon, or there is a control byte. RFC 7617 2.
[[nodiscard]] inline error append_basic_authorization(std::string& out, std::string_view userinfo) {
  const std::size_t colon = userinfo.find(':');
  std::string credentials;
  if (!decode_percent(userinfo.substr(0, colon), credentials)) return error::bad_url;
  // RFC 7617 2: "a user-id containing a colon character is invalid, as the first colon in a
  // user-pass string separates user-id and password from one another".
  if (credentials.find(':') != std::string::npos) return error::bad_url;
  credentials += ':';
  if (colon != std::string_view::npos && !decode_percent(userinfo.substr(colon + 1), credentials)) {
    return error::bad_url;
  }
  // RFC 7617 2: "The user-id and password MUST NOT contain any control characters".
  for (const char c : credentials) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) return error::bad_url;
  }

  out += "Basic ";
  const std::size_t size_before = out.size();
  out.resize(size_before + detail::base64_size(credentials.size()));
  detail::encode_base64(std::as_bytes(std::span{credentials}), out.data() + size_before);
  return error::none;
}

}  // namespace hawser::inline v0
