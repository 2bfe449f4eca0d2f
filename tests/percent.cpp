#include "hawser/percent.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>

using hawser::decode_percent;

TEST_CASE("percent-encodings become bytes behind what was there", "[percent][rfc3986-2.1]") {
  using namespace std::string_literals;
  std::string out = "before ";
  REQUIRE(decode_percent("a%20b%2B+%00%ff%C3%bc%25", out));
  CHECK(out == "before a b++\0\xFF\xC3\xBC%"s);
}

TEST_CASE("text without encodings stays as it is", "[percent]") {
  std::string out;
  REQUIRE(decode_percent("", out));
  CHECK(out.empty());
  REQUIRE(decode_percent("plain/?&=+", out));
  CHECK(out == "plain/?&=+");
}

TEST_CASE("a malformed encoding leaves the output as it was", "[percent]") {
  const auto text = GENERATE(values<std::string_view>(
      {"%", "%4", "%4g", "%g4", "good%20then%", "%%41", "%-1", "% 1", "a%\xC3\xBC"}));
  CAPTURE(text);
  std::string out = "kept";
  CHECK_FALSE(decode_percent(text, out));
  CHECK(out == "kept");
}
