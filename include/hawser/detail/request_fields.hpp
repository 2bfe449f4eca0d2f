#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hawser::inline v0 {
namespace detail {

// The fields of a request that negotiation looks at, found in one pass over the headers.
class request_fields {
 public:
  // In the order of the sizes of their names.
  enum name : std::uint8_t {
    host,
    origin,
    upgrade,
    connection,
    content_length,
    key,
    transfer_encoding,
    accept,
    version,
    protocol,
    extensions,
    count_of_names,
  };

  constexpr explicit request_fields(header_list headers) noexcept : headers_{headers} {
    for (const header& field : headers) {
      const std::size_t size = field.name.size();
      if (size >= first_of_size.size()) continue;
      for (std::size_t i = first_of_size[size]; i < count_of_names && name_of(i).size() == size;
           ++i) {
        // Most that are another name begin with another letter.
        const std::string_view known = name_of(i);
        if (((field.name[0] ^ known[0]) & ~0x20) != 0 || !same_ignoring_case(field.name, known)) {
          continue;
        }
        if (first_[i] == nullptr) {
          first_[i] = &field;
        } else {
          repeated_ |= 1U << i;
        }
        break;
      }
    }
  }

  // How many have this name: 0, 1, or 2 for more than one.
  [[nodiscard]] constexpr std::size_t count(name which) const noexcept {
    return first_[which] == nullptr ? 0 : 1 + (repeated_ >> which & 1U);
  }
  // The first of this name, or null.
  [[nodiscard]] constexpr const header* find(name which) const noexcept { return first_[which]; }
  // Its value; empty where there is none.
  [[nodiscard]] constexpr std::string_view value(name which) const noexcept {
    return first_[which] == nullptr ? std::string_view{} : first_[which]->value;
  }
  // As header_list::has_token.
  [[nodiscard]] HAWSER_NO_INLINE constexpr bool has_token(name which,
                                                          std::string_view token) const noexcept {
    return count(which) > 1 ? headers_.has_token(name_of(which), token)
                            : list_has_token(value(which), token);
  }
  [[nodiscard]] constexpr header_list all() const noexcept { return headers_; }

 private:
  // One text instead of many, and where each begins in it.
  static constexpr std::string_view names =
      "Host"
      "Origin"
      "Upgrade"
      "Connection"
      "Content-Length"
      "Sec-WebSocket-Key"
      "Transfer-Encoding"
      "Sec-WebSocket-Accept"
      "Sec-WebSocket-Version"
      "Sec-WebSocket-Protocol"
      "Sec-WebSocket-Extensions";
  static constexpr std::array<std::uint8_t, count_of_names + 1> begins{0,  4,  10, 17,  27,  41,
                                                                       58, 75, 95, 116, 138, 162};
  static_assert(names.size() == begins[count_of_names]);

  [[nodiscard]] static constexpr std::string_view name_of(std::size_t which) noexcept {
    return {names.data() + begins[which],
            static_cast<std::size_t>(begins[which + 1] - begins[which])};
  }

  // For each size of a name the first of that size.
  static constexpr std::array<std::uint8_t, 25> first_of_size = [] {
    std::array<std::uint8_t, 25> first{};
    first.fill(count_of_names);
    for (std::size_t i = count_of_names; i-- != 0;) {
      first[begins[i + 1] - begins[i]] = static_cast<std::uint8_t>(i);
    }
    return first;
  }();

  header_list headers_;
  std::array<const header*, count_of_names> first_{};
  unsigned repeated_ = 0;  // a bit for each
};

}  // namespace detail
}  // namespace hawser::inline v0
