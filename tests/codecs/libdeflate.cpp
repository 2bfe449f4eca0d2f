#include "hawser/codecs/libdeflate.hpp"

#include "support/catch.hpp"
#include "support/compressing.hpp"
#include "support/deflating.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What libdeflate took, and where it fails.
std::size_t taken = 0;
bool has_memory = true;

// From libdeflate 1.19 on that is the endpoint's memory; before, the allocator that all of the
// program shares. Counts while it lives. No context of libdeflate may live longer.
struct counted_malloc {
  counted_malloc() {
    taken = 0;
    has_memory = true;
    libdeflate_set_memory_allocator(allocate, std::free);
  }
  counted_malloc(const counted_malloc&) = delete;
  counted_malloc& operator=(const counted_malloc&) = delete;
  ~counted_malloc() { libdeflate_set_memory_allocator(std::malloc, std::free); }

  // Blocks of messages, which it does not count, are powers of two.
  [[nodiscard]] static memory source() {
    return {.allocate =
                [](void*, std::size_t size) {
                  void* const made = std::has_single_bit(size) ? std::malloc(size) : allocate(size);
                  if (made == nullptr) throw std::bad_alloc{};
                  return made;
                },
            .deallocate = [](void*, void* pointer, std::size_t) { std::free(pointer); }};
  }

 private:
  static void* allocate(std::size_t size) {
    taken += size;
    return has_memory ? std::malloc(size) : nullptr;
  }
};

}  // namespace

TEST_CASE("what libdeflate takes is what the codec says", "[libdeflate]") {
  for (std::uint8_t level = 0; level <= 12; ++level) {
    const deflate_settings settings{.level = level};
    const counted_malloc counting;
    const libdeflate_codec::deflater made{counting.source(), settings};
    const std::size_t estimated = libdeflate_codec::deflater_size(settings);
    CAPTURE(unsigned{level}, taken, estimated);
    CHECK(estimated <= (taken + sizeof made) / 100 * 105);
    CHECK(estimated >= (taken + sizeof made) / 100 * 95);
  }
  const counted_malloc counting;
  const libdeflate_codec::inflater made{counting.source(), 15};
  const std::size_t estimated = libdeflate_codec::inflater_size(15);
  CHECK(estimated <= (taken + sizeof made) / 100 * 105);
  CHECK(estimated >= (taken + sizeof made) / 100 * 95);
}

TEST_CASE("where libdeflate gets no memory that is told", "[libdeflate][security-out-of-memory]") {
  const counted_malloc counting;
  has_memory = false;
  CHECK_THROWS_AS((libdeflate_codec::deflater{counting.source(), {}}), std::bad_alloc);
  CHECK_THROWS_AS((libdeflate_codec::inflater{counting.source(), 15}), std::bad_alloc);
  compressing<role::server, libdeflate_deflate> server{none_takes_over,
                                                       {.memory = counting.source()}};
  CHECK_THROWS_AS(server.end->send_text(json(1000)), std::bad_alloc);
  CHECK_FALSE(server.end->has_output());
  bytes input = wire_to{role::server}.deflated(compressed(json(1000)));
  std::span<std::byte> rest = input;
  {
    auto events = server.end->receive(rest);
    CHECK_THROWS_AS(static_cast<void>(events.next()), std::bad_alloc);
    rest = events.rest();
  }
  has_memory = true;
  server.end.feed(rest);
  CHECK(server.end.log() == event_log{text_line(json(1000))});
  CHECK(server.end->send_text(json(1000)) == error::none);
  CHECK(server.end->output_size() < 600);
}

TEST_CASE("any level is one that libdeflate has", "[libdeflate]") {
  const std::string text = json(3000);
  std::size_t before = text.size();
  for (const std::uint8_t level : {std::uint8_t{1}, std::uint8_t{6}, std::uint8_t{12}}) {
    const std::string payload = message_deflater<libdeflate_codec>{{.level = level}}.whole(text);
    CHECK(payload.size() < before);
    before = payload.size();
    CHECK((message_inflater<>{}.inflated(payload) == text));
  }
  CHECK(message_deflater<libdeflate_codec>{{.level = 255}}.whole(text).size() == before);
  CHECK(message_deflater<libdeflate_codec>{}.whole(text) ==
        message_deflater<libdeflate_codec>{{.level = 1}}.whole(text));
}

TEST_CASE("libdeflate's message ends in a block with BFINAL and an empty one",
          "[libdeflate][rfc7692-7.2.3.4]") {
  message_deflater<libdeflate_codec> deflater;
  for (const std::string& text : {std::string{}, std::string{"Hello"}, json(500), noise(500)}) {
    const std::string payload = deflater.whole(text);
    zlib_codec::inflater inflater{memory{}, 15};
    std::string out(600, '\0');
    const codec_step step =
        inflater.inflate(bytes_of(payload), std::as_writable_bytes(std::span{out}));
    CHECK(inflater.has_ended());
    CHECK(step.consumed == payload.size() - 1);
    CHECK(out.starts_with(text));
    CHECK(payload.back() == '\0');
  }
}

TEST_CASE("connections over libdeflate share what it takes", "[libdeflate]") {
  const counted_malloc counting;
  compressing<role::server, libdeflate_deflate> first{none_takes_over,
                                                      {.memory = counting.source()}};
  compressing<role::client> peer{none_takes_over};
  std::vector<std::unique_ptr<deflate_connection<role::server, libdeflate_deflate>>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<deflate_connection<role::server, libdeflate_deflate>>(
        first.endpoint, agreement{.extensions = none_takes_over}));
    all.back()->take_open();
    for (const std::size_t size : {100U, 3000U}) {
      CHECK((*all.back())->send_text(json(size)) == error::none);
      peer.end.feed(all.back()->take_output());
      all.back()->feed(wire_to{role::server}.deflated(compressed(json(size))));
    }
    CHECK(all.back()->log() == event_log{text_line(json(100)), text_line(json(3000))});
  }
  CHECK(peer.end.log().size() == 6);
  constexpr deflate_memory cost = memory_estimate<libdeflate_codec>({});
  static_assert(cost.per_connection == 0);
  CHECK(taken <= cost.per_endpoint / 100 * 105);
  CHECK(taken >= cost.per_endpoint / 100 * 95);
}
