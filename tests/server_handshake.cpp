#include "hawser/server_handshake.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

using namespace hawser;
using namespace support;

namespace {

using phase = server_handshake::phase;

// Gives a part; answers the error, and how much was taken.
struct taken {
  error wrong = error::none;
  std::size_t size = 0;

  friend bool operator==(const taken&, const taken&) = default;
};

detail::block_pool& pool() {
  static detail::block_pool kept{memory{}, 0};
  return kept;
}

taken give(server_handshake& handshake, std::string_view text, const server_options& options = {}) {
  bytes copy = to_bytes(text);
  std::byte* position = copy.data();
  const error wrong = handshake.receive(position, copy.data() + copy.size(), options);
  return {wrong, static_cast<std::size_t>(position - copy.data())};
}

}  // namespace

TEST_CASE("a head is taken to its end and no further", "[server_handshake]") {
  const std::string head = upgrade_request("/x");
  const std::string all = head + "frames";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const server_options options;
    server_handshake handshake{options, pool()};
    CHECK(handshake.is_untouched());
    const taken first = give(handshake, std::string_view{all}.substr(0, cut), options);
    if (first != taken{error::none, std::min(cut, head.size())}) FAIL("cut at " << cut);
    if (handshake.is_untouched() != (cut == 0)) FAIL("cut at " << cut);
    if ((handshake.state() == phase::deciding) != (cut >= head.size())) FAIL("cut at " << cut);
    if (cut < head.size()) {
      const taken second = give(handshake, std::string_view{all}.substr(cut), options);
      if (second != taken{error::none, head.size() - cut}) FAIL("cut at " << cut);
    }
    if (handshake.request().target() != "/x") FAIL("cut at " << cut);
  }
}

TEST_CASE("what comes early is kept for later", "[server_handshake]") {
  const server_options options{.limits = {.max_early_size = 10}};
  server_handshake handshake{options, pool()};
  REQUIRE(give(handshake, upgrade_request().text(), options).wrong == error::none);
  CHECK(handshake.early().empty());
  CHECK(give(handshake, "01234", options) == taken{error::none, 5});
  CHECK(give(handshake, "56789", options) == taken{error::none, 5});
  CHECK(give(handshake, "", options) == taken{error::none, 0});
  CHECK(give(handshake, "x", options) == taken{error::too_much_early_data, 0});
  CHECK(to_text(handshake.early()) == "0123456789");
  handshake.consume_early(4);
  CHECK(to_text(handshake.early()) == "456789");
  handshake.consume_early(6);
  CHECK(handshake.early().empty());
}

TEST_CASE("what follows a plain request is dropped", "[server_handshake]") {
  const server_options options{.answers_http = true};
  server_handshake handshake{options, pool()};
  REQUIRE(give(handshake, plain_request().text(), options).wrong == error::none);
  const std::string more(100'000, 'x');
  CHECK(give(handshake, more, options) == taken{error::none, more.size()});
  CHECK(handshake.early().empty());
}

TEST_CASE("a request that is refused says why", "[server_handshake]") {
  const server_options options;
  server_handshake bad_key{options, pool()};
  CHECK(give(bad_key, upgrade_request().replaced("Sec-WebSocket-Key", "x").text(), options).wrong ==
        error::bad_key);
  server_handshake plain{options, pool()};
  CHECK(give(plain, plain_request().text(), options).wrong == error::missing_upgrade);
  server_handshake none{options, pool()};
  CHECK(give(none, "\r\n\r\n", options).wrong == error::bad_request_line);
  // Asked again, it says the same.
  CHECK(give(none, "GET", options) == taken{error::bad_request_line, 0});
  const server_options choosy{.origins = origin_policy::listed({"https://a.example"}),
                              .allowed_hosts = {"b.example"}};
  server_handshake foreign{choosy, pool()};
  CHECK(give(foreign, upgrade_request().with("Origin", "https://c.example").text(), choosy).wrong ==
        error::origin_refused);
  server_handshake elsewhere{choosy, pool()};
  CHECK(give(elsewhere, upgrade_request().text(), choosy).wrong == error::host_refused);
}

TEST_CASE("answers are written, and nothing where they are wrong", "[server_handshake]") {
  const server_options options{.answers_http = true};
  server_handshake upgrade{options, pool()};
  REQUIRE(give(upgrade, upgrade_request().text(), options).wrong == error::none);
  std::string out;
  CHECK(upgrade.accept(out, "not-offered", {}) == error::bad_subprotocol);
  CHECK(upgrade.accept(out, "", {{"Upgrade", "x"}}) == error::bad_header);
  CHECK(upgrade.respond(out, 101, {}, "") == error::bad_header);
  CHECK(upgrade.refuse(out, 204, "no body") == error::bad_header);
  CHECK(out.empty());
  CHECK(upgrade.accept(out, "", {}) == error::none);
  CHECK(status_of(out) == "101");

  server_handshake head{options, pool()};
  REQUIRE(give(head, plain_request("HEAD").text(), options).wrong == error::none);
  out.clear();
  CHECK(head.accept(out, "", {}) == error::not_deciding);
  CHECK(head.respond(out, 200, {}, "body") == error::none);
  CHECK(header_of(out, "Content-Length") == "4");
  CHECK(body_of(out).empty());
}

TEST_CASE("a subprotocol of one's own is kept", "[server_handshake]") {
  server_handshake handshake{server_options{}, pool()};
  std::string name = "a-name-that-is-longer-than-a-string-without-heap";
  handshake.keep_subprotocol(name);
  name.clear();
  CHECK(handshake.subprotocol() == "a-name-that-is-longer-than-a-string-without-heap");
}
