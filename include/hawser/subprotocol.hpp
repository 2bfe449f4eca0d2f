#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// How many subprotocols a request may offer. They must be distinct, and to tell so takes time that
/// grows with the square of their number: in 16 KiB there is room for thousands.
inline constexpr std::size_t max_offered_subprotocols = 128;

namespace detail {

inline constexpr std::string_view subprotocol_header = "Sec-WebSocket-Protocol";

// The distinct tokens seen so far, without memory from the heap.
class distinct_tokens {
 public:
  // False where `token` is none, was there before, or is one too many.
  [[nodiscard]] HAWSER_NO_INLINE constexpr bool add(std::string_view token) noexcept {
    if (size_ == tokens_.size() || !is_token(token)) return false;
    for (std::size_t i = 0; i < size_; ++i) {
      if (tokens_[i] == token) return false;
    }
    tokens_[size_++] = token;
    return true;
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  std::array<std::string_view, max_offered_subprotocols> tokens_{};
  std::size_t size_ = 0;
};

}  // namespace detail

/// Calls `visit` with each subprotocol that a request offers, in the client's order of preference,
/// until it returns false; true if it never did. Check the list with check_offered_subprotocols
/// first.
template <class Visitor>
constexpr bool for_each_subprotocol(header_list headers, Visitor&& visit) {
  return headers.for_each_element(detail::subprotocol_header, visit);
}

/// Checks the Sec-WebSocket-Protocol fields of a request: `error::bad_subprotocol_list` unless they
/// are one list of at most max_offered_subprotocols distinct tokens, and none of them is empty. No
/// field at all is fine. RFC 6455 4.1 and 11.3.4.
[[nodiscard]] HAWSER_NO_INLINE constexpr error check_offered_subprotocols(
    header_list headers) noexcept {
  // RFC 6455 4.1: "The elements that comprise this value MUST be non-empty strings with characters
  // in the range U+0021 to U+007E not including separator characters as defined in [RFC2616] and
  // MUST all be unique strings."
  detail::distinct_tokens seen;
  for (const header& field : headers) {
    if (!detail::equals_ignoring_case(field.name, detail::subprotocol_header)) continue;
    const std::size_t seen_before = seen.size();
    const bool all_are_good = detail::for_each_element(
        field.value, [&](std::string_view token) { return seen.add(token); });
    if (!all_are_good || seen.size() == seen_before) return error::bad_subprotocol_list;
  }
  return error::none;
}

/// Checks what a client is about to offer: `error::bad_subprotocol` unless they are at most
/// max_offered_subprotocols distinct tokens.
[[nodiscard]] constexpr error check_subprotocols_to_offer(
    std::span<const std::string> subprotocols) noexcept {
  detail::distinct_tokens seen;
  for (const std::string& subprotocol : subprotocols) {
    if (!seen.add(subprotocol)) return error::bad_subprotocol;
  }
  return error::none;
}

/// True where the request offers `subprotocol`; case matters.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_subprotocol_offered(
    header_list headers, std::string_view subprotocol) noexcept {
  return !for_each_subprotocol(headers, [&](std::string_view each) { return each != subprotocol; });
}

/// The first of the client's list that the server supports, which is what the client prefers: a
/// pointer to the element of `supported`, or null where they have none in common, and the
/// connection then runs without a subprotocol. Case matters. RFC 6455 4.2.2.
[[nodiscard]] HAWSER_NO_INLINE constexpr const std::string* select_subprotocol(
    header_list headers, std::span<const std::string> supported) noexcept {
  // RFC 6455 4.1: "The request MAY include a header field with the name |Sec-WebSocket-Protocol|.
  // If present, this value indicates one or more comma-separated subprotocol the client wishes to
  // speak, ordered by preference."
  const std::string* selected = nullptr;
  for_each_subprotocol(headers, [&](std::string_view offered) {
    for (const std::string& candidate : supported) {
      if (candidate == offered) {
        selected = &candidate;
        return false;
      }
    }
    return true;
  });
  return selected;
}

}  // namespace hawser::inline v0
