#include "hawser/limits.hpp"

#include "support/catch.hpp"

#include <cstddef>

using namespace hawser;

TEST_CASE("every limit has a safe default", "[limits]") {
  constexpr limits usual;
  CHECK(usual.max_head_size == 16 * 1024);
  CHECK(usual.max_headers == 100);
  CHECK(usual.max_early_size == 4 * 1024);
  CHECK(usual.max_refusal_size == 16 * 1024);
  CHECK(usual.max_frame_size == 0);  // as a message
  CHECK(usual.max_message_size == 1024 * 1024);
  CHECK(usual.max_fragments == 128 * 1024);
  CHECK(usual.max_control_frames == 1000);
  CHECK(usual.max_output_size == 4 * 1024 * 1024);
  CHECK(usual.max_discard_size == 256 * 1024 * 1024);
}

TEST_CASE("limits are set by name", "[limits]") {
  constexpr limits own{.max_message_size = std::size_t{64} << 20, .max_control_frames = 0};
  CHECK(own.max_message_size == 67'108'864);
  CHECK(own.max_control_frames == 0);
  CHECK(own.max_output_size == limits{}.max_output_size);
}
