#include "hawser/deflate_contexts.hpp"

#include "support/catch.hpp"
#include "support/deflating.hpp"
#include "support/failing_memory.hpp"

#include <array>
#include <cstddef>
#include <new>
#include <span>
#include <string>

using namespace hawser;
using support::failing_memory;

namespace {

using contexts = deflate_contexts<zlib_codec>;

std::string deflate(zlib_codec::deflater& with, std::string_view text) {
  std::string out(deflate_bound(text.size()), '\0');
  out.resize(
      deflate_part(with, support::bytes_of(text), true, std::as_writable_bytes(std::span{out})));
  return out;
}

}  // namespace

TEST_CASE("what was given back is taken again, with an empty window", "[deflate_contexts]") {
  failing_memory memory{0};
  contexts all{{}, memory.source()};
  auto* first = all.take_deflater(12);
  const std::string hello = deflate(*first, "Hello, hello, hello");
  CHECK(deflate(*first, "Hello, hello, hello") != hello);
  auto* other = all.take_deflater(12);
  CHECK(other != first);
  all.give(first, 12);
  const std::size_t calls = memory.calls();
  auto* again = all.take_deflater(12);
  CHECK(again == first);
  CHECK(memory.calls() == calls);
  CHECK(deflate(*again, "Hello, hello, hello") == hello);
  // One of each window is kept.
  all.give(again, 12);
  const std::size_t live = memory.live();
  all.give(other, 12);
  CHECK(memory.live() < live - 30000);
  auto* larger = all.take_deflater(15);
  CHECK(larger != first);
  all.destroy(larger);
}

TEST_CASE("small messages that stand for themselves have a smaller compressor",
          "[deflate_contexts]") {
  failing_memory memory{0};
  contexts all{deflate_presets::small, memory.source()};
  auto* large = all.take_deflater(15, small_message_size + 1);
  const std::size_t with_large = memory.live();
  auto* small = all.take_deflater(15, small_message_size);
  CHECK(memory.live() - with_large < with_large / (support::is_zlib_ng ? 2 : 4));
  all.give(small, 15, small_message_size);
  all.give(large, 15, small_message_size + 1);
  const std::size_t calls = memory.calls();
  CHECK(all.take_deflater(13, 1) == small);
  CHECK(all.take_deflater(15) == large);
  CHECK(memory.calls() == calls);
  // Nobody has a larger window than was agreed on.
  auto* smallest = all.take_deflater(9, 1);
  CHECK(smallest != small);
  std::string text = support::noise(400);
  for (char& each : text) each = static_cast<char>('a' + static_cast<unsigned char>(each) % 16);
  text += text.substr(0, 100);
  CHECK(deflate(*small, text).size() + 20 < deflate(*smallest, text).size());
  for (auto* each : {small, large, smallest}) all.destroy(each);
}

TEST_CASE("an inflater that was given back gets the window that is asked for",
          "[deflate_contexts]") {
  failing_memory memory{0};
  contexts all{{}, memory.source()};
  auto* first = all.take_inflater(9);
  const std::size_t small = memory.live();
  all.give(first);
  auto* again = all.take_inflater(15);
  CHECK(again == first);
  CHECK(memory.live() >= small + (support::is_zlib_ng ? 0 : 30000));
  auto* other = all.take_inflater(8);
  all.give(again);
  all.give(other);
  all.give(nullptr);
  all.give(nullptr, 12);
}

TEST_CASE("contexts give all memory back, also where it ran out",
          "[deflate_contexts][security-out-of-memory]") {
  for (std::size_t nth = 0; nth < 20; ++nth) {
    failing_memory memory{nth};
    {
      contexts all{{}, memory.source()};
      for (int i = 0; i < 2; ++i) {
        try {
          all.give(all.take_deflater(10), 10);
          all.give(all.take_inflater(9));
          all.give(all.take_inflater(15));
          all.give(all.take_inflater(15));
        } catch (const std::bad_alloc&) {
          CHECK(memory.has_failed());
        }
      }
      // Whatever failed, what is taken now is good.
      auto* inflater = all.take_inflater(15);
      const std::string payload = support::compressed(support::json(60000));
      std::string out(60000, '\0');
      std::span<const std::byte> in = support::bytes_of(payload);
      CHECK(inflater->inflate(in, std::as_writable_bytes(std::span{out})).produced == 60000);
      CHECK((out == support::json(60000)));
      all.give(inflater);
    }
    CHECK(memory.live() == 0);
  }
}
