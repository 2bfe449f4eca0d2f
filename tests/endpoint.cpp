#include "hawser/endpoint.hpp"

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/fixed_entropy.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

// Connections point to it: it keeps its place.
static_assert(!std::is_copy_constructible_v<server_endpoint>);
static_assert(!std::is_move_constructible_v<server_endpoint>);
static_assert(!std::is_copy_assignable_v<client_endpoint>);

TEST_CASE("an endpoint keeps what it was given", "[endpoint]") {
  server_endpoint server{{.limits = {.max_headers = 7},
                          .timeouts = {.opening = duration::seconds(3)},
                          .strictness = {.utf8 = false},
                          .delivery = delivery::pieces,
                          .answers_pings = false,
                          .subprotocols = {"a", "b"},
                          .origins = origin_policy::listed({"https://a.example"}),
                          .allowed_hosts = loopback_hosts(),
                          .decides_upgrades = true,
                          .answers_http = true}};
  CHECK(server.options().limits.max_headers == 7);
  CHECK(server.options().timeouts.opening == duration::seconds(3));
  CHECK_FALSE(server.options().strictness.utf8);
  CHECK(server.options().delivery == delivery::pieces);
  CHECK_FALSE(server.options().answers_pings);
  CHECK(server.options().subprotocols == std::vector<std::string>{"a", "b"});
  CHECK(server.options().origins.origins.size() == 1);
  CHECK(server.options().allowed_hosts.size() == 3);

  client_endpoint client{{.limits = {.max_message_size = 5}, .checks_sent_text = false}};
  CHECK(client.options().limits.max_message_size == 5);
  CHECK_FALSE(client.options().checks_sent_text);
}

TEST_CASE("an endpoint is safe as it comes", "[endpoint]") {
  const server_endpoint server;
  CHECK(server.options().limits.max_message_size == std::uint64_t{1} << 20);
  CHECK(server.options().strictness == strictness{});
  CHECK(server.options().delivery == delivery::whole);
  CHECK(server.options().answers_pings);
  CHECK(server.options().checks_sent_text);
  CHECK(server.options().origins.allow == origin_policy::rule::same_host);
  CHECK_FALSE(server.options().decides_upgrades);
  CHECK_FALSE(server.options().answers_http);
}

TEST_CASE("the connections of an endpoint draw from its entropy", "[endpoint]") {
  counting_entropy entropy{1};
  client_endpoint endpoint{{.entropy = entropy.source()}};
  logged_connection<role::client> first{endpoint, agreement{}};
  logged_connection<role::client> second{endpoint, agreement{}};
  REQUIRE(first->send_text("") == error::none);
  REQUIRE(second->send_text("") == error::none);
  REQUIRE(first->send_text("") == error::none);
  CHECK(to_hex(first.take_output()) == "81 80 01 02 03 04 81 80 09 0a 0b 0c");
  CHECK(to_hex(second.take_output()) == "81 80 05 06 07 08");
  CHECK(entropy.draws() == 1);  // of 256 bytes

  // A server needs none.
  counting_entropy unused;
  server_endpoint server{{.entropy = unused.source()}};
  logged_connection<role::server> end{server, agreement{}};
  REQUIRE(end->send_text("x") == error::none);
  end.feed(upgrade_request().text());
  CHECK(unused.draws() == 0);
}

TEST_CASE("limits of an endpoint hold for each connection by itself", "[endpoint]") {
  server_endpoint endpoint{{.limits = {.max_message_size = 3, .max_output_size = 10}}};
  logged_connection<role::server> first{endpoint, agreement{}};
  logged_connection<role::server> second{endpoint, agreement{}};
  CHECK(first->send_text("12345678") == error::none);
  CHECK(first->send_text("") == error::output_full);
  CHECK(second->send_text("12345678") == error::none);
  first.feed(wire_to{role::server}.text("1234"));
  second.feed(wire_to{role::server}.text("123"));
  CHECK(first->error() == error::message_too_big);
  CHECK(second->is_open());
}
