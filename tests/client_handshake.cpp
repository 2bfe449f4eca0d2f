#include "hawser/client_handshake.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

using phase = client_handshake::phase;

// A handshake that has sent its request, with the sample key.
class asked {
 public:
  explicit asked(std::vector<std::string> subprotocols = {}, limits most = {})
      : options_{.limits = most},
        handshake{{.url = "ws://a.example/x", .subprotocols = std::move(subprotocols)}, options_} {
    entropy random{sample_nonce()};
    REQUIRE(handshake.write(request, {}, {}, random) == error::none);
  }

  // Gives a part; answers how much was taken.
  std::size_t give(std::string_view text) {
    bytes copy = to_bytes(text);
    std::byte* position = copy.data();
    wrong = handshake.receive(position, copy.data() + copy.size(), options_);
    return static_cast<std::size_t>(position - copy.data());
  }

 private:
  client_options options_;

 public:
  client_handshake handshake;
  std::string request;
  error wrong = error::none;
};

}  // namespace

TEST_CASE("a request is written, with a key of its own", "[client_handshake]") {
  const asked at{{"a", "b"}};
  CHECK(at.request.starts_with("GET /x HTTP/1.1\r\nHost: a.example\r\n"));
  CHECK(header_of(at.request, "Sec-WebSocket-Key") == sample_key);
  CHECK(header_of(at.request, "Sec-WebSocket-Protocol") == "a, b");
  CHECK(at.handshake.url() == "ws://a.example/x");
  CHECK(at.handshake.subprotocol().empty());
  CHECK(at.handshake.response().status == 0);
}

TEST_CASE("a request that cannot be sent is not written", "[client_handshake]") {
  entropy random{sample_nonce()};
  std::string out;
  client_handshake bad_url{{.url = "http://a.example"}, client_options{}};
  CHECK(bad_url.write(out, {}, {}, random) == error::bad_url);
  client_handshake bad_list{{.url = "ws://a.example", .subprotocols = {"a", "a"}},
                            client_options{}};
  CHECK(bad_list.write(out, {}, {}, random) == error::bad_subprotocol);
  client_handshake bad_field{{.url = "ws://a.example"}, client_options{}};
  CHECK(bad_field.write(out, {}, {{"Host", "b"}}, random) == error::bad_header);
  CHECK(bad_field.write(out, "https://a\r\n", {}, random) == error::bad_header);
  CHECK(out.empty());
}

TEST_CASE("an answer is taken to its end and no further", "[client_handshake]") {
  const std::string head = upgrade_answer().with("Sec-WebSocket-Protocol", "b");
  const std::string all = head + "frames";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    asked at{{"a", "b"}};
    const std::size_t first = at.give(std::string_view{all}.substr(0, cut));
    if (at.wrong != error::none || first != std::min(cut, head.size())) FAIL("cut at " << cut);
    if ((at.handshake.state() == phase::accepted) != (cut >= head.size())) FAIL("cut at " << cut);
    if (cut < head.size() && at.give(std::string_view{all}.substr(cut)) != head.size() - cut) {
      FAIL("cut at " << cut);
    }
    if (at.handshake.subprotocol() != "b" || at.handshake.response().status != 101) {
      FAIL("cut at " << cut);
    }
  }
}

TEST_CASE("a refusal is complete with its body, or with the stream", "[client_handshake]") {
  asked sized;
  sized.give("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbo");
  CHECK(sized.handshake.state() == phase::reading_body);
  CHECK(sized.give("dymore") == 2);
  CHECK(sized.handshake.state() == phase::refused);
  CHECK(sized.handshake.response().body == "body");
  CHECK(sized.handshake.response().reason == "Not Found");
  CHECK(sized.wrong == error::none);

  asked open_ended;
  open_ended.give("HTTP/1.1 404 Not Found\r\n\r\nbody");
  CHECK(open_ended.handshake.state() == phase::reading_body);
  open_ended.handshake.receive_eof();
  CHECK(open_ended.handshake.state() == phase::refused);
  CHECK(open_ended.handshake.response().body == "body");

  asked bounded{{}, limits{.max_refusal_size = 3}};
  bounded.give("HTTP/1.1 404 Not Found\r\n\r\nbody");
  CHECK(bounded.handshake.state() == phase::refused);
  CHECK(bounded.handshake.response().body == "bod");
}

TEST_CASE("the end of the stream does not complete a head", "[client_handshake]") {
  asked at;
  at.give("HTTP/1.1 404 Not");
  at.handshake.receive_eof();
  CHECK(at.handshake.state() == phase::reading);
}

TEST_CASE("interim answers are read over", "[client_handshake]") {
  asked at;
  const std::string interim = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n";
  const std::string all = interim + interim + upgrade_answer().text();
  CHECK(at.give(all) == all.size());
  CHECK(at.handshake.state() == phase::accepted);
  CHECK(at.handshake.response().headers.value("X").empty());
}

TEST_CASE("a wrong answer says what is wrong", "[client_handshake]") {
  asked no_accept;
  no_accept.give(upgrade_answer().without("Sec-WebSocket-Accept").text());
  CHECK(no_accept.wrong == error::accept_mismatch);
  CHECK(no_accept.handshake.state() != phase::accepted);
  asked garbage;
  CHECK(garbage.give("SSH-2.0-x\r\n") == 0);
  CHECK(garbage.wrong == error::bad_status_line);
  asked large{{}, limits{.max_head_size = 100}};
  large.give(upgrade_answer().with("X", std::string(100, 'x')).text());
  CHECK(large.wrong == error::head_too_large);
}

TEST_CASE("what somebody else agreed on is kept", "[client_handshake]") {
  client_handshake handshake{{}, client_options{}};
  std::string name = "a-name-that-is-longer-than-a-string-without-heap";
  handshake.keep_subprotocol(name);
  name.clear();
  CHECK(handshake.subprotocol() == "a-name-that-is-longer-than-a-string-without-heap");
  CHECK(handshake.url().empty());
}
