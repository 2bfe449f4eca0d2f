#include "hawser/deflate_codec.hpp"

#include "support/catch.hpp"
#include "support/deflating.hpp"
#include "support/stored_codec.hpp"

#include <string>
#include <string_view>

using namespace hawser;
using support::stored_codec;

namespace {

struct no_codec {};

struct codec_without_inflater {
  static constexpr std::uint8_t min_window_bits = 9;
  using deflater = stored_codec::deflater;
};

static_assert(deflate_codec<stored_codec>);
static_assert(deflate_codec<zlib_codec>);
static_assert(!deflate_codec<no_codec>);
static_assert(codec_without_inflater::min_window_bits == 9 &&
              !deflate_codec<codec_without_inflater>);
static_assert(deflate_settings{} == deflate_settings{.window_bits = 15, .memory_level = 8});

}  // namespace

TEST_CASE("a codec of one's own is understood by zlib", "[deflate_codec]") {
  support::message_deflater<stored_codec> deflater;
  support::message_inflater<> inflater;
  for (const std::size_t size : {0U, 1U, 5U, 300U, 65535U, 65536U, 200000U}) {
    const std::string text = support::noise(size);
    CAPTURE(size);
    CHECK((inflater.inflated(deflater.whole(text)) == text));
  }
}

TEST_CASE("a codec of one's own understands what zlib stores", "[deflate_codec]") {
  support::message_inflater<stored_codec> inflater;
  for (const std::size_t size : {0U, 1U, 5U, 300U, 65535U, 65536U, 200000U}) {
    const std::string text = support::noise(size);
    CAPTURE(size);
    CHECK((inflater.inflated(support::compressed(text, 0)) == text));
  }
  CHECK(inflater.inflate(support::compressed("Hello")) == error::bad_compressed_data);
}
