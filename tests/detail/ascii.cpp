#include "hawser/detail/ascii.hpp"

#include "support/catch.hpp"

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

TEST_CASE("character classes agree with the C locale's, and know no other", "[ascii]") {
  int wrong = 0;
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_ascii = code < 128;
    wrong += detail::is_digit(c) != (is_ascii && std::isdigit(code) != 0);
    wrong += detail::is_alpha(c) != (is_ascii && std::isalpha(code) != 0);
    wrong += detail::to_lower(c) != static_cast<char>(is_ascii ? std::tolower(code) : code);
    const bool is_hex = is_ascii && std::isxdigit(code) != 0;
    const int value = is_hex ? std::stoi(std::string(1, c), nullptr, 16) : -1;
    wrong += detail::hex_value(c) != value;
    wrong += detail::is_field_char(c) != (code == '\t' || (code >= 0x20 && code <= 0x7E));
  }
  CHECK(wrong == 0);
}

TEST_CASE("a token has no separators, spaces, controls or bytes beyond ASCII",
          "[ascii][rfc9110-5.6.2]") {
  const std::string_view separators = "\"(),/:;<=>?@[\\]{} \t";
  int wrong = 0;
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_token =
        code > 0x20 && code < 0x7F && separators.find(c) == std::string_view::npos;
    wrong += detail::is_token_char(c) != is_token;
  }
  CHECK(wrong == 0);
  CHECK(detail::is_token("Sec-WebSocket-Key"));
  CHECK_FALSE(detail::is_token(""));
  CHECK_FALSE(detail::is_token("a b"));
}

TEST_CASE("text is compared without regard to case, but whole", "[ascii]") {
  CHECK(detail::equals_ignoring_case("WebSocket", "websocKET"));
  CHECK_FALSE(detail::equals_ignoring_case("websocket", "websockets"));
  CHECK(detail::equals_ignoring_case("", ""));
  // Only letters fold: '[' and '{' are as far apart as 'A' and 'a'.
  CHECK_FALSE(detail::equals_ignoring_case("[", "{"));
  CHECK_FALSE(detail::equals_ignoring_case("\xC4", "\xE4"));
}

TEST_CASE("white space is cut off at both ends and nowhere else", "[ascii][rfc9110-5.6.3]") {
  CHECK(detail::trim(" \t a b\t ") == "a b");
  CHECK(detail::trim("\n a ") == "\n a");
  CHECK(detail::trim(" \t ").empty());
}

TEST_CASE("the elements of a list are trimmed, and empty ones are skipped",
          "[ascii][rfc9110-5.6.1]") {
  std::vector<std::string> found;
  CHECK(detail::for_each_element(", a,,b c ,\t, d,", [&](std::string_view element) {
    found.emplace_back(element);
    return true;
  }));
  CHECK(found == std::vector<std::string>{"a", "b c", "d"});
  CHECK_FALSE(
      detail::for_each_element("a, b", [](std::string_view element) { return element != "b"; }));
  CHECK(detail::for_each_element("", [](std::string_view) { return false; }));
}
