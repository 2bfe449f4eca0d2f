#pragma once

#include "hawser/error.hpp"
#include "hawser/version.hpp"

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

}  // namespace hawser::inline v0
