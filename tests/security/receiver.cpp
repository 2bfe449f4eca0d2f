// What a hostile peer makes a receiver allocate, copy and keep.

#include "hawser/receiver.hpp"

#include "hawser/detail/block.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/failing_memory.hpp"
#include "support/receiving.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>

using namespace hawser;
using support::allocation_watch;
using support::bytes;
using support::concat;
using support::event_log;
using support::forge_to;
using support::frame_to;

namespace {

// A receiver that keeps nothing of what it receives, so that all memory is its own.
template <role Role>
class counting_receiver {
 public:
  explicit counting_receiver(const limits& most = {}, delivery how = delivery::whole,
                             std::size_t max_kept = 0)
      : pool_{memory{}, max_kept},
        context_{.limits = most, .delivery = how, .pool = &pool_},
        receiver_{context_} {}
  counting_receiver(const counting_receiver&) = delete;
  counting_receiver& operator=(const counting_receiver&) = delete;
  ~counting_receiver() { receiver_.release(context_); }

  void feed(std::span<std::byte> part) {
    std::byte* position = part.data();
    while (true) {
      receiver_.update_fast_limit(context_, true);
      event found = receiver_.next_small(position, part.data() + part.size());
      if (!found) found = receiver_.next_alone(position, part.data() + part.size(), context_);
      if (!found) found = receiver_.next(position, part.data() + part.size(), context_);
      if (!found) return;
      ++events_;
      last_ = found.kind();
      error_ = found.error();
    }
  }
  void feed(bytes&& part) { feed(std::span{part}); }
  // Feeds a copy: payloads are unmasked in place.
  void feed_copy(std::span<const std::byte> part, std::span<std::byte> room) {
    std::copy(part.begin(), part.end(), room.begin());
    feed(room.first(part.size()));
  }

  [[nodiscard]] std::size_t events() const noexcept { return events_; }
  [[nodiscard]] event_kind last() const noexcept { return last_; }
  [[nodiscard]] hawser::error error() const noexcept { return error_; }
  [[nodiscard]] receiver<Role>& get() noexcept { return receiver_; }

 private:
  hawser::detail::block_pool pool_;
  receiver_context context_;
  receiver<Role> receiver_;
  std::size_t events_ = 0;
  event_kind last_ = event_kind::none;
  hawser::error error_ = error::none;
};

constexpr std::size_t mebibyte = std::size_t{1} << 20;

}  // namespace

#define BOTH_ROLES(name, tags) \
  TEMPLATE_TEST_CASE_SIG(name, tags, ((role Role), Role), role::server, role::client)

BOTH_ROLES("a header that announces a gigabyte allocates nothing", "[security][receiver][limits]") {
  for (const delivery how : {delivery::whole, delivery::pieces}) {
    counting_receiver<Role> receiver{{.max_message_size = std::uint64_t{2} << 30}, how};
    bytes header = forge_to(Role, {.opcode = 2, .announced = std::uint64_t{1} << 30});
    const allocation_watch watch;
    receiver.feed(header);
    CHECK(watch.calls() == 0);
    CHECK(receiver.events() == 0);
  }
}

BOTH_ROLES("memory follows the bytes that came", "[security][receiver][limits]") {
  counting_receiver<Role> receiver{{.max_message_size = std::uint64_t{2} << 30}};
  bytes header = forge_to(Role, {.opcode = 2, .announced = std::uint64_t{1} << 30});
  receiver.feed(header);
  const allocation_watch watch;
  bytes part(1000);
  const std::ptrdiff_t own = watch.live();
  for (std::size_t received = 1000; received <= 4 * mebibyte; received += 1000) {
    receiver.feed(part);
    const auto live = static_cast<std::size_t>(watch.live() - own);
    if (live > 2 * received + 512)
      FAIL("too much is held after " << received << " bytes: " << live);
  }
  CHECK(watch.peak() <= 3 * 4 * mebibyte + 2000);
}

BOTH_ROLES("a small frame has all its memory once a sixteenth came, and not before",
           "[security][receiver][limits]") {
  const auto held_after = [](std::size_t announced, std::size_t received) {
    counting_receiver<Role> receiver{{.max_message_size = mebibyte}};
    bytes header = forge_to(Role, {.opcode = 2, .announced = announced});
    receiver.feed(header);
    const allocation_watch watch;
    const std::ptrdiff_t own = watch.live();
    receiver.feed(bytes(received));
    return static_cast<std::size_t>(watch.live() - own);
  };
  constexpr std::size_t large = std::size_t{64} << 10;
  CHECK(held_after(large, 1) <= 512);
  CHECK(held_after(large, large / 16 - 1) <= large / 4);
  CHECK(held_after(large, large / 16) > large);
  CHECK(held_after(large + 1, large / 16) <= large / 4);
  CHECK(held_after(mebibyte, large / 16) <= large / 4);
  CHECK(held_after(16, 1) <= 512);
}

