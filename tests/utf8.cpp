#include "hawser/utf8.hpp"

#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support::literals;
using support::bytes;

namespace {

constexpr bool is_utf8_text(std::u8string_view text) {
  std::array<std::byte, 16> copy{};
  for (std::size_t i = 0; i < text.size(); ++i) copy[i] = static_cast<std::byte>(text[i]);
  return is_utf8(std::span{copy}.first(text.size()));
}
static_assert(is_utf8_text(u8"") && is_utf8_text(u8"plain ASCII") &&
              is_utf8_text(u8"\u00e9\U0001f600"));

constexpr std::array surrogate{std::byte{0xED}, std::byte{0xA0}, std::byte{0x80}};
static_assert(!is_utf8(surrogate));

constexpr bool unmasks_hello() {
  std::array bytes{std::byte{'H' ^ 1}, std::byte{'e' ^ 2}, std::byte{'l' ^ 3}, std::byte{'l' ^ 4},
                   std::byte{'o' ^ 1}};
  const std::array key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  return unmask_text(bytes, masking_key::from_bytes(key.data())) && bytes[4] == std::byte{'o'};
}
static_assert(unmasks_hello());

constexpr bool leaves_what_is_no_text() {
  std::array bytes{std::byte{0xFE}, std::byte{2}};
  const std::array key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  return !unmask_text(bytes, masking_key::from_bytes(key.data())) && bytes[0] == std::byte{0xFE} &&
         bytes[1] == std::byte{2};
}
static_assert(leaves_what_is_no_text());

// What can stand in a text, by definition: each code point, written in bits.
class definition {
 public:
  definition() : begins_three_(std::size_t{1} << 24) {
    for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
      if (point < 0xD800 || point > 0xDFFF) add(point);
    }
  }

  // The longest front of these bytes that is the front of some text; and whether it is a text.
  struct front {
    std::size_t size = 0;
    bool is_complete = true;
  };
  template <std::size_t Size>
  [[nodiscard]] front of(const std::array<std::uint8_t, Size>& text) const {
    std::size_t i = 0;
    while (i < Size) {
      std::uint32_t code = 0;
      bool is_complete = false;
      for (std::size_t length = 1; !is_complete; ++length) {
        if (i + length > Size) return {Size, false};
        code = code << 8 | text[i + length - 1];
        if (!is_front(code, length)) return {i + length - 1, false};
        is_complete = is_whole(code, length);
        if (is_complete) i += length;
      }
    }
    return {Size, true};
  }

 private:
  void add(std::uint32_t point) {
    if (point < 0x80) {
      whole_one_[point] = begins_one_[point] = true;
    } else if (point < 0x800) {
      const std::uint32_t code = (0xC0U + point / 64) << 8 | (0x80U + point % 64);
      begins_one_[code >> 8] = begins_two_[code] = whole_two_[code] = true;
    } else if (point < 0x10000) {
      const std::uint32_t code =
          (0xE0U + point / 4096) << 16 | (0x80U + point / 64 % 64) << 8 | (0x80U + point % 64);
      begins_one_[code >> 16] = begins_two_[code >> 8] = begins_three_[code] = true;
    } else {
      const std::uint32_t three = (0xF0U + point / 262'144) << 16 |
                                  (0x80U + point / 4096 % 64) << 8 | (0x80U + point / 64 % 64);
      begins_one_[three >> 16] = begins_two_[three >> 8] = begins_three_[three] = true;
    }
  }

  [[nodiscard]] bool is_front(std::uint32_t code, std::size_t length) const {
    switch (length) {
      case 1:
        return begins_one_[code];
      case 2:
        return begins_two_[code];
      case 3:
        return begins_three_[code];
      default:
        return begins_three_[code >> 8] && code % 256 / 64 == 2;  // each last byte is 10xxxxxx
    }
  }
  [[nodiscard]] bool is_whole(std::uint32_t code, std::size_t length) const {
    switch (length) {
      case 1:
        return whole_one_[code];
      case 2:
        return whole_two_[code];
      case 3:
        return code >> 16 < 0xF0;
      default:
        return true;
    }
  }

  std::array<bool, 256> begins_one_{};
  std::array<bool, 256> whole_one_{};
  std::array<bool, 65536> begins_two_{};
  std::array<bool, 65536> whole_two_{};
  std::vector<bool> begins_three_;
};

template <std::size_t Size>
bool agrees(const definition& by_definition, const std::array<std::uint8_t, Size>& text) {
  const auto expected = by_definition.of(text);
  const auto view = std::as_bytes(std::span{text});
  utf8_state state;
  const std::size_t valid = validate_utf8(state, view);
  if (valid != expected.size) return false;
  return valid != Size || state.is_complete() == expected.is_complete;
}

// The same text in parts.
std::size_t validate_parts(std::span<const std::byte> text, std::size_t first, std::size_t second) {
  utf8_state state;
  std::size_t valid = validate_utf8(state, text.first(first));
  if (valid != first) return valid;
  valid = validate_utf8(state, text.subspan(first, second));
  if (valid != second) return first + valid;
  return first + second + validate_utf8(state, text.subspan(first + second));
}

}  // namespace

