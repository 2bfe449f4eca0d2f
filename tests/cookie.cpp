#include "hawser/cookie.hpp"

#include "support/catch.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

std::string value_of(std::string_view name, const std::vector<std::string_view>& cookies) {
  std::vector<header> fields{{"Host", "a.example"}};
  for (const std::string_view each : cookies) fields.push_back({"cookie", each});
  return std::string{cookie_value(std::span<const header>{fields}, name)};
}

}  // namespace

TEST_CASE("a cookie is found by its exact name", "[cookie][rfc6265-4.2.1]") {
  CHECK(value_of("a", {"a=1"}) == "1");
  CHECK(value_of("b", {"a=1; b=2; c=3"}) == "2");
  CHECK(value_of("c", {"a=1;b=2;c=3"}) == "3");
  CHECK(value_of("b", {"ab=1; b=2"}) == "2");
  CHECK(value_of("A", {"a=1; A=2"}) == "2");
  CHECK(value_of("b", {"a=1", "b=2"}) == "2");
  CHECK(value_of("a", {"a=b=c=="}) == "b=c==");
  CHECK(value_of("a", {"  a = 1 \t; b=2"}) == "1");
}

TEST_CASE("the first of several cookies of a name counts", "[cookie][rfc6265-5.4]") {
  CHECK(value_of("a", {"a=1; a=2", "a=3"}) == "1");
  CHECK(value_of("a", {"a=; a=2"}) == "");
}

TEST_CASE("a value is left as it stands", "[cookie]") {
  CHECK(value_of("a", {"a=\"quoted\""}) == "\"quoted\"");
  CHECK(value_of("a", {"a=%20+"}) == "%20+");
}

TEST_CASE("what is no cookie is skipped", "[cookie]") {
  CHECK(value_of("a", {}) == "");
  CHECK(value_of("a", {""}) == "");
  CHECK(value_of("a", {"a"}) == "");
  CHECK(value_of("a", {"a; a=1"}) == "1");
  CHECK(value_of("a", {";;; ;a=1;"}) == "1");
  CHECK(value_of("a", {"b=a=1"}) == "");
  CHECK(value_of("", {"=1"}) == "1");
}

TEST_CASE("cookies are visited in order until it is enough", "[cookie]") {
  constexpr std::array<header, 2> array{{{"Cookie", "a=1; b=2"}, {"Cookie", "c=3"}}};
  const header_list fields{array};
  std::string seen;
  CHECK(for_each_cookie(fields, [&](std::string_view name, std::string_view value) {
    seen.append(name).append(value);
    return true;
  }));
  CHECK(seen == "a1b2c3");
  CHECK_FALSE(
      for_each_cookie(fields, [](std::string_view name, std::string_view) { return name != "b"; }));
}
