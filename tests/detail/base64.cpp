#include "hawser/detail/base64.hpp"

#include "hawser/detail/bytes.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::literals;
using hawser::detail::bad_base64;
using hawser::detail::base64_size;
using hawser::detail::decode_base64;
using hawser::detail::encode_base64;

std::string encode(std::string_view in) {
  // One character more on both sides shows a write beyond the size.
  std::string out(base64_size(in.size()) + 2, '#');
  const std::size_t size = encode_base64(hawser::byte_view{in}, out.data() + 1);
  REQUIRE(size + 2 == out.size());
  REQUIRE(out.front() == '#');
  REQUIRE(out.back() == '#');
  return out.substr(1, size);
}

// The decoded text, or "bad".
std::string decode(std::string_view in) {
  std::vector<std::byte> out(in.size());
  const std::size_t size = decode_base64(in, out.data(), out.size());
  return size == bad_base64 ? "bad" : std::string{hawser::as_text(out).substr(0, size)};
}

constexpr bool round_trips_at_compile_time() {
  constexpr std::array in{std::byte{0xFB}, std::byte{0xFF}, std::byte{0x00}, std::byte{0x10}};
  std::array<char, base64_size(in.size())> text{};
  std::array<std::byte, 4> out{};
  return encode_base64(in, text.data()) == 8 &&
         std::string_view{text.data(), text.size()} == "+/8AEA==" &&
         decode_base64({text.data(), text.size()}, out.data(), out.size()) == 4 && out == in;
}

}  // namespace

TEST_CASE("base64 runs in constant expressions", "[base64]") {
  static_assert(round_trips_at_compile_time());
  static_assert(base64_size(0) == 0 && base64_size(1) == 4 && base64_size(16) == 24 &&
                base64_size(20) == 28);
  REQUIRE(round_trips_at_compile_time());
}

TEST_CASE("base64 encodes and decodes the vectors of RFC 4648 10", "[base64]") {
  const auto [plain, text] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                       {"f", "Zg=="},
                                                                       {"fo", "Zm8="},
                                                                       {"foo", "Zm9v"},
                                                                       {"foob", "Zm9vYg=="},
                                                                       {"fooba", "Zm9vYmE="},
                                                                       {"foobar", "Zm9vYmFy"}}));
  CHECK(encode(plain) == text);
  CHECK(decode(text) == plain);
}

TEST_CASE("base64 decodes what it encoded, for every size and byte", "[base64]") {
  for (std::size_t size = 0; size <= 257; ++size) {
    std::string plain(size, '\0');
    for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<char>(i * 31 + size);
    REQUIRE(decode(encode(plain)) == plain);
  }
}

TEST_CASE("base64 refuses text of a wrong length", "[base64]") {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zm9vY", "Zm9vYg", "Zm9vYg=", "=", "==", "==="}) {
    CAPTURE(text);
    CHECK(decode(text) == "bad");
  }
}

TEST_CASE("base64 refuses misplaced padding", "[base64]") {
  for (const auto* text : {"====", "Z===", "=Zg=", "Z=g=", "Zg=v",
                           "Zg==Zg==", "Zm8=Zm8=", "Zm9v====", "Zm9v=", "=Zm9"}) {
    CAPTURE(text);
    CHECK(decode(text) == "bad");
  }
}

TEST_CASE("base64 refuses pad bits that are not zero", "[base64]") {
  // One byte has 4 pad bits, two have 2: of all last characters, the ones with zero bits are right.
  const std::string_view alphabet = hawser::detail::base64_alphabet;
  for (std::size_t value = 0; value < alphabet.size(); ++value) {
    CAPTURE(value);
    const std::string one = "Z"s + alphabet[value] + "==";
    const std::string two = "Zm"s + alphabet[value] + "=";
    CHECK((decode(one) == "bad") == (value % 16 != 0));
    CHECK((decode(two) == "bad") == (value % 4 != 0));
  }
}

TEST_CASE("base64 refuses every byte outside its alphabet at every place", "[base64]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool is_good = hawser::detail::base64_alphabet.find(c) != std::string_view::npos;
    for (std::size_t place = 0; place < 8; ++place) {
      std::string text = "Zm9vYmFy";
      text[place] = c;
      CAPTURE(value, place);
      if (place == 7 && c == '=') continue;  // Padding; "F" before it has pad bits, tested above.
      REQUIRE((decode(text) != "bad") == is_good);
    }
  }
}

TEST_CASE("base64 never writes beyond the capacity", "[base64]") {
  std::array<std::byte, 4> out{std::byte{1}, std::byte{1}, std::byte{1}, std::byte{1}};
  CHECK(decode_base64("Zm9v", out.data(), 2) == bad_base64);
  CHECK(decode_base64("Zm9vYg==", out.data(), 3) == bad_base64);
  CHECK(out[3] == std::byte{1});
  CHECK(decode_base64("Zm9v", out.data(), 3) == 3);
  CHECK(decode_base64("", nullptr, 0) == 0);
}

// Fields in the wild crashed on keys that were longer than their buffer for the decoded key.
TEST_CASE("only 24 characters decode to the 16 bytes of a handshake's key",
          "[base64][rfc6455-4.2.1][security]") {
  std::array<std::byte, 16> key{};
  for (std::size_t size = 0; size <= 10'000; size += size < 100 ? 1 : 97) {
    const std::string letters(size, 'A');
    CAPTURE(size);
    CHECK(decode_base64(letters, key.data(), key.size()) != 16);
    CHECK((decode_base64(letters + "==", key.data(), key.size()) == 16) == (size == 22));
    CHECK(decode_base64(letters + "=", key.data(), key.size()) != 16);
  }
}
