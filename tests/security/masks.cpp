// Masking keys, and the nonces of handshakes: from a strong source, fresh each time, and seen by
// nobody before.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// The keys of so many frames, as they stand on the wire.
std::vector<std::uint32_t> keys_of(client_connection& client, std::size_t count) {
  std::vector<std::uint32_t> keys;
  keys.reserve(count);
  bytes sent;
  while (keys.size() < count) {
    for (int i = 0; i < 100; ++i) {
      if (client.send_text("") != error::none) FAIL("not sent");
    }
    sent.clear();
    for (const auto part : client.output()) sent.insert(sent.end(), part.begin(), part.end());
    client.consume_output(sent.size());
    for (std::size_t at = 0; at < sent.size(); at += 6) {
      std::uint32_t key = 0;
      for (std::size_t i = 2; i < 6; ++i)
        key = key << 8 | std::to_integer<std::uint32_t>(sent[at + i]);
      keys.push_back(key);
    }
  }
  return keys;
}

std::size_t repeats_in(std::vector<std::uint32_t> keys) {
  std::sort(keys.begin(), keys.end());
  std::size_t repeats = 0;
  for (std::size_t i = 1; i < keys.size(); ++i) repeats += keys[i] == keys[i - 1] ? 1U : 0U;
  return repeats;
}

}  // namespace

TEST_CASE("a million masking keys repeat no more than chance has it, and lean to no side",
          "[security][security-masks]") {
  constexpr std::size_t count = is_fast_build ? 1'000'000 : 200'000;
  client_endpoint endpoint{};
  auto client = client_connection::adopt(endpoint, {});
  const std::vector<std::uint32_t> keys = keys_of(client, count);
  REQUIRE(keys.size() == count);

  // Of n keys out of 2^32 about n * n / 2^33 are there twice: 116 of a million. 4 times as many
  // have no chance at all.
  const double expected = double(count) * double(count) / 8589934592.0;
  CHECK(double(repeats_in(keys)) < 4 * expected + 20);

  // Each bit is set half the time; 10 standard deviations off have no chance either.
  for (unsigned bit = 0; bit < 32; ++bit) {
    std::size_t set = 0;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < count; ++i) {
      set += keys[i] >> bit & 1U;
      changed += i == 0 ? 0 : (keys[i] ^ keys[i - 1]) >> bit & 1U;
    }
    const double off = double(count) / 2;
    const double most = 5 * std::sqrt(double(count));
    if (std::abs(double(set) - off) > most || std::abs(double(changed) - off) > most) {
      FAIL("bit " << bit);
    }
  }
  // No key follows from the one before by a step.
  std::vector<std::uint32_t> steps;
  for (std::size_t i = 1; i < count; ++i) steps.push_back(keys[i] - keys[i - 1]);
  CHECK(double(repeats_in(steps)) < 4 * expected + 20);
}

TEST_CASE("two endpoints have nothing in common", "[security][security-masks]") {
  client_endpoint first{};
  client_endpoint second{};
  auto a = client_connection::adopt(first, {});
  auto b = client_connection::adopt(second, {});
  std::vector<std::uint32_t> keys = keys_of(a, 1000);
  const std::vector<std::uint32_t> others = keys_of(b, 1000);
  CHECK(keys != others);
  keys.insert(keys.end(), others.begin(), others.end());
  CHECK(repeats_in(keys) <= 2);
}

TEST_CASE("every frame of a client has a key of its own, whatever it carries",
          "[security][security-masks][rfc6455-5.3-fresh]") {
  adopted<role::client> at;
  REQUIRE(at.end->send_text("same") == error::none);
  REQUIRE(at.end->send_text("same") == error::none);
  REQUIRE(at.end->begin_text() == error::none);
  REQUIRE(at.end->append(std::string_view{"same"}) == error::none);
  REQUIRE(at.end->finish(std::string_view{"same"}) == error::none);
  REQUIRE(at.end->ping(std::string_view{"same"}) == error::none);
  at.end.feed(wire_to{role::client}.ping("same").ping("same"));
  REQUIRE(at.end->close(close_code::normal, "as") == error::none);
  const bytes sent = at.end.take_output();
  REQUIRE(sent.size() == 8 * 10);
  std::vector<std::uint32_t> keys;
  for (std::size_t at_byte = 0; at_byte < sent.size(); at_byte += 10) {
    CHECK((sent[at_byte + 1] & std::byte{0x80}) == std::byte{0x80});
    std::uint32_t key = 0;
    for (std::size_t i = 2; i < 6; ++i) {
      key = key << 8 | std::to_integer<std::uint32_t>(sent[at_byte + i]);
    }
    keys.push_back(key);
  }
  CHECK(repeats_in(keys) == 0);
}

TEST_CASE("what the source of entropy gives is used once, and in full",
          "[security][security-masks]") {
  counting_entropy entropy{0};
  client_endpoint endpoint{{.entropy = entropy.source()}};
  // A handshake takes 16 bytes, a frame 4.
  logged_connection<role::client> first{endpoint, {.url = "ws://a.example"}};
  auto second = client_connection::adopt(endpoint, {});
  const std::vector<std::uint32_t> keys = keys_of(second, 100);
  CHECK(keys[0] == 0x10111213);
  CHECK(keys[1] == 0x14151617);
  CHECK(keys[99] == 0x9C9D9E9F);
  CHECK(entropy.bytes() >= 16 + 400);
  CHECK(entropy.bytes() <= 16 + 400 + 256);
}
