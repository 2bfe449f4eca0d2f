#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// Appends `text` to `out` with each "%" and two hexadecimal digits turned into their byte; a "+"
/// stays a "+". False, and `out` is unchanged, where a "%" stands without two digits. The bytes may
/// be anything, control bytes and invalid UTF-8 included. RFC 3986 2.1.
[[nodiscard]] inline bool decode_percent(std::string_view text, std::string& out) {
  const std::size_t size_before = out.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 1 < text.size() ? detail::hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? detail::hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out.resize(size_before);
      return false;
    }
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return true;
}

}  // namespace hawser::inline v0