TEST_CASE("every sequence of one to three bytes is judged by definition", "[utf8][rfc3629-4]") {
  const definition by_definition;
  std::size_t wrong = 0;
  std::array<std::uint8_t, 3> first_wrong{};
  for (unsigned a = 0; a < 256; ++a) {
    const auto first = static_cast<std::uint8_t>(a);
    if (!agrees<1>(by_definition, {first})) ++wrong;
    for (unsigned b = 0; b < 256; ++b) {
      const auto second = static_cast<std::uint8_t>(b);
      if (!agrees<2>(by_definition, {first, second})) ++wrong;
      for (unsigned c = 0; c < 256; ++c) {
        const std::array text{first, second, static_cast<std::uint8_t>(c)};
        if (!agrees<3>(by_definition, text) && wrong++ == 0) first_wrong = text;
      }
    }
  }
  CAPTURE(support::to_hex(std::as_bytes(std::span{first_wrong})));
  REQUIRE(wrong == 0);
}

TEST_CASE("four bytes are judged by definition for every first and second", "[utf8][rfc3629-4]") {
  const definition by_definition;
  constexpr std::array<std::uint8_t, 10> ends{0x00, 0x7F, 0x80, 0x8F, 0x90,
                                              0xA0, 0xBF, 0xC0, 0xC3, 0xFF};
  std::size_t wrong = 0;
  std::array<std::uint8_t, 4> first_wrong{};
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (const std::uint8_t c : ends) {
        for (const std::uint8_t d : ends) {
          const std::array text{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), c, d};
          if (!agrees<4>(by_definition, text) && wrong++ == 0) first_wrong = text;
        }
      }
    }
  }
  CAPTURE(support::to_hex(std::as_bytes(std::span{first_wrong})));
  REQUIRE(wrong == 0);
}

