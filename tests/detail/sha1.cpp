#include "hawser/detail/sha1.hpp"

#include "hawser/detail/base64.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/rfc6455.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::literals;
using hawser::detail::sha1;

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::string sha1_hex(std::string_view text) { return hex(sha1(hawser::byte_view{text})); }

template <std::size_t Size>
constexpr std::array<std::byte, Size - 1> bytes_of(const char (&text)[Size]) {
  std::array<std::byte, Size - 1> bytes{};
  for (std::size_t i = 0; i + 1 < Size; ++i) bytes[i] = static_cast<std::byte>(text[i]);
  return bytes;
}

// The accept key of RFC 6455 4.2.2, as the negotiation makes it.
std::string accept_of(std::string_view key) {
  const auto digest = sha1(hawser::byte_view{std::string{key}.append(hawser::accept_guid)});
  std::string accept(hawser::detail::base64_size(digest.size()), '\0');
  hawser::detail::encode_base64(digest, accept.data());
  return accept;
}

}  // namespace

TEST_CASE("SHA-1 runs in constant expressions", "[sha1]") {
  constexpr auto digest =
      sha1(bytes_of("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
  // RFC 6455 1.3 lists these bytes.
  static_assert(digest[0] == std::byte{0xb3} && digest[1] == std::byte{0x7a} &&
                digest[18] == std::byte{0xc4} && digest[19] == std::byte{0xea});
  REQUIRE(hex(digest) == "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}

TEST_CASE("SHA-1 gives the digests of RFC 3174 7.3", "[sha1]") {
  CHECK(sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(sha1_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(sha1_hex(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  std::string digits;
  for (int i = 0; i < 80; ++i) digits += "01234567";
  CHECK(sha1_hex(digits) == "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

TEST_CASE("SHA-1 of nothing is defined", "[sha1]") {
  REQUIRE(hex(sha1({})) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

// The digest over the digests of 301 messages, one of each size: sizes around 55, 56, 63 and 64
// modulo 64 take different ways through the padding. The expected value is Python's hashlib's.
TEST_CASE("SHA-1 is right for messages of every size", "[sha1]") {
  std::string digests;
  for (std::size_t size = 0; size <= 300; ++size) {
    std::vector<std::byte> message(size);  // Exact, so that a sanitizer sees a step beyond the end.
    for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<std::byte>(i * 7 + size);
    const auto digest = sha1(message);
    digests += hawser::as_text(digest);
  }
  REQUIRE(sha1_hex(digests) == "e570432b09ac39935ad256f819b381ba3900dbbd");
}

TEST_CASE("the accept key follows from the key by SHA-1 and base64",
          "[sha1][base64][rfc6455-4.2.2]") {
  CHECK(accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(accept_of("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  CHECK(accept_of("uRovscZjNol/umbTt5uKmw==") == "rLHCkw/SKsO9GAH/ZSFhBATDKrU=");
}

TEST_CASE("misprinted accept keys are not the key's", "[sha1][base64][rfc6455-4.1]") {
  CHECK(accept_of("x3JJHMbDL1EzLkh9GBhXDw==") != "HSmrc0sM1YUkAGmm5OPpG2HaGWk=");
  CHECK(accept_of("uRovscZjNo1/umbTt5uKmw==") == "E66wwuaxgKAXbHbKNXafPlVmw3M=");
}
