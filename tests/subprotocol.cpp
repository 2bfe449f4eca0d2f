#include "hawser/subprotocol.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

// The fields of a request that has these values of Sec-WebSocket-Protocol, among others.
class offer {
 public:
  explicit offer(const std::vector<std::string_view>& values) {
    fields_.push_back({"Host", "a.example"});
    for (const std::string_view value : values) {
      fields_.push_back({"sec-WebSocket-protocol", value});
      fields_.push_back({"X-Sec-WebSocket-Protocol", "no"});
    }
  }

  [[nodiscard]] header_list headers() const { return std::span<const header>{fields_}; }

 private:
  std::vector<header> fields_;
};

error check(const std::vector<std::string_view>& values) {
  return check_offered_subprotocols(offer{values}.headers());
}

std::string selected(const std::vector<std::string_view>& values,
                     const std::vector<std::string>& supported) {
  const offer offered{values};
  const std::string* found = select_subprotocol(offered.headers(), supported);
  return found == nullptr ? "none" : *found;
}

std::string numbered(std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) list += "p" + std::to_string(i) + ",";
  return list;
}

}  // namespace

TEST_CASE("an offer is one list of distinct tokens over all fields", "[subprotocol][rfc6455-4.1]") {
  CHECK(check({}) == error::none);
  CHECK(check({"chat"}) == error::none);
  CHECK(check({"chat, superchat"}) == error::none);
  CHECK(check({"chat", "superchat"}) == error::none);
  CHECK(check({" chat ,\tsuperchat\t"}) == error::none);
  CHECK(check({",chat,,superchat,"}) == error::none);
  CHECK(check({"chat, Chat, CHAT"}) == error::none);
  CHECK(check({"!#$%&'*+-.^_`|~09azAZ"}) == error::none);
  CHECK(check({"v12.stomp, v11.stomp", "mqtt"}) == error::none);
  // Names that would be keys of every object in some languages.
  CHECK(check({"constructor, __proto__, toString"}) == error::none);
}

TEST_CASE("an offer of anything else is malformed", "[subprotocol][rfc6455-4.1]") {
  using namespace std::string_view_literals;
  const auto value = GENERATE(values<std::string_view>({
      "",     " ",    "\t",          ",",    " , ,",      "chat, chat", "chat,superchat,chat",
      "a b",  "a;b",  "a/b",         "a=b",  "\"chat\"",  "(chat)",     "a@b",
      "a:b",  "a[b",  "a{b",         "a\\b", "chat, a b", "a\x7F",      "a\0b"sv,
      "a\rb", "a\nb", "ch\xC3\xA4t", "\xFF",
  }));
  CAPTURE(value);
  CHECK(check({value}) == error::bad_subprotocol_list);
  CHECK(check({"good", value}) == error::bad_subprotocol_list);
  CHECK(check({value, "good"}) == error::bad_subprotocol_list);
}

TEST_CASE("a token that is repeated in another field is malformed", "[subprotocol][rfc6455-4.1]") {
  CHECK(check({"chat", "chat"}) == error::bad_subprotocol_list);
  CHECK(check({"a, b", "c, a"}) == error::bad_subprotocol_list);
}

TEST_CASE("only the bytes of tokens stand in a subprotocol", "[subprotocol]") {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    if (c == ',' || c == ' ' || c == '\t') continue;
    const std::string text = std::string{"a"} + c + "b";
    CAPTURE(code);
    CHECK((check({text}) == error::none) == detail::is_token_char(c));
    CHECK((check_subprotocols_to_offer(std::vector<std::string>{text}) == error::none) ==
          detail::is_token_char(c));
  }
}

TEST_CASE("an offer has at most 128 subprotocols", "[subprotocol]") {
  STATIC_REQUIRE(max_offered_subprotocols == 128);
  CHECK(check({numbered(128)}) == error::none);
  CHECK(check({numbered(129)}) == error::bad_subprotocol_list);
}

TEST_CASE("lists of a megabyte take linear time", "[subprotocol][security]") {
  const std::size_t size = std::size_t{1} << 20;
  const auto text = GENERATE_COPY(values<std::string>({
      "b" + std::string(size, ' ') + "x",
      std::string(size, ' ') + "b",
      "b" + std::string(size, ',') + "x",
      numbered(size / 8),
      std::string(size, 'b'),
  }));
  // What is quadratic takes hours for this, and the runner's limit ends it.
  static_cast<void>(check({text}));
  CHECK(selected({text}, {"unknown"}) == "none");
}

TEST_CASE("the client's preference decides among what the server supports",
          "[subprotocol][rfc6455-4.2.2]") {
  CHECK(selected({"a, b"}, {"b", "a"}) == "a");
  CHECK(selected({"a", "b"}, {"b", "a"}) == "a");
  CHECK(selected({"x, b", "a"}, {"a", "b"}) == "b");
  CHECK(selected({"a, b"}, {"c"}) == "none");
  CHECK(selected({"a, b"}, {}) == "none");
  CHECK(selected({}, {"a"}) == "none");
  CHECK(selected({"Chat"}, {"chat"}) == "none");
  CHECK(selected({"chatter"}, {"chat"}) == "none");
  CHECK(selected({"chat"}, {"chatter", "chat"}) == "chat");
}

TEST_CASE("the selected subprotocol is an element of what is supported", "[subprotocol]") {
  const std::vector<std::string> supported{"a", "b"};
  CHECK(select_subprotocol(offer{{"z, b"}}.headers(), supported) == &supported[1]);
}

TEST_CASE("offered subprotocols are visited in order", "[subprotocol]") {
  const offer offered{{"a, b", ",c,,"}};
  std::string seen;
  CHECK(for_each_subprotocol(offered.headers(), [&](std::string_view each) {
    seen += each;
    seen += '.';
    return true;
  }));
  CHECK(seen == "a.b.c.");
  CHECK_FALSE(
      for_each_subprotocol(offered.headers(), [](std::string_view each) { return each != "b"; }));
}

TEST_CASE("it is known whether a subprotocol was offered", "[subprotocol]") {
  const offer offered{{"a, b", "c"}};
  CHECK(is_subprotocol_offered(offered.headers(), "c"));
  CHECK_FALSE(is_subprotocol_offered(offered.headers(), "C"));
  CHECK_FALSE(is_subprotocol_offered(offered.headers(), "no"));
  CHECK_FALSE(is_subprotocol_offered(offered.headers(), ""));
  CHECK_FALSE(is_subprotocol_offered(offered.headers(), "a, b"));
}

TEST_CASE("a client offers distinct tokens only", "[subprotocol][rfc6455-4.1]") {
  const auto offers = [](const std::vector<std::string>& list) {
    return check_subprotocols_to_offer(list);
  };
  CHECK(offers({}) == error::none);
  CHECK(offers({"a", "b", "A"}) == error::none);
  CHECK(offers({"a", "b", "a"}) == error::bad_subprotocol);
  CHECK(offers({""}) == error::bad_subprotocol);
  CHECK(offers({"a, b"}) == error::bad_subprotocol);
  CHECK(offers({"a\r\nX: y"}) == error::bad_subprotocol);
  CHECK(offers(std::vector<std::string>(1, std::string(1, '\0'))) == error::bad_subprotocol);
}
