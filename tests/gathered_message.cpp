#include "hawser/gathered_message.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/deflating.hpp"
#include "support/failing_memory.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>

using namespace hawser;
using support::compressed;
using support::deflated_by_zlib;
using support::json;
using support::noise;
using support::operator""_hex;

namespace {

using inflater_type = support::message_inflater<libdeflate_codec>;
using deflater_type = support::message_deflater<libdeflate_codec>;

static_assert(max_inflated_size({.max_message_size = 1000}) == 1000);
static_assert(max_inflated_size({.max_message_size = 0}) == limits{}.max_message_size);
static_assert(max_gathered_size({.max_message_size = 1000}) == 3024);
static_assert(max_gathered_size({.max_message_size = UINT64_MAX}) == UINT64_MAX);
static_assert(max_gathered_bytes({.max_message_size = UINT64_MAX}) == SIZE_MAX);
static_assert(max_gathered_bytes({.max_message_size = SIZE_MAX / 4}) == SIZE_MAX);

// libdeflate, which remembers how much it was asked to do.
struct counting_inflater {
  [[nodiscard]] inflate_result inflate(std::span<const std::byte> in,
                                       std::span<std::byte> out) noexcept {
    const inflate_result step = with.inflate(in, out);
    work += step.outcome == inflate_outcome::done ? step.produced : out.size();
    return step;
  }
  libdeflate_codec::inflater with{memory{}, 15};
  std::size_t work = 0;
};

}  // namespace

TEST_CASE("streams that follow each other are one message", "[gathered_message][rfc7692-7.2.3.4]") {
  inflater_type inflater;
  std::string payload;
  std::string expected;
  for (std::uint32_t i = 0; i < 50; ++i) {
    const std::string text = i % 3 == 0 ? noise(i * 40, i) : json(i * 90, i);
    payload += deflated_by_zlib(text, i % 4 == 0 ? Z_FULL_FLUSH : Z_FINISH);
    expected += text;
    CHECK((inflater.inflated(payload + '\0') == expected));
  }
  CHECK((inflater.inflated(payload) == expected));
}

TEST_CASE("a stream that refers to what was before it is corrupt", "[gathered_message]") {
  // "Hello" with BFINAL, and behind it a reference to it.
  const std::string first = deflated_by_zlib("Hello", Z_FINISH);
  CHECK(inflater_type{}.inflate(first + support::to_text("f200110000"_hex)) ==
        error::bad_compressed_data);
}

TEST_CASE("a message that is cut anywhere is what it is to zlib",
          "[gathered_message][rfc7692-7.2.2]") {
  std::size_t wrong = 0;
  for (const std::string& text : {json(1000), noise(200), std::string(5000, 'x')}) {
    // Blocks with and without BFINAL, stored ones among them.
    for (const std::string& payload :
         {deflater_type{}.whole(text), compressed(text), compressed(text, 0),
          deflated_by_zlib(text, Z_FINISH, 0), deflated_by_zlib(text, Z_FINISH, 9)}) {
      inflater_type inflater;
      support::message_inflater<> zlib;
      REQUIRE((inflater.inflated(payload) == text));
      for (std::size_t size = 1; size < payload.size(); ++size) {
        const std::string_view cut = std::string_view{payload}.substr(0, size);
        zlib.restart(15);
        CAPTURE(size, payload.size());
        REQUIRE(inflater.inflated(cut) == zlib.inflated(cut));
        if (inflater.inflate(cut) == error::bad_compressed_data) ++wrong;
      }
    }
  }
  CHECK(wrong > 5000);
}

TEST_CASE("data that looks like the end of a message is none", "[gathered_message]") {
  const std::string end = support::to_text("0000ffff010000ffff"_hex);
  inflater_type inflater;
  for (const std::string& text : {end, "Hello" + end, json(3000) + end}) {
    CHECK((inflater.inflated(compressed(text)) == text));
    CHECK((inflater.inflated(compressed(text, 0)) == text));
    CHECK((inflater.inflated(deflater_type{}.whole(text)) == text));
  }
}

