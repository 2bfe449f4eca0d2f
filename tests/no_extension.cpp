#include "hawser/no_extension.hpp"

#include "hawser/codecs/libdeflate.hpp"
#include "hawser/codecs/zlib.hpp"
#include "support/catch.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <type_traits>

using namespace hawser;
using namespace support;

namespace {

static_assert(std::is_empty_v<no_extension::shared> && std::is_empty_v<no_extension::agreed>);
static_assert(std::is_same_v<no_extension::receiver<role::server>, receiver<role::server>>);
static_assert(std::is_same_v<no_extension::sender<role::client>, sender<role::client>>);
static_assert(std::is_same_v<no_extension::receiving_context, receiver_context>);

template <role Role>
concept has_message_options =
    requires(basic_connection<Role>& connection) { connection.send_text("", message_options{}); };
static_assert(!has_message_options<role::server> && !has_message_options<role::client>);

#if defined(__LP64__)
static_assert(sizeof(server_connection) == 120 && sizeof(client_connection) == 120);
// What an extension that is not in use costs.
static_assert(sizeof(zlib::server_connection) <= 120 + 64);
static_assert(sizeof(zlib::client_connection) <= 120 + 64);
static_assert(sizeof(libdeflate::server_connection) <= 120 + 64);
static_assert(sizeof(libdeflate::client_connection) <= 120 + 64);
#endif

}  // namespace

TEMPLATE_TEST_CASE("without an extension RSV1 is a failure", "[no_extension][rfc6455-5.2]",
                   at_server, at_client) {
  adopted<TestType::self> to;
  to.end.feed(wire_to{TestType::self}.forged({.rsv = 4, .opcode = 1}));
  CHECK(to.end.log() == event_log{failure_line(error::reserved_bits)});
  CHECK(to.end->extensions().empty());
}