TEST_CASE("the first impossible byte is found at each place of a long text, at each split",
          "[utf8][rfc6455-8.1]") {
  for (const auto& bad : support::every_bad_utf8()) {
    CAPTURE(bad.what);
    std::size_t wrong = 0;
    for (const bytes& filler : {"78"_hex, "c3 a9"_hex, "e2 82 ac"_hex, "f0 9f 98 80"_hex}) {
      for (std::size_t offset = 0; offset <= 70; ++offset) {
        bytes text = support::repeat(offset % filler.size(), "20"_hex);
        text = support::concat(text, support::repeat(offset / filler.size(), filler));
        text = support::concat(text, bad.text, support::repeat(20, "79"_hex));
        const std::size_t expected = offset + bad.impossible;
        for (std::size_t first = 0; first <= text.size(); ++first) {
          const std::size_t second = std::min<std::size_t>(offset % 5, text.size() - first);
          if (validate_parts(text, first, second) != expected) ++wrong;
        }
        if (is_utf8(text)) ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a text may be cut inside a code point but not end there", "[utf8][rfc6455-8.1]") {
  for (const bytes& cut : support::every_cut_utf8()) {
    CAPTURE(support::to_hex(cut));
    for (std::size_t offset = 0; offset <= 70; ++offset) {
      const bytes text = support::concat(support::repeat(offset, "78"_hex), cut);
      utf8_state state;
      CHECK(validate_utf8(state, text) == text.size());
      CHECK_FALSE(state.is_complete());
      CHECK_FALSE(is_utf8(text));
      CHECK(validate_utf8(state, {}) == 0);  // nothing changes nothing
      CHECK_FALSE(state.is_complete());
    }
  }
}

TEST_CASE("the edges of each range are valid, at each split", "[utf8][rfc3629-4]") {
  for (const bytes& edge : support::every_edge_utf8()) {
    CAPTURE(support::to_hex(edge));
    for (std::size_t offset = 0; offset <= 20; ++offset) {
      const bytes text = support::concat(support::repeat(offset, "78"_hex), edge, edge, "79"_hex);
      CHECK(is_utf8(text));
      std::size_t wrong = 0;
      for (std::size_t first = 0; first <= text.size(); ++first) {
        if (validate_parts(text, first, 0) != text.size()) ++wrong;
      }
      CHECK(wrong == 0);
      utf8_state state;
      for (const std::byte& byte : text) {
        if (validate_utf8(state, {&byte, 1}) != 1) ++wrong;
      }
      CHECK(wrong == 0);
      CHECK(state == utf8_state{});
    }
  }
}

TEST_CASE("validation reads nothing outside the text", "[utf8][security]") {
  const support::guarded_pages pages{400};
  std::size_t wrong = 0;
  for (const bytes& filler : {"78"_hex, "f0 9f 98 80"_hex, "78 78 78 78 78 78 78 c3 a9"_hex}) {
    const bytes text = support::repeat(400 / filler.size(), filler);
    for (std::size_t size = 0; size <= 300; ++size) {
      const auto part = std::span{text}.first(size);
      utf8_state at_end, at_start;
      if (validate_utf8(at_end, pages.copy_to_end(part)) != size) ++wrong;
      if (validate_utf8(at_start, pages.copy_to_start(part)) != size) ++wrong;
      if (!(at_end == at_start)) ++wrong;
    }
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("a whole text is unmasked, and what is none is left as it was", "[utf8][rfc6455-5.3]") {
  const masking_key key = masking_key::from_memory(0xA1B2C3D4U);
  const auto masked = [&](std::span<const std::byte> plain) {
    bytes result(plain.begin(), plain.end());
    mask(result, key);
    return result;
  };
  const support::guarded_pages pages{400};
  std::size_t wrong = 0;
  const auto check = [&](const bytes& text, bool is_text) {
    const bytes covered = masked(text);
    for (const auto here : {pages.copy_to_end(covered), pages.copy_to_start(covered)}) {
      std::copy(covered.begin(), covered.end(), here.begin());
      if (unmask_text(here, key) != is_text) ++wrong;
      const bytes& expected = is_text ? text : covered;
      if (!std::equal(here.begin(), here.end(), expected.begin(), expected.end())) ++wrong;
    }
    if (is_utf8(text) != is_text) ++wrong;
  };
  for (std::size_t size = 0; size <= 300; ++size) {
    const bytes front = support::repeat(size, "78"_hex);
    check(front, true);
    check(support::concat(front, "e2 82 ac"_hex), true);
    check(support::concat("c3 a9"_hex, front), true);
    check(support::concat(front, "e2 82"_hex), false);
    check(support::concat(front, "f0"_hex), false);
    check(support::concat(front, "ff"_hex), false);
    check(support::concat("e2 82"_hex, front), false);
    check(support::concat(front, "c3"_hex, front), false);
  }
  CHECK(wrong == 0);
}

TEST_CASE("text is judged alike as text and as bytes", "[utf8]") {
  CHECK(is_utf8(std::string_view{}));
  CHECK(is_utf8(std::string_view{"\xC3\xA9t\xC3\xA9"}));
  CHECK_FALSE(is_utf8(std::string_view{"\xE9t\xE9"}));
  CHECK(is_utf8(std::string_view{"a\0b", 3}));
  CHECK(is_utf8(bytes{}));
}
