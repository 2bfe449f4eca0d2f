#pragma once

#include "hawser/version.hpp"

#include <type_traits>

// std::min and std::max without <algorithm>, which costs every user a fiftieth of the compile time.
namespace hawser::inline v0 {
namespace detail {

template <class T>
[[nodiscard]] constexpr T min_of(T a, std::type_identity_t<T> b) noexcept {
  return b < a ? b : a;
}

template <class T>
[[nodiscard]] constexpr T max_of(T a, std::type_identity_t<T> b) noexcept {
  return a < b ? b : a;
}

}  // namespace detail
}  // namespace hawser::inline v0
