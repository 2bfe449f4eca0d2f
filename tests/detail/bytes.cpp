#include "hawser/detail/bytes.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace hawser;
using support::to_text;

namespace {

constexpr std::array<std::byte, 3> three{std::byte{1}, std::byte{2}, std::byte{3}};
static_assert(detail::load_big_endian<2>(three.data()) == 0x0102);
static_assert(detail::load_big_endian<3>(three.data()) == 0x010203);

constexpr bool stores_big_endian() {
  std::array<std::byte, 8> to{};
  detail::store_big_endian<8>(to.data(), 0x0102030405060708U);
  for (unsigned i = 0; i < 8; ++i) {
    if (to[i] != std::byte(i + 1)) return false;
  }
  return true;
}
static_assert(stores_big_endian());

template <class From>
constexpr bool is_viewed = std::is_convertible_v<From, byte_view>;
template <class From>
constexpr bool is_changed = std::is_convertible_v<From, mutable_byte_view>;

static_assert(is_viewed<const std::string&> && is_viewed<std::string_view>);
static_assert(is_viewed<const std::vector<std::byte>&> && is_viewed<std::vector<unsigned char>&>);
static_assert(is_viewed<std::array<char, 4>&> && is_viewed<std::span<const std::byte>>);
static_assert(is_viewed<std::u8string_view> && is_viewed<unsigned char (&)[4]>);
static_assert(!is_viewed<const char (&)[4]>, "the zero at the end of a literal is nobody's byte");
static_assert(!is_viewed<std::vector<int>&> && !is_viewed<std::wstring&>);
static_assert(is_changed<std::string&> && is_changed<std::vector<std::byte>&>);
static_assert(!is_changed<const std::string&> && !is_changed<std::string_view>);
static_assert(!is_changed<std::span<const std::byte>>);

std::string viewed(byte_view bytes) { return to_text(bytes); }

}  // namespace

TEST_CASE("a byte_view shows the bytes of anything contiguous", "[bytes]") {
  CHECK(viewed(std::string{"Hello"}) == "Hello");
  CHECK(viewed(std::string_view{"Hello"}) == "Hello");
  CHECK(viewed(std::vector<unsigned char>{'H', 'i'}) == "Hi");
  CHECK(viewed(std::array<char, 2>{'H', 'i'}) == "Hi");
  CHECK(viewed(support::to_bytes("Hello")) == "Hello");
  CHECK(viewed({"Hello", 4}) == "Hell");
  CHECK(viewed({}).empty());
  CHECK(viewed(std::string{}).empty());
}

TEST_CASE("a mutable_byte_view changes them", "[bytes]") {
  std::string text = "Hello";
  const mutable_byte_view view{text};
  view[0] = std::byte{'J'};
  CHECK(text == "Jello");
  CHECK(mutable_byte_view(text.data(), 2).size() == 2);
  CHECK(as_text(view) == "Jello");
}

TEST_CASE("numbers in network byte order come back", "[bytes]") {
  support::seeded random;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = random.next();
    std::array<std::byte, 8> to{};
    detail::store_big_endian<8>(to.data(), value);
    CHECK(detail::load_big_endian<8>(to.data()) == value);
    detail::store_big_endian<2>(to.data(), value);
    CHECK(detail::load_big_endian<2>(to.data()) == (value & 0xFFFFU));
  }
}

TEST_CASE("numbers are loaded and stored at any alignment", "[bytes]") {
  alignas(8) std::array<std::byte, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes.fill(std::byte{0});
    detail::store<std::uint64_t>(bytes.data() + i, 0x1122334455667788U);
    CHECK(detail::load<std::uint64_t>(bytes.data() + i) == 0x1122334455667788U);
    if (i > 0) CHECK(bytes[i - 1] == std::byte{0});
    CHECK(bytes[i + 8] == std::byte{0});
  }
}

TEST_CASE("nothing is copied from null to null", "[bytes]") {
  detail::copy_bytes(nullptr, nullptr, 0);
  std::array<std::byte, 2> to{};
  detail::copy_bytes(to.data(), three.data(), 2);
  CHECK(to[0] == std::byte{1});
  CHECK(to[1] == std::byte{2});
}
