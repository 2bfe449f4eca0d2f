#include "hawser/event.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/receiving.hpp"

#include <type_traits>

using namespace hawser;
using namespace support::literals;
using support::receiving;

namespace {

static_assert(std::is_trivially_copyable_v<event>);
static_assert(sizeof(event) == 24 || sizeof(void*) != 8);
static_assert(!std::is_convertible_v<event, bool>, "only in conditions");
static_assert(!event{} && event{}.kind() == event_kind::none);

// The first event of what a client receives.
struct first_event {
  explicit first_event(support::bytes bytes, const receiver_context& context = {})
      : from{context}, input{std::move(bytes)} {
    std::byte* position = input.data();
    it = from.next(position, input.data() + input.size());
  }

  receiving<role::client> from;
  support::bytes input;
  event it;
};

}  // namespace

TEST_CASE("no event is none of everything", "[event]") {
  const event none;
  CHECK_FALSE((none.is_message() || none.is_piece() || none.is_text() || none.is_binary() ||
               none.is_first() || none.is_last()));
  CHECK(none.payload().empty());
  CHECK(none.text().empty());
  CHECK(none.reason().empty());
  CHECK(none.code() == close_code::none);
  CHECK(none.error() == error::none);
}

TEST_CASE("an event says what it is of and nothing else", "[event]") {
  SECTION("a text message") {
    const first_event found{"81 05 48 65 6c 6c 6f"_hex};
    CHECK(found.it.kind() == event_kind::message);
    CHECK((found.it.is_message() && found.it.is_text()));
    CHECK_FALSE((found.it.is_binary() || found.it.is_piece() || found.it.is_first()));
    CHECK(found.it.text() == "Hello");
    CHECK(found.it.payload().size() == 5);
    CHECK(found.it.code() == close_code::none);
    CHECK(found.it.error() == error::none);
  }
  SECTION("a binary message") {
    const first_event found{"82 01 00"_hex};
    CHECK((found.it.is_message() && found.it.is_binary() && !found.it.is_text()));
  }
  SECTION("a piece of text that is a message") {
    const first_event found{"81 01 41"_hex, {.delivery = delivery::pieces}};
    CHECK((found.it.is_piece() && found.it.is_text() && found.it.is_first() && found.it.is_last()));
    CHECK_FALSE((found.it.is_message() || found.it.is_binary()));
  }
  SECTION("a ping is neither text nor binary") {
    const first_event found{"89 01 41"_hex};
    CHECK(found.it.kind() == event_kind::ping);
    CHECK_FALSE((found.it.is_text() || found.it.is_binary() || found.it.is_message()));
    CHECK(found.it.text() == "A");
  }
  SECTION("a close") {
    const first_event found{"88 05 03 e9 62 79 65"_hex};
    CHECK(found.it.kind() == event_kind::close);
    CHECK(found.it.code() == close_code::going_away);
    CHECK(found.it.reason() == "bye");
    CHECK(found.it.error() == error::none);
  }
  SECTION("a failure") {
    const first_event found{"83 00"_hex};
    CHECK(found.it.kind() == event_kind::failed);
    CHECK(found.it.error() == error::reserved_opcode);
    CHECK(found.it.code() == close_code::protocol_error);
    CHECK(found.it.payload().empty());
  }
}
