#include "hawser/extension.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

std::vector<header> fields_of(const std::vector<std::string_view>& values) {
  std::vector<header> fields{{"Host", "a.example"}};
  for (const std::string_view value : values) {
    fields.push_back({"sec-websocket-Extensions", value});
    fields.push_back({"X-Sec-WebSocket-Extensions", "\"no"});
  }
  return fields;
}

std::string describe(const extension_parameter& parameter) {
  std::string text{parameter.name};
  if (parameter.has_value) text += '=';
  parameter.for_each_character([&](char c) { text += c; });
  return text;
}

// All that the headers say: "name;parameter=value|name", or the error.
std::string list_of(const std::vector<std::string_view>& values) {
  const std::vector<header> fields = fields_of(values);
  std::string text;
  const error wrong = for_each_extension(fields, [&](const extension& each) {
    if (!text.empty()) text += '|';
    text += each.name;
    for_each_parameter(each, [&](const extension_parameter& parameter) {
      text += ';' + describe(parameter);
      return true;
    });
    return true;
  });
  CHECK(check_extensions(fields) == wrong);
  return wrong == error::none ? text : std::string{to_string(wrong)};
}

const std::string malformed{to_string(error::bad_extension_list)};

}  // namespace

TEST_CASE("extensions are one list over all fields", "[extension][rfc6455-9.1]") {
  CHECK(list_of({}).empty());
  CHECK(list_of({"foo"}) == "foo");
  CHECK(list_of({"foo, bar; baz=2"}) == "foo|bar;baz=2");
  CHECK(list_of({"foo", "bar; baz=2"}) == "foo|bar;baz=2");
  CHECK(list_of({"deflate-stream"}) == "deflate-stream");
  CHECK(list_of({"mux; max-channels=4; flow-control, deflate-stream"}) ==
        "mux;max-channels=4;flow-control|deflate-stream");
  CHECK(list_of({"private-extension"}) == "private-extension");
  CHECK(list_of({"a;b;b;b=1"}) == "a;b;b;b=1");
  CHECK(list_of({"!#$%&'*+-.^_`|~09azAZ"}) == "!#$%&'*+-.^_`|~09azAZ");
}

TEST_CASE("white space may stand between any two words of an extension",
          "[extension][rfc6455-9.1]") {
  CHECK(list_of({" \tfoo\t ; a =\t1 ;b\t= \"2\" , bar ;c "}) == "foo;a=1;b=2|bar;c");
  CHECK(list_of({",foo,,\t ,bar,"}) == "foo|bar");
}

TEST_CASE("a quoted value is unescaped and must be a token then", "[extension][rfc6455-9.1]") {
  CHECK(list_of({R"(foo; a="b")"}) == "foo;a=b");
  CHECK(list_of({R"(foo; a="\b\c"; d)"}) == "foo;a=bc;d");
  CHECK(list_of({R"(foo; a="1\0")"}) == "foo;a=10");
  for (const std::string_view wrong :
       {R"(foo; a="")", R"(foo; a=")", R"(foo; a="b)", R"(foo; a="b\)", R"(foo; a="b\")",
        R"(foo; a="b c")", R"(foo; a="b,c")", R"(foo; a="b\,c")", R"(foo; a="\\")",
        R"(foo; a="\"")", R"(foo; a="b"c)", R"(foo; a="b""c")", R"(foo; "a"=b)", R"("foo")"}) {
    CAPTURE(wrong);
    CHECK(list_of({wrong}) == malformed);
  }
}

TEST_CASE("a malformed list of extensions is an error", "[extension][rfc6455-9.1]") {
  for (const std::string_view wrong :
       {"",          " ",       ",",          " , ,",      ";",          "=",
        "foo;",      "foo; ",   "foo;;a",     "foo; =1",   "foo; a=",    "foo; a= ;b",
        "foo; a==1", "foo bar", "foo; a b",   "foo=1",     "foo; a=1 2", "foo, ;a",
        "foo\x01",   "foo/1",   "foo; a=(b)", "f\xC3\xB6", "foo; a=1=2"}) {
    CAPTURE(wrong);
    CHECK(list_of({wrong}) == malformed);
    CHECK(list_of({"good", wrong}) == malformed);
    CHECK(list_of({wrong, "good"}) == malformed);
  }
}

TEST_CASE("a visitor may stop at any extension and at any parameter", "[extension]") {
  const std::vector<header> fields = fields_of({"a;x;y, b", "c, \"malformed"});
  std::string seen;
  CHECK(for_each_extension(fields, [&](const extension& each) {
          seen += each.name;
          return each.name != "b";
        }) == error::none);
  CHECK(seen == "ab");

  std::size_t parameters = 0;
  CHECK(for_each_extension(fields, [&](const extension& each) {
          CHECK_FALSE(for_each_parameter(each, [&](const extension_parameter&) {
            ++parameters;
            return false;
          }));
          return false;
        }) == error::none);
  CHECK(parameters == 1);
}

TEST_CASE("a parameter is compared with a value without its backslashes", "[extension]") {
  const std::vector<header> fields = fields_of({R"(a; none; plain=12; quoted="1\2")"});
  std::vector<bool> same;
  CHECK(for_each_extension(fields, [&](const extension& each) {
          return for_each_parameter(each, [&](const extension_parameter& parameter) {
            for (const std::string_view value : {"", "1", "12", "123", "1\\2"}) {
              same.push_back(parameter.has_value_of(value));
            }
            return true;
          });
        }) == error::none);
  CHECK(same == std::vector<bool>{false, false, false, false, false,  //
                                  false, false, true, false, false,   //
                                  false, false, true, false, false});
}

TEST_CASE("a long list of extensions is read in one pass", "[extension]") {
  // 8 MB: quadratic time would not end.
  std::string list = "a";
  for (int i = 0; i < 1'000'000; ++i) list += ",b;c=\"\\d\"";
  std::size_t count = 0;
  const std::vector<header> fields = fields_of({list});
  CHECK(for_each_extension(fields, [&](const extension&) { return ++count != 0; }) == error::none);
  CHECK(count == 1'000'001);
  list += ';';
  CHECK(check_extensions(fields_of({list})) == error::bad_extension_list);
}

static_assert(check_extensions({{"Sec-WebSocket-Extensions", "foo; a=\"\\b\""}}) == error::none);
static_assert(check_extensions({{"Sec-WebSocket-Extensions", "foo; a=\"\\"}}) ==
              error::bad_extension_list);
