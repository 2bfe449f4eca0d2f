#pragma once

#include "hawser/error.hpp"
#include "hawser/version.hpp"

#include <string_view>

namespace hawser::inline v0 {

/// What a parser of a whole text returns: the value, or why there is none. The value's views point
/// into the text that was parsed.
template <class Value>
struct parsed {
  hawser::error error = hawser::error::none;
  Value value{};  ///< Default-made where `error` is set.

  /// True where there is a value.
  constexpr explicit operator bool() const noexcept { return error == hawser::error::none; }
  [[nodiscard]] constexpr const Value& operator*() const noexcept { return value; }
  [[nodiscard]] constexpr const Value* operator->() const noexcept { return &value; }
};

namespace detail {

// What a function makes of a text that writes its result elsewhere, which is less code where it can
// fail at many places: the value is default-made where it returns an error.
template <class Value>
[[nodiscard]] constexpr parsed<Value> parsed_by(error (*read)(std::string_view, Value&) noexcept,
                                                std::string_view text) noexcept {
  parsed<Value> result;
  result.error = read(text, result.value);
  if (!result) result.value = {};
  return result;
}

}  // namespace detail

}  // namespace hawser::inline v0
