#include "hawser/request.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

const std::vector<header> upgrade_fields{{"Host", "a.example:8080"},
                                         {"Upgrade", "websocket"},
                                         {"Connection", "Upgrade"},
                                         {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                         {"Sec-WebSocket-Version", "13"},
                                         {"Origin", "http://a.example:8080"},
                                         {"Sec-WebSocket-Protocol", "soap, chat"},
                                         {"Cookie", "id=7; lang=de"},
                                         {"X-Own", "first"},
                                         {"x-own", "second"}};

request make(std::string_view method, std::string_view target, header_list headers,
             const handshake_rules& rules = {}) {
  const request_view head{.method = method, .target = target, .headers = headers};
  return request{head, classify(head, rules)};
}

}  // namespace

TEST_CASE("a request that is none has nothing", "[request]") {
  const request none;
  CHECK_FALSE(none.is_upgrade());
  CHECK(none.method().empty());
  CHECK(none.target().empty());
  CHECK(none.path().empty());
  CHECK(none.query().empty());
  CHECK(none.headers().empty());
  CHECK(none.header("Host").empty());
  CHECK(none.origin().empty());
  CHECK(none.cookie("id").empty());
  CHECK_FALSE(none.offers("chat"));
  CHECK(none.subprotocol().empty());
}

TEST_CASE("a request shows its parts", "[request]") {
  const std::vector<std::string> known{"chat"};
  const request asked = make("GET", "/rooms/a%20b?name=x&flag&empty=", std::span{upgrade_fields},
                             {.subprotocols = known});
  CHECK(asked.is_upgrade());
  CHECK(asked.method() == "GET");
  CHECK(asked.target() == "/rooms/a%20b?name=x&flag&empty=");
  CHECK(asked.path() == "/rooms/a%20b");
  CHECK(asked.query() == "name=x&flag&empty=");
  CHECK(asked.query_value("name") == "x");
  CHECK(asked.query_value("empty").empty());
  CHECK(asked.query_value("nam").empty());
  CHECK(asked.headers().size() == upgrade_fields.size());
  CHECK(asked.header("HOST") == "a.example:8080");
  CHECK(asked.header("X-Own") == "first");
  CHECK(asked.origin() == "http://a.example:8080");
  CHECK(asked.cookie("id") == "7");
  CHECK(asked.cookie("lang") == "de");
  CHECK(asked.cookie("ang").empty());
  CHECK(asked.offers("soap"));
  CHECK_FALSE(asked.offers("soap, chat"));
  CHECK(asked.subprotocol() == "chat");
  CHECK(asked.subprotocol().data() == known[0].data());
}

TEST_CASE("the subprotocols of a request come in the client's order", "[request]") {
  const request asked = make("GET", "/", std::span{upgrade_fields});
  std::string all;
  asked.for_each_subprotocol([&](std::string_view each) {
    all.append(each).append(";");
    return true;
  });
  CHECK(all == "soap;chat;");
  CHECK(asked.subprotocol().empty());  // the endpoint speaks none
}

TEST_CASE("a plain request and an absolute target", "[request]") {
  const std::vector<header> fields{{"Host", "a.example"}};
  const request plain = make("HEAD", "http://a.example/page?q", std::span{fields});
  CHECK_FALSE(plain.is_upgrade());
  CHECK(plain.method() == "HEAD");
  CHECK(plain.target() == "http://a.example/page?q");
  CHECK(plain.path() == "/page");
  CHECK(plain.query() == "q");
}
