#include "hawser/deflate_options.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/compressing.hpp"
#include "support/stored_codec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr deflate_memory cost_of(const deflate_options& options) {
  return memory_estimate<zlib_codec>(options);
}

static_assert(cost_of(deflate_presets::small).per_connection == 0);
static_assert(cost_of(deflate_presets::balanced).per_endpoint == 0);
// What the presets' comments say.
static_assert(is_zlib_ng || cost_of(deflate_presets::balanced).per_connection <= 51 * 1024);
static_assert(is_zlib_ng || cost_of(deflate_presets::best).per_connection <= 440 * 1024);
static_assert(cost_of(deflate_presets::best).per_connection >= 410 * 1024);
static_assert(memory_estimate<stored_codec>({}).per_connection < 100);
static_assert(memory_estimate<libdeflate_codec>(deflate_presets::best).per_connection == 0);
static_assert(memory_estimate<libdeflate_codec>(deflate_presets::best).per_endpoint <= 665 * 1024);
static_assert(memory_estimate<libdeflate_codec>({}).per_endpoint <= 210 * 1024);

// What is out of its range.
static_assert(in_range({.settings = {0, 0, 9}, .peer_window_bits = 0}).settings ==
              deflate_settings{8, 1, 9});
static_assert(in_range({.settings = {255, 255, 9}, .peer_window_bits = 0}).settings ==
              deflate_settings{15, 9, 9});
static_assert(in_range({.peer_window_bits = 0}).peer_window_bits == 8);
static_assert(in_range({.peer_window_bits = 16}).peer_window_bits == 15);
static_assert(cost_of({.settings = {255, 255, 0}, .peer_window_bits = 255}).per_connection ==
              cost_of({.settings = {15, 9, 0}, .peer_window_bits = 15}).per_connection);

// What endpoints and connections of a pair hold more when both ends have sent and received.
struct measured {
  std::size_t connection = 0;  // each further one
  std::size_t endpoint = 0;    // the first, beyond that
};

measured measure(const deflate_options& options) {
  // Both of those that are shared.
  const std::array texts{json(1000), json(300)};
  compressing<role::server> first{"permessage-deflate", {.max_kept_memory = 0}, options};
  // As the server would have agreed.
  const deflate_text agreed{
      select_deflate({{"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"}},
                     make_deflate_wishes(role::server, options, 9))
          .response};
  std::vector<std::unique_ptr<deflate_connection<role::server>>> all;
  std::vector<std::size_t> live;
  const std::string payload = compressed(std::string(100, 'x'));
  const bytes input = wire_to{role::server}.deflated(payload);
  bytes copy = input;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::make_unique<deflate_connection<role::server>>(
        first.endpoint, agreement{.extensions = agreed.text()}));
    all.back()->take_open();
    const allocation_watch watch;
    for (const std::string& text : texts) {
      if ((*all.back())->send_text(text) != error::none) FAIL("not sent");
      (*all.back())->consume_output((*all.back())->output_size());
    }
    std::copy(input.begin(), input.end(), copy.begin());
    auto events = (*all.back())->receive(copy);
    while (events.next()) {
    }
    live.push_back(static_cast<std::size_t>(watch.live()));
  }
  CHECK(live[1] == live[2]);
  CHECK(live[2] == live[3]);
  return {live[3], live[0] - live[3]};
}

void check_close(std::size_t estimated, std::size_t counted) {
  CAPTURE(estimated, counted);
  CHECK(estimated <= counted + counted / 20);
  CHECK(estimated >= counted - counted / 20);
}

}  // namespace

TEST_CASE("memory_estimate is within 5 % of what is taken", "[deflate_options]") {
  std::vector<deflate_options> all{deflate_presets::small, deflate_presets::balanced,
                                   deflate_presets::best};
  for (const std::uint8_t bits :
       {std::uint8_t{8}, std::uint8_t{9}, std::uint8_t{11}, std::uint8_t{15}}) {
    for (const std::uint8_t memory : {std::uint8_t{1}, std::uint8_t{6}, std::uint8_t{9}}) {
      for (const bool takeover : {false, true}) {
        all.push_back({.settings = {bits, memory, 6},
                       .takeover = takeover,
                       .peer_takeover = !takeover,
                       .peer_window_bits = bits});
      }
    }
  }
  for (const deflate_options& options : all) {
    CAPTURE(unsigned{options.settings.window_bits}, unsigned{options.settings.memory_level},
            options.takeover);
    const measured found = measure(options);
    check_close(cost_of(options).per_connection, found.connection);
    check_close(cost_of(options).per_endpoint, found.endpoint);
  }
}

TEST_CASE("a client asks for the peer's window only where it insists", "[deflate_options]") {
  deflate_options options{.peer_window_bits = 10};
  CHECK(make_deflate_wishes(role::server, options, 9).receive.window_bits == 10);
  CHECK(make_deflate_wishes(role::client, options, 9).receive.window_bits == 15);
  options.insists = true;
  CHECK(make_deflate_wishes(role::client, options, 9).receive.window_bits == 10);
  CHECK(make_deflate_wishes(role::client, options, 9).insists);
  options.settings.window_bits = 8;
  CHECK(make_deflate_wishes(role::server, options, 9).send.window_bits == 9);
  CHECK(make_deflate_wishes(role::server, options, 8).send.window_bits == 8);
}

TEST_CASE("by default a client offers what every server knows", "[deflate_options]") {
  CHECK(make_deflate_offer(make_deflate_wishes(role::client, {}, 9)).text() ==
        "permessage-deflate; client_max_window_bits");
}
