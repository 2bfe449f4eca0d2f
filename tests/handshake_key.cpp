#include "hawser/handshake_key.hpp"

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

using namespace hawser;

namespace {

std::string accept_for(std::string_view key) {
  const std::array<char, 28> accept = make_accept_key(key);
  return {accept.data(), accept.size()};
}

// RFC 6455 1.3, at compile time.
constexpr std::array<char, 28> sample = make_accept_key("dGhlIHNhbXBsZSBub25jZQ==");
static_assert(std::string_view{sample.data(), sample.size()} == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

constexpr std::array<std::byte, 16> counted = [] {
  std::array<std::byte, 16> nonce{};
  for (unsigned i = 0; i < 16; ++i) nonce[i] = static_cast<std::byte>(i + 1);
  return nonce;
}();
constexpr std::array<char, 24> counted_key = make_key(counted);
static_assert(is_key({counted_key.data(), counted_key.size()}));

}  // namespace

TEST_CASE("the accept key is that of the RFC and of well-known examples",
          "[handshake_key][rfc6455-4.2.2]") {
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(accept_for("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  CHECK(accept_for("uRovscZjNol/umbTt5uKmw==") == "rLHCkw/SKsO9GAH/ZSFhBATDKrU=");
  // One letter is misread: another key, another answer.
  CHECK(accept_for("uRovscZjNo1/umbTt5uKmw==") == "E66wwuaxgKAXbHbKNXafPlVmw3M=");
}

TEST_CASE("a key is the base64 of its 16 bytes", "[handshake_key][rfc6455-4.1]") {
  // RFC 6455 4.1: bytes 1 to 16.
  CHECK(std::string_view{counted_key.data(), counted_key.size()} == "AQIDBAUGBwgJCgsMDQ4PEA==");
}

TEST_CASE("a key of 16 bytes in base64 is one", "[handshake_key][rfc6455-4.2.1]") {
  CHECK(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
  CHECK(is_key("AAAAAAAAAAAAAAAAAAAAAA=="));
  CHECK(is_key("++++++++++//////////+w=="));
  // Bits beyond the 16 bytes are set: clients that draw 22 letters at random make such keys.
  CHECK(is_key("0cb3Vd9HkbpVVumoS3Noka=="));
  CHECK(is_key("//////////////////////=="));
}

TEST_CASE("anything else is no key", "[handshake_key][rfc6455-4.2.1]") {
  using namespace std::string_view_literals;
  const auto text = GENERATE(values<std::string_view>({
      "",
      "=",
      "==",
      "AAAAAAAAAAAAAAAAAAAAAA",
      "AAAAAAAAAAAAAAAAAAAAAA=",
      "AAAAAAAAAAAAAAAAAAAAAA===",
      "AAAAAAAAAAAAAAAAAAAAA===",
      "AAAAAAAAAAAAAAAAAAAAAAA=",
      "AAAAAAAAAAAAAAAAAAAAAAAA",
      "AAAAAAAAAAAAAAAAAAAA==",
      "AAAAAAAAAAAAAAAAAAAAAAAAAA==",
      "=AAAAAAAAAAAAAAAAAAAAA==",
      "AAAAAAAAAA==AAAAAAAAAA==",
      "AAAAAAAAAAAAAAAAAAAAA-==",
      "AAAAAAAAAAAAAAAAAAAAA_==",
      "AAAAAAAAAA AAAAAAAAAAA==",
      " AAAAAAAAAAAAAAAAAAAAA==",
      "AAAAAAAAAAAAAAAAAAAAAA==\n",
      "AAAAAAAAAA\0AAAAAAAAAAA=="sv,
      "AAAAAAAAAA\x80"
      "AAAAAAAAAAA==",
      "AAAAAAAAAAAAAAAAAAAAA%3D%3D",
  }));
  CAPTURE(text);
  CHECK_FALSE(is_key(text));
}

TEST_CASE("keys of every length but 24 are refused", "[handshake_key][security]") {
  for (std::size_t size = 0; size <= 10'000; size += size < 40 ? 1 : 83) {
    CAPTURE(size);
    CHECK_FALSE(is_key(std::string(size, 'A')));
    CHECK(is_key(std::string(size, 'A') + "==") == (size == 22));
  }
}
