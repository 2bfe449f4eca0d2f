#include "hawser/authorization.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>

using namespace hawser;

TEST_CASE("userinfo becomes Basic credentials", "[authorization][rfc7617-2]") {
  struct row {
    std::string_view userinfo;
    std::string_view value;
  };
  const auto each = GENERATE(values<row>({
      {"Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},  // RFC 7617 2.
      {"test:123%C2%A3", "Basic dGVzdDoxMjPCow=="},                     // RFC 7617 2.1.
      {"user", "Basic dXNlcjo="},
      {"user:", "Basic dXNlcjo="},
      {":password", "Basic OnBhc3N3b3Jk"},
      {"a:b:c", "Basic YTpiOmM="},
      {"a:b%3Ac", "Basic YTpiOmM="},
      {"a%40b:c", "Basic YUBiOmM="},
  }));
  CAPTURE(each.userinfo);
  std::string out;
  REQUIRE(append_basic_authorization(out, each.userinfo) == error::none);
  CHECK(out == each.value);
}

TEST_CASE("credentials that cannot be told apart or sent are a bad URL",
          "[authorization][rfc7617-2]") {
  const auto userinfo = GENERATE(values<std::string_view>(
      {"a%3Ab:c", "a%0D%0Ab", "a:b%00", "a:%7F", "%1f:", "%", "a:%4", "%zz:a"}));
  CAPTURE(userinfo);
  std::string out = "kept";
  CHECK(append_basic_authorization(out, userinfo) == error::bad_url);
  CHECK(out == "kept");
}
