#include "hawser/header_list.hpp"

#include "support/catch.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

constexpr std::array<header, 6> fields{{{"Host", "example.com"},
                                        {"Upgrade", "h2c"},
                                        {"connection", "keep-alive"},
                                        {"UPGRADE", " foo ,WebSocket,, "},
                                        {"Connection", "Upgrade"},
                                        {"Empty", ""}}};

constexpr header_list headers{fields};

static_assert(headers.has_token("upgrade", "websocket"));
static_assert(headers.count("Upgrade") == 2);

std::vector<std::string> elements(header_list list, std::string_view name) {
  std::vector<std::string> found;
  list.for_each_element(name, [&](std::string_view element) {
    found.emplace_back(element);
    return true;
  });
  return found;
}

}  // namespace

TEST_CASE("header names are compared without regard to case", "[header_list][rfc9110-5.1]") {
  CHECK(headers.count("host") == 1);
  CHECK(headers.count("HOST") == 1);
  CHECK(headers.count("Hos") == 0);
  CHECK(headers.count("Hostt") == 0);
  REQUIRE(headers.find("CONNECTION") == &fields[2]);
  CHECK(headers.find("Origin") == nullptr);
  CHECK(headers.value("Origin").empty());
  CHECK(headers.value("upgrade") == "h2c");
}

TEST_CASE("repeated list headers are one list", "[header_list][rfc9110-5.3]") {
  CHECK(elements(headers, "Upgrade") == std::vector<std::string>{"h2c", "foo", "WebSocket"});
  CHECK(elements(headers, "Connection") == std::vector<std::string>{"keep-alive", "Upgrade"});
  CHECK(elements(headers, "Empty").empty());
  CHECK(elements(headers, "Absent").empty());
}

TEST_CASE("a token is matched whole, never as a part", "[header_list][rfc6455-4.2.1]") {
  constexpr std::array<header, 1> parts{{{"Upgrade", "websockets, xwebsocket, web socket"}}};
  CHECK_FALSE(header_list{parts}.has_token("Upgrade", "websocket"));
  CHECK(headers.has_token("Connection", "upgrade"));
  CHECK(headers.has_token("Connection", "KEEP-ALIVE"));
  CHECK_FALSE(headers.has_token("Connection", ""));
}

TEST_CASE("a visitor stops the walk through a list", "[header_list]") {
  int visits = 0;
  const bool finished =
      headers.for_each_element("Upgrade", [&](std::string_view) { return ++visits < 2; });
  CHECK_FALSE(finished);
  CHECK(visits == 2);
}

TEST_CASE("a header list views vectors, arrays and braces", "[header_list]") {
  const std::vector<header> vector{{"A", "1"}, {"B", "2"}};
  CHECK(header_list{vector}.size() == 2);
  CHECK(header_list{vector}[1].value == "2");
  CHECK(header_list{}.empty());
  const auto count = [](header_list list) { return list.size(); };
  CHECK(count({{"A", "1"}, {"B", "2"}, {"C", "3"}}) == 3);
  std::size_t walked = 0;
  for (const header& field : header_list{vector}) walked += field.value.size();
  CHECK(walked == 2);
}