BOTH_ROLES("a small frame in small reads has its memory as soon as a sixteenth came",
           "[security][receiver][limits]") {
  constexpr std::size_t large = std::size_t{64} << 10;
  counting_receiver<Role> receiver{{.max_message_size = mebibyte}};
  bytes input = frame_to(Role, opcode::binary, std::string(large, 'x'));
  const allocation_watch watch;
  const std::ptrdiff_t own = watch.live();
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t size = std::min<std::size_t>(1460, input.size() - at);
    receiver.feed(std::span{input}.subspan(at, size));
    at += size;
    const auto live = static_cast<std::size_t>(watch.live() - own);
    if (at < large / 16) CHECK(live <= large / 8);
    if (at == 3 * 1460) CHECK(live > large);
  }
  CHECK(receiver.last() == event_kind::message);
  CHECK(watch.calls() <= 3);
}

BOTH_ROLES("pieces hold no memory at all", "[security][receiver]") {
  counting_receiver<Role> receiver{{}, delivery::pieces};
  bytes input = concat(frame_to(Role, opcode::text, std::string(100'000, 'x'), false),
                       frame_to(Role, opcode::ping, "ping"),
                       frame_to(Role, opcode::continuation, std::string(100'000, 'x')));
  const allocation_watch watch;
  receiver.feed(std::span{input}.first(70'000));
  receiver.feed(std::span{input}.subspan(70'000));
  CHECK(watch.calls() == 0);
  CHECK(receiver.events() == 4);
}

BOTH_ROLES("a mebibyte in fragments of one byte is not copied again and again",
           "[security][receiver]") {
  counting_receiver<Role> receiver{{.max_fragments = 0}};
  const bytes first = frame_to(Role, opcode::binary, "x", false);
  const bytes middle = frame_to(Role, opcode::continuation, "x", false);
  const bytes last = frame_to(Role, opcode::continuation, "x");
  bytes room(last.size());
  const allocation_watch watch;
  receiver.feed_copy(first, room);
  for (std::size_t i = 2; i < mebibyte; ++i) {
    if (i % 16 == 0) {
      receiver.feed_copy(std::span{middle}.first(1), room);
      receiver.feed_copy(std::span{middle}.subspan(1), room);
    } else {
      receiver.feed_copy(middle, room);
    }
  }
  receiver.feed_copy(last, room);
  CHECK(receiver.last() == event_kind::message);
  CHECK(watch.calls() <= 16);
  CHECK(watch.requested() <= 4 * mebibyte);
  CHECK(watch.peak() <= 3 * mebibyte);
}

BOTH_ROLES("a frame that comes byte by byte is not copied again and again",
           "[security][receiver]") {
  counting_receiver<Role> receiver;
  bytes input = frame_to(Role, opcode::text, std::string(mebibyte, 'x'));
  const allocation_watch watch;
  for (std::byte& byte : input) receiver.feed({&byte, 1});
  CHECK(receiver.last() == event_kind::message);
  CHECK(watch.calls() <= 16);
  CHECK(watch.requested() <= 4 * mebibyte);
}

BOTH_ROLES("control frames that are cut do not make a message be copied again and again",
           "[security][receiver]") {
  // The worst that a peer can do: a fragment fills the room exactly, and the ping behind it, cut,
  // wants more.
  constexpr std::size_t limit = 16 * mebibyte;
  counting_receiver<Role> receiver{{.max_message_size = limit, .max_control_frames = 0}};
  bytes first =
      frame_to(Role, opcode::binary,
               bytes(hawser::detail::largest_class - sizeof(hawser::detail::block)), false);
  const bytes middle = frame_to(Role, opcode::continuation, bytes(max_relaxed_control_size), false);
  const bytes ping = frame_to(Role, opcode::ping, "ping");
  bytes room(middle.size());
  const allocation_watch watch;
  receiver.feed(first);
  std::size_t size = hawser::detail::largest_class;
  for (; size + max_relaxed_control_size <= limit; size += max_relaxed_control_size) {
    receiver.feed_copy(std::span{ping}.first(ping.size() - 1), room);
    receiver.feed_copy(std::span{ping}.last(1), room);
    receiver.feed_copy(middle, room);
  }
  CHECK(receiver.last() == event_kind::ping);
  CHECK(watch.requested() <= 4 * limit);
  CHECK(watch.peak() <= 3 * limit);
}

BOTH_ROLES("empty fragments hold nothing, and are counted", "[security][receiver][limits]") {
  counting_receiver<Role> receiver;
  const bytes empty = frame_to(Role, opcode::continuation, "", false);
  bytes room(empty.size());
  const allocation_watch watch;
  receiver.feed_copy(frame_to(Role, opcode::text, "", false), room);
  for (std::size_t i = 1; i < limits{}.max_fragments; ++i) receiver.feed_copy(empty, room);
  CHECK(watch.live() == 0);
  CHECK(receiver.events() == 0);
  receiver.feed_copy(empty, room);
  CHECK(receiver.last() == event_kind::failed);
  CHECK(receiver.error() == error::too_many_fragments);
}

BOTH_ROLES("fragments of one byte hold no more than the message", "[security][receiver][limits]") {
  counting_receiver<Role> receiver;
  const bytes tiny = frame_to(Role, opcode::continuation, "x", false);
  bytes room(tiny.size());
  const allocation_watch watch;
  receiver.feed_copy(frame_to(Role, opcode::text, "x", false), room);
  for (std::size_t i = 1; i < limits{}.max_fragments; ++i) receiver.feed_copy(tiny, room);
  CHECK(static_cast<std::size_t>(watch.live()) <= 2 * limits{}.max_fragments + 256);
  CHECK(watch.peak() <= 3 * limits{}.max_fragments + 512);
}

BOTH_ROLES("a failure and a close give the memory back", "[security][receiver]") {
  const allocation_watch watch;
  {
    counting_receiver<Role> receiver;
    receiver.feed(frame_to(Role, opcode::text, std::string(10'000, 'x'), false));
    CHECK(watch.live() > 10'000);
    const std::ptrdiff_t before = watch.live();
    bytes bad = forge_to(Role, {.opcode = 3});
    receiver.feed(bad);
    CHECK(watch.live() < before - 10'000);
    CHECK(receiver.error() == error::reserved_opcode);
  }
  CHECK(watch.live() == 0);
  {
    counting_receiver<Role> receiver;
    receiver.feed(frame_to(Role, opcode::text, std::string(10'000, 'x'), false));
    receiver.feed(frame_to(Role, opcode::close, ""));
    CHECK(watch.live() < 1000);
    CHECK(receiver.last() == event_kind::close);
  }
  CHECK(watch.live() == 0);
}

BOTH_ROLES("the n-th allocation fails, and the receiver goes on as if it had not",
           "[security][receiver][memory]") {
  const bytes input = concat(frame_to(Role, opcode::text, std::string(200, 'a'), false),
                             frame_to(Role, opcode::ping, "cut"),
                             frame_to(Role, opcode::continuation, std::string(3000, 'b')),
                             frame_to(Role, opcode::binary, bytes(500)),
                             frame_to(Role, opcode::close, "\x03\xE8why"));
  const event_log expected = support::receive<Role>(support::cut_each_byte(input));
  for (const std::size_t step : {1U, 2U, 7U, 100U, 1000U, 10'000U}) {
    const auto next = [](auto& receiving, std::byte*& position, std::byte* end) {
      while (true) {
        try {
          return receiving.next(position, end);
        } catch (const std::bad_alloc&) {
        }
      }
    };
    const auto run = [&](std::size_t nth) {
      support::failing_memory memory{nth};
      {
        support::receiving<Role> receiving{{}, nth % 2 == 0, memory.source()};
        for (std::size_t i = 0; i < input.size(); i += step) {
          bytes part = concat(std::span{input}.subspan(i, std::min(step, input.size() - i)));
          std::byte* position = part.data();
          while (const event found = next(receiving, position, part.data() + part.size())) {
            receiving.record(found);
          }
        }
        if (receiving.log() != expected) CHECK(receiving.log() == expected);
      }
      CHECK(memory.live() == 0);
      return memory.has_failed();
    };
    CHECK(support::for_each_failing_allocation(run) > 0);
  }
}

BOTH_ROLES("in steady state nothing is allocated", "[security][receiver][memory]") {
  counting_receiver<Role> receiver{{}, delivery::whole, mebibyte};
  const bytes input =
      concat(frame_to(Role, opcode::text, std::string(16, 'x')),
             frame_to(Role, opcode::binary, bytes(1024)), frame_to(Role, opcode::text, "a", false),
             frame_to(Role, opcode::ping, "ping"), frame_to(Role, opcode::continuation, "b"));
  bytes room(input.size());
  const auto round = [&](std::size_t step) {
    for (std::size_t i = 0; i < input.size(); i += step) {
      receiver.feed_copy(std::span{input}.subspan(i, std::min(step, input.size() - i)), room);
    }
    receiver.get().renew_control_budget();
  };
  round(1);
  const allocation_watch watch;
  for (const std::size_t step : {1U, 10U, 100U, 10'000U}) round(step);
  CHECK(watch.calls() == 0);
  CHECK(receiver.events() == 5 * 4);
}
