#include "hawser/rfc6455.hpp"

#include "support/catch.hpp"

#include <string>

using namespace hawser;

static_assert(peer_of(role::server) == role::client && peer_of(role::client) == role::server);
static_assert(is_control(opcode::close) && !is_control(opcode::continuation));
static_assert(is_reserved(static_cast<opcode>(3)) && !is_reserved(opcode::binary));

TEST_CASE("opcodes are data, control or reserved as RFC 6455 lists them",
          "[rfc6455][rfc6455-5.2]") {
  const std::string kinds = "dddrrrrrcccRRRRR";  // data, reserved, control, Reserved for control
  for (unsigned i = 0; i < 16; ++i) {
    CAPTURE(i);
    const auto code = static_cast<opcode>(i);
    CHECK(is_control(code) == (kinds[i] == 'c' || kinds[i] == 'R'));
    CHECK(is_reserved(code) == (kinds[i] == 'r' || kinds[i] == 'R'));
  }
}

TEST_CASE("names have the numbers of the wire and of the browser", "[rfc6455]") {
  CHECK(static_cast<int>(opcode::continuation) == 0);
  CHECK(static_cast<int>(opcode::text) == 1);
  CHECK(static_cast<int>(opcode::binary) == 2);
  CHECK(static_cast<int>(opcode::close) == 8);
  CHECK(static_cast<int>(opcode::ping) == 9);
  CHECK(static_cast<int>(opcode::pong) == 10);

  CHECK(static_cast<int>(close_code::normal) == 1000);
  CHECK(static_cast<int>(close_code::going_away) == 1001);
  CHECK(static_cast<int>(close_code::protocol_error) == 1002);
  CHECK(static_cast<int>(close_code::unsupported_data) == 1003);
  CHECK(static_cast<int>(close_code::no_status) == 1005);
  CHECK(static_cast<int>(close_code::abnormal) == 1006);
  CHECK(static_cast<int>(close_code::invalid_payload) == 1007);
  CHECK(static_cast<int>(close_code::policy_violation) == 1008);
  CHECK(static_cast<int>(close_code::message_too_big) == 1009);
  CHECK(static_cast<int>(close_code::mandatory_extension) == 1010);
  CHECK(static_cast<int>(close_code::internal_error) == 1011);
  CHECK(static_cast<int>(close_code::service_restart) == 1012);
  CHECK(static_cast<int>(close_code::try_again_later) == 1013);
  CHECK(static_cast<int>(close_code::bad_gateway) == 1014);
  CHECK(static_cast<int>(close_code::tls_handshake_failed) == 1015);

  CHECK(static_cast<int>(ready_state::connecting) == 0);
  CHECK(static_cast<int>(ready_state::open) == 1);
  CHECK(static_cast<int>(ready_state::closing) == 2);
  CHECK(static_cast<int>(ready_state::closed) == 3);
}

TEST_CASE("sizes follow from the layout of a frame", "[rfc6455][rfc6455-5.5]") {
  CHECK(max_control_payload_size == 125);
  CHECK(max_close_reason_size == max_control_payload_size - 2);
  CHECK(max_frame_header_size == 2 + 8 + 4);
  CHECK(protocol_version == "13");
  CHECK(accept_guid == "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
}