TEST_CASE("nothing is read or written outside of what was given", "[gathered_message]") {
  libdeflate_codec::inflater inflater{memory{}, 15};
  libdeflate_codec::deflater deflater{memory{}, {}};
  for (const std::size_t size : {1U, 50U, 200U, 3000U, 70000U}) {
    for (const std::string& text : {json(size), noise(size), std::string(size, 'x')}) {
      const std::string payload = deflated_by_zlib(text, Z_FINISH);
      const support::guarded_pages in{payload.size()};
      const support::guarded_pages out{size};
      const std::span<std::byte> from = in.at_end(payload.size());
      const std::span<std::byte> to = out.at_end(size);
      std::ranges::copy(support::bytes_of(payload), from.begin());
      const inflate_result made = inflater.inflate(from, to);
      CHECK(made.outcome == inflate_outcome::done);
      CHECK(made.consumed == payload.size());
      CHECK((as_text(to) == text));
      CHECK(inflater.inflate(from, to.last(size - 1)).outcome == inflate_outcome::full);
      for (std::size_t cut = 1; cut < 20 && cut <= payload.size(); ++cut) {
        const std::span<std::byte> part = from.subspan(cut);
        std::ranges::copy(support::bytes_of(payload).first(part.size()), part.begin());
        CHECK(inflater.inflate(part, to).outcome != inflate_outcome::done);
      }
      // Compressing what lies at a guard, into as much room as it takes.
      const support::guarded_pages plain{size};
      std::ranges::copy(support::bytes_of(text), plain.at_end(size).begin());
      const support::guarded_pages packed{deflate_bound(size)};
      const std::size_t taken =
          deflate_whole(deflater, plain.at_end(size), packed.at_end(deflate_bound(size)));
      CHECK(taken <= deflate_bound(size));
      CHECK((support::message_inflater<>{}.inflated(
                 as_text(packed.at_end(deflate_bound(size)).first(taken))) == text));
    }
  }
}

TEST_CASE("memory follows what comes and what comes out", "[gathered_message][security-bomb]") {
  detail::block_pool pool{memory{}, 0};
  const std::string small = compressed("Hello");
  for (const std::string& text : {std::string(100, 'x'), json(5000), json(200000),
                                  std::string(3'000'000, 'x'), noise(100000)}) {
    const std::string payload = compressed(text);
    libdeflate_codec::inflater inflater{memory{}, 15};
    const support::allocation_watch watch;
    gathered_message message;
    for (std::size_t at = 0; at < payload.size(); at += 100) {
      const std::string_view part = std::string_view{payload}.substr(at, 100);
      part.copy(reinterpret_cast<char*>(message.add(part.size(), 0, UINT64_MAX, pool)),
                part.size());
    }
    CHECK(message.compressed_size() == payload.size());
    CHECK(watch.peak() <= 4 * payload.size() + 1024);
    detail::block* made = nullptr;
    CHECK(message.inflate(inflater, {.max_size = 4'000'000}, pool, made) == error::none);
    CHECK(message.size() == text.size());
    CHECK(message.compressed_size() == 0);
    CHECK((as_text(made->bytes()) == text));
    CHECK(watch.peak() <= 20 * payload.size() + 4 * text.size() + 4096);
    pool.give(made);
    CHECK(watch.live() <= 1000);
  }
}

TEST_CASE("what is inflated in vain is less than twice the message",
          "[gathered_message][security-bomb]") {
  detail::block_pool pool{memory{}, 0};
  for (const std::size_t size : {1000U, 10000U, 65536U, 65537U, 1'000'000U, 1'048'576U}) {
    for (const std::string& payload :
         {compressed(std::string(size, 'x')), deflated_by_zlib(json(size / 2), Z_FINISH) +
                                                  compressed(std::string(size - size / 2, 'x'))}) {
      for (const std::uint64_t limit : {std::uint64_t{size}, std::uint64_t{size} - 1}) {
        gathered_message message;
        payload.copy(reinterpret_cast<char*>(message.add(payload.size(), 0, UINT64_MAX, pool)),
                     payload.size());
        counting_inflater inflater;
        detail::block* made = nullptr;
        const error wrong = message.inflate(inflater, {.max_size = limit}, pool, made);
        CHECK(wrong == (limit == size ? error::none : error::message_too_big));
        CAPTURE(size, limit, inflater.work);
        CHECK(inflater.work <= 3 * size + 4096);
        pool.give(made);
      }
    }
  }
}

TEST_CASE("where memory runs out a gathered message can go on",
          "[gathered_message][security-out-of-memory]") {
  const std::string text = json(20000) + std::string(50000, 'x');
  const std::string payload =
      deflated_by_zlib(json(20000), Z_FINISH) + compressed(std::string(50000, 'x'));
  const std::size_t failed = support::for_each_failing_allocation([&](std::size_t nth) {
    support::failing_memory memory{nth};
    {
      detail::block_pool pool{memory.source(), 0};
      gathered_message message;
      libdeflate_codec::inflater inflater{hawser::memory{}, 15};
      detail::block* made = nullptr;
      for (std::size_t at = 0; at < payload.size();) {
        const std::string_view part = std::string_view{payload}.substr(at, 1000);
        try {
          part.copy(reinterpret_cast<char*>(message.add(part.size(), 0, 100000, pool)),
                    part.size());
          at += part.size();
        } catch (const std::bad_alloc&) {
        }
      }
      error result = error::aborted;
      while (result == error::aborted) {
        try {
          result = message.inflate(inflater, {}, pool, made);
        } catch (const std::bad_alloc&) {
        }
      }
      CHECK(result == error::none);
      CHECK((as_text(made->bytes()) == text));
      pool.give(made);
    }
    CHECK(memory.live() == 0);
    return memory.has_failed();
  });
  CHECK(failed >= 4);
}
