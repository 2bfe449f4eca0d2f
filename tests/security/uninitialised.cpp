// No byte of memory that was never written gets on the wire: everything that is sent is the same
// whatever the memory held before.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// Memory that is full of one byte when it is given, and when it is given back.
hawser::memory filled_with(unsigned char& byte) {
  return {.context = &byte,
          .allocate =
              [](void* context, std::size_t size) {
                void* place = ::operator new(size);
                std::memset(place, *static_cast<unsigned char*>(context), size);
                return place;
              },
          .deallocate =
              [](void* context, void* place, std::size_t size) {
                std::memset(place, *static_cast<unsigned char*>(context), size);
                ::operator delete(place);
              }};
}

template <role Role>
bytes sent_with(unsigned char fill, void (*act)(logged_connection<Role>&)) {
  unsigned char key = 0x5A;
  adopted<Role> at{
      {.entropy = repeated_entropy(key), .memory = filled_with(fill), .max_kept_memory = 0}};
  act(at.end);
  at.end.take_output();
  return at.end.sent();
}

// All close frames there are, sent and as answers: every length of a reason, and no code.
template <role Role>
void require_close_frames() {
  for (std::size_t size = 0; size <= 123; ++size) {
    const std::string reason(size, 'r');
    for (const bool is_answer : {false, true}) {
      bytes seen;
      for (const unsigned fill : {0x00U, 0xEEU}) {
        unsigned char key = 0x5A;
        auto byte = static_cast<unsigned char>(fill);
        adopted<Role> at{
            {.entropy = repeated_entropy(key), .memory = filled_with(byte), .max_kept_memory = 0}};
        if (is_answer) {
          at.end.feed(wire_to{Role}.close(1000, reason));
        } else if (at.end->close(close_code::normal, reason) != error::none) {
          FAIL("not closed");
        }
        const bytes sent = at.end.take_output();
        forged frame{.opcode = 8, .masked = Role == role::client, .key = {key, key, key, key}};
        if (sent != forge(frame, close_body(1000, reason))) FAIL("a reason of " << size);
        if (seen.empty()) seen = sent;
        if (sent != seen) FAIL("a reason of " << size);
      }
    }
  }
  for (const unsigned fill : {0x00U, 0xEEU}) {
    const bytes sent = sent_with<Role>(static_cast<unsigned char>(fill), [](auto& end) {
      static_cast<void>(end->close(close_code::no_status));
    });
    CHECK(sent.size() == (Role == role::client ? 6U : 2U));
  }
}

}  // namespace

TEST_CASE("close frames hold their code and reason, and nothing else",
          "[security][security-uninitialised]") {
  require_close_frames<role::server>();
  require_close_frames<role::client>();
}

TEMPLATE_TEST_CASE("what is sent does not depend on what memory held before",
                   "[security][security-uninitialised]", at_server, at_client) {
  static constexpr role self = TestType::self;
  const std::vector<void (*)(logged_connection<self>&)> acts{
      [](auto& end) {
        for (std::size_t size = 0; size < 300; ++size) {
          static_cast<void>(end->send_binary(bytes(size, std::byte{1})));
          if (size % 50 == 0) end.take_output(size);
        }
        static_cast<void>(end->send_binary(bytes(70'000, std::byte{2})));
      },
      [](auto& end) {
        end.react = echo<self>;
        const bytes input = wire_to{self}
                                .text("fragm", false)
                                .ping("ping")
                                .last("ented")
                                .binary(bytes(5000, std::byte{3}))
                                .forged({.opcode = 3});
        end.feed_each_byte(input);
      },
      [](auto& end) {
        static_cast<void>(end->send_text("x"));
        end.take_output(1);
        for (std::size_t size = 0; size <= 125; ++size)
          end.feed(wire_to{self}.ping(std::string(size, 'p')));
      },
  };
  for (const auto act : acts) {
    const bytes zeros = sent_with<self>(0x00, act);
    CHECK(zeros.size() > 100);
    CHECK(sent_with<self>(0xEE, act) == zeros);
    CHECK(sent_with<self>(0xFF, act) == zeros);
  }
}
