#include "hawser/adapters/loop_client.hpp"

#include "support/catch.hpp"
#include "support/loop_script.hpp"

#include <string>
#include <utility>

using namespace hawser;

TEMPLATE_TEST_CASE("a client tells why it could not connect", "[loop_client]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  client_on<TestType> client{loop};
  const auto error_of = [&](std::string url) {
    const int before = client.handler().closed;
    client.connect({.url = std::move(url)});
    REQUIRE(turn_until(loop, [&] { return client.handler().closed == before + 1; }));
    CHECK(client.handler().last_code == close_code::abnormal);
    return client.handler().last_error;
  };
  CHECK(error_of("ws://127.0.0.1:1/") == error::transport_failed);
  CHECK(error_of("wss://127.0.0.1:1/") == error::no_tls);
  CHECK(error_of("http://127.0.0.1/") == error::bad_url);
  CHECK(turn_until(loop, [&] { return client.size() == 0; }));
}
