#include "hawser/codecs/zlib.hpp"

#include "support/catch.hpp"
#include "support/deflating.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

using namespace hawser;

namespace {

// Counts what is held, and fails where it is told to.
struct counted {
  std::size_t held = 0;
  std::size_t calls = 0;
  std::size_t fails_at = SIZE_MAX;

  [[nodiscard]] memory source() {
    memory made;
    made.context = this;
    made.allocate = [](void* context, std::size_t size) {
      auto& self = *static_cast<counted*>(context);
      if (self.calls++ == self.fails_at) throw 42;
      self.held += size;
      return ::operator new(size);
    };
    made.deallocate = [](void* context, void* pointer, std::size_t size) {
      static_cast<counted*>(context)->held -= size;
      ::operator delete(pointer);
    };
    return made;
  }
};

// Within 5 %.
void check_close(std::size_t estimated, std::size_t measured) {
  CAPTURE(estimated, measured);
  CHECK(estimated <= measured + measured / 20);
  CHECK(estimated >= measured - measured / 20);
}

}  // namespace

TEST_CASE("zlib's level is 6 where nobody chose", "[zlib]") {
  const std::string text = support::json(20000);
  const auto made = [&](const deflate_settings& settings) {
    return support::message_deflater<>{settings}.whole(text);
  };
  CHECK((made({}) == made({.level = 6})));
  CHECK((made({}) != made({.level = 1})));
}

TEST_CASE("what zlib takes is what the codec says", "[zlib]") {
  for (std::uint8_t bits = 9; bits <= 15; ++bits) {
    for (std::uint8_t level = 1; level <= 9; ++level) {
      counted all;
      {
        zlib_codec::deflater deflater{all.source(), {bits, level, 6}};
        check_close(zlib_codec::deflater_size({bits, level, 6}), all.held + sizeof deflater);
        const std::size_t held = all.held;
        std::string out(200000, '\0');
        const std::string in = support::json(100000);
        CHECK(deflater.deflate(support::bytes_of(in), std::as_writable_bytes(std::span{out}))
                  .consumed == in.size());
        CHECK(all.held == held);
      }
      CHECK(all.held == 0);
    }
  }
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    counted all;
    {
      zlib_codec::inflater inflater{all.source(), bits};
      check_close(zlib_codec::inflater_size(bits), all.held + sizeof inflater);
      const std::size_t held = all.held;
      std::string out(200000, '\0');
      const std::string in = support::deflated_by_zlib(support::json(100000), Z_SYNC_FLUSH, 6,
                                                       Z_DEFAULT_STRATEGY, bits == 8 ? 9 : bits);
      CHECK_FALSE(
          inflater.inflate(support::bytes_of(in), std::as_writable_bytes(std::span{out})).is_wrong);
      CHECK(all.held == held);
      inflater.restart(15);
      inflater.restart(9);
      check_close(zlib_codec::inflater_size(9), all.held + sizeof inflater);
    }
    CHECK(all.held == 0);
  }
}

TEST_CASE("what the memory throws passes through zlib and nothing is lost", "[zlib]") {
  for (const bool is_deflater : {false, true}) {
    std::size_t at = 0;
    for (;; ++at) {
      counted all;
      all.fails_at = at;
      bool has_thrown = false;
      try {
        if (is_deflater) {
          const zlib_codec::deflater made{all.source(), {}};
        } else {
          const zlib_codec::inflater made{all.source(), 15};
        }
      } catch (const int thrown) {
        has_thrown = thrown == 42;
      }
      CHECK(all.held == 0);
      if (!has_thrown) break;
    }
    CHECK(at >= (is_deflater || support::is_zlib_ng ? 1 : 2));
  }
  counted all;
  zlib_codec::inflater inflater{all.source(), 9};
  all.fails_at = all.calls;
  if (support::is_zlib_ng) {
    CHECK_NOTHROW(inflater.restart(15));
  } else {
    CHECK_THROWS_AS(inflater.restart(15), int);
  }
}

TEST_CASE("zlib cannot hold itself to a window of 256 bytes", "[zlib]") {
  z_stream stream{};
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, -8, 8, Z_DEFAULT_STRATEGY) == Z_STREAM_ERROR);
  CHECK(zlib_codec::min_window_bits == 9);
}

TEST_CASE("where a block ended is known", "[zlib]") {
  zlib_codec::inflater inflater{memory{}, 15};
  std::string out(100, '\0');
  const auto inflate = [&](std::string_view in) {
    CHECK(
        inflater.inflate(support::bytes_of(in), std::as_writable_bytes(std::span{out})).consumed ==
        in.size());
  };
  const std::string synced = support::deflated_by_zlib("Hello");
  inflate(synced.substr(0, synced.size() - 1));
  CHECK_FALSE(inflater.is_at_boundary());
  inflate(synced.substr(synced.size() - 1));
  CHECK(inflater.is_at_boundary());
  CHECK_FALSE(inflater.has_ended());
  inflate(support::deflated_by_zlib("Hello", Z_FINISH));
  CHECK(inflater.has_ended());
  inflate(synced);
  CHECK_FALSE(inflater.has_ended());
  CHECK(inflater.is_at_boundary());
  CHECK(out.starts_with("Hello"));
}

TEST_CASE("what the codec keeps when it is restarted is not the window", "[zlib]") {
  support::message_deflater<> deflater;
  const std::string first = deflater.whole("Hello");
  CHECK(deflater.whole("Hello") != first);
  deflater.restart();
  CHECK(deflater.whole("Hello") == first);
}

TEST_CASE("a window larger than was agreed on is refused or gives the right text", "[zlib]") {
  // Comes again further back than 9 bits reach, in one message and in the next.
  const std::string text = support::noise(600) + support::noise(600);
  const std::string payload = support::deflated_by_zlib(text, Z_SYNC_FLUSH, 9, 0, 15);
  for (const std::size_t room : {std::size_t{1}, std::size_t{64}, std::size_t{2000}}) {
    zlib_codec::inflater inflater{memory{}, 9};
    std::span<const std::byte> rest = support::bytes_of(payload);
    std::string out;
    codec_step step;
    do {
      std::string part(room, '\0');
      step = inflater.inflate(rest, std::as_writable_bytes(std::span{part}));
      rest = rest.subspan(step.consumed);
      out += part.substr(0, step.produced);
    } while (!step.is_wrong && step.consumed + step.produced != 0);
    CHECK((text.starts_with(out)));
    CHECK(step.is_wrong == (room < 600));
    CHECK((out.size() == text.size()) == !step.is_wrong);
  }

  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  support::message_inflater<> messages{{}, 9};
  std::string once = support::noise(600);
  for (const bool is_again : {false, true}) {
    std::string out(2000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(once.data());
    stream.avail_in = static_cast<uInt>(once.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out - 4);
    CHECK((out.size() < 100) == is_again);
    CHECK(messages.inflate(out) == (is_again ? error::bad_compressed_data : error::none));
  }
  deflateEnd(&stream);
}
