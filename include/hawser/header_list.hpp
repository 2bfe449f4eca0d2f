#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

namespace hawser::inline v0 {

/// One header field. A view: whoever made it says how long it lives.
struct header {
  std::string_view name;   ///< Compared without regard to case. RFC 9110 5.1.
  std::string_view value;  ///< Without the white space around it.

  friend constexpr bool operator==(const header&, const header&) = default;
};

/// The header fields of a request or response in their order, as HTTP of any version carries them:
/// the neutral ground between a carrier (HTTP/1.1 text, HTTP/2, HTTP/3) and the negotiation.
///
/// A view over an array of fields that somebody else owns: a vector, an array, or a list in braces
/// that is an argument of a call.
class header_list {
 public:
  constexpr header_list() = default;
  template <class Fields>
    requires(!std::is_same_v<Fields, header_list> &&
             std::is_convertible_v<const Fields&, std::span<const header>>)
  constexpr header_list(const Fields& fields) noexcept  // NOLINT(google-explicit-constructor)
      : fields_{fields} {}
  constexpr header_list(std::initializer_list<header> fields) noexcept
      : fields_{fields.begin(), fields.size()} {}

  [[nodiscard]] constexpr auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] constexpr auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return fields_.empty(); }
  [[nodiscard]] constexpr const header& operator[](std::size_t i) const noexcept {
    return fields_[i];
  }

  /// How many fields have this name.
  [[nodiscard]] HAWSER_NO_INLINE constexpr std::size_t count(std::string_view name) const noexcept {
    std::size_t found = 0;
    for (const header& field : fields_) {
      found += detail::equals_ignoring_case(field.name, name) ? 1U : 0U;
    }
    return found;
  }

  /// The first field of this name, or null.
  [[nodiscard]] HAWSER_NO_INLINE constexpr const header* find(
      std::string_view name) const noexcept {
    for (const header& field : fields_) {
      if (detail::equals_ignoring_case(field.name, name)) return &field;
    }
    return nullptr;
  }

  /// The value of the first field of this name; empty where there is none.
  [[nodiscard]] constexpr std::string_view value(std::string_view name) const noexcept {
    const header* field = find(name);
    return field == nullptr ? std::string_view{} : field->value;
  }

  /// Calls `visit` with each element of the comma-separated list that all fields of this name are
  /// together, until it returns false; true if it never did.
  template <class Visitor>
  constexpr bool for_each_element(std::string_view name, Visitor&& visit) const {
    for (const header& field : fields_) {
      if (detail::equals_ignoring_case(field.name, name) &&
          !detail::for_each_element(field.value, visit)) {
        return false;
      }
    }
    return true;
  }

  /// True where a comma-separated list of tokens, over all fields of this name, has `token` in any
  /// case. RFC 9110 5.3: repeated fields are one list.
  [[nodiscard]] HAWSER_NO_INLINE constexpr bool has_token(std::string_view name,
                                                          std::string_view token) const noexcept {
    for (const header& field : fields_) {
      if (detail::equals_ignoring_case(field.name, name) &&
          detail::list_has_token(field.value, token)) {
        return true;
      }
    }
    return false;
  }

 private:
  std::span<const header> fields_;
};

}  // namespace hawser::inline v0
