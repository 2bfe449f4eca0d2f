#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <string_view>

namespace hawser::inline v0 {

/// Calls `visit(name, value)` with each pair of the Cookie fields of a request, in their order,
/// until it returns false; true if it never did. Pairs without "=" are skipped, as are spaces
/// around names and values. Nothing is decoded, and quotes around a value are part of it. RFC
/// 6265 4.2.1.
template <class Visitor>
constexpr bool for_each_cookie(header_list headers, Visitor&& visit) {
  for (const header& field : headers) {
    if (!detail::equals_ignoring_case(field.name, "Cookie")) continue;
    // RFC 6265 4.2.1: cookie-string = cookie-pair *( ";" SP cookie-pair )
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      if (!visit(detail::trim(pair.substr(0, equals)), detail::trim(pair.substr(equals + 1)))) {
        return false;
      }
    }
  }
  return true;
}

/// The value of the first cookie of this name, whose case matters; empty where there is none. The
/// first is the one with the longest path: RFC 6265 5.4 has browsers sort them so.
[[nodiscard]] constexpr std::string_view cookie_value(header_list headers,
                                                      std::string_view name) noexcept {
  std::string_view found;
  for_each_cookie(headers, [&](std::string_view each, std::string_view value) {
    if (each != name) return true;
    found = value;
    return false;
  });
  return found;
}

}  // namespace hawser::inline v0
