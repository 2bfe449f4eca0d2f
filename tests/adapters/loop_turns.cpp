#include "hawser/adapters/loop_turns.hpp"

#include "hawser/adapters/epoll_loop.hpp"
#include "hawser/adapters/uring_loop.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/loops.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <poll.h>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace hawser;

namespace {

time_point now() { return std::chrono::steady_clock::now(); }

// A pipe that is watched for input.
template <class Loop>
class source final : public Loop::source_type {
 public:
  explicit source(Loop& loop) : loop_{&loop} {
    REQUIRE(::pipe(ends_.data()) == 0);
    REQUIRE(loop.watch(*this, ends_[0], EPOLLIN));
  }
  source(const source&) = delete;
  source& operator=(const source&) = delete;
  ~source() {
    loop_->remove(*this, ends_[0]);
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void make_ready() { REQUIRE(::write(ends_[1], "x", 1) == 1); }
  void retire() {
    loop_->forget(*this, ends_[0]);
    loop_->retire(*this);
  }

  std::function<void()> ready = [] {};
  std::function<void()> flush = [] {};
  std::function<void()> deadline = [] {};
  int ready_count = 0;
  int deadline_count = 0;
  int flush_count = 0;
  int retired_count = 0;

 private:
  void on_ready(std::uint32_t) override {
    char byte = 0;
    ready_count += static_cast<int>(::read(ends_[0], &byte, 1));
    ready();
  }
  void on_deadline() override {
    ++deadline_count;
    deadline();
  }
  void on_flush() override {
    ++flush_count;
    flush();
  }
  void on_retired() override { ++retired_count; }

  Loop* loop_;
  std::array<int, 2> ends_{};
};

// What a foreign loop does: polls until the deadlines are in the future. The kernel then knows what
// is watched.
template <class Loop>
void catch_up(Loop& loop) {
  for (int i = 0; i < 10 && loop.next_deadline() <= now(); ++i) loop.poll(duration{});
}

bool is_readable(int descriptor) {
  ::pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "a loop calls a source that is ready, and its descriptor tells a foreign loop so",
    "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> watched{loop};
  catch_up(loop);
  CHECK_FALSE(is_readable(loop.descriptor()));
  watched.make_ready();
  CHECK(is_readable(loop.descriptor()));
  loop.poll(duration{});
  CHECK(watched.ready_count == 1);
  catch_up(loop);
  CHECK_FALSE(is_readable(loop.descriptor()));
  loop.poll(duration{});
  CHECK(watched.ready_count == 1);
}

TEMPLATE_TEST_CASE("a loop waits for the next deadline and no longer", "[loop_turns]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> watched{loop};
  catch_up(loop);
  CHECK(loop.next_deadline() == time_point::max());
  const time_point deadline = now() + duration::milliseconds(50);
  loop.set_deadline(watched, deadline);
  CHECK(loop.next_deadline() >= deadline);
  int turns = 0;
  while (watched.deadline_count == 0 && turns < 1000) {
    loop.poll(duration::seconds(10));
    ++turns;
  }
  CHECK(watched.deadline_count == 1);
  CHECK(now() >= deadline);
  CHECK(now() < deadline + duration::seconds(5));
  CHECK(turns < 50);  // a signal may end a wait
}

TEMPLATE_TEST_CASE("poll returns after the longest wait where nothing happens", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  const time_point begin = now();
  int turns = 0;
  do {
    loop.poll(duration::milliseconds(20));
  } while (++turns < 5 && now() - begin < duration::milliseconds(19));  // a signal may end a wait
  CHECK(now() - begin >= duration::milliseconds(19));
}

TEMPLATE_TEST_CASE("what is to be flushed is flushed once, at the end of the turn", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> first{loop};
  source<TestType> second{loop};
  first.ready = [&] {
    loop.flush_later(second);
    loop.flush_later(first);
    loop.flush_later(second);
    CHECK(second.flush_count == 0);
  };
  first.make_ready();
  loop.poll(duration::seconds(1));
  CHECK(first.flush_count == 1);
  CHECK(second.flush_count == 1);
  loop.poll(duration{});
  CHECK(second.flush_count == 1);
  loop.flush_later(second);
  CHECK(loop.next_deadline() == time_point::min());
  loop.poll(duration::seconds(10));  // does not wait
  CHECK(second.flush_count == 2);
}

TEMPLATE_TEST_CASE("who asks again while it is flushed is flushed in the next turn", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> asking{loop};
  asking.flush = [&] { loop.flush_later(asking); };
  loop.flush_later(asking);
  loop.poll(duration{});
  CHECK(asking.flush_count == 1);
  CHECK(loop.next_deadline() == time_point::min());
  loop.poll(duration::seconds(10));  // does not wait
  CHECK(asking.flush_count == 2);
}

TEMPLATE_TEST_CASE("what is retired is flushed no more, though it asked for it", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> last{loop};
  last.flush = [&] {
    loop.flush_later(last);
    last.retire();
  };
  loop.flush_later(last);
  for (int i = 0; i < 10 && last.retired_count == 0; ++i) loop.poll(duration::milliseconds(10));
  CHECK(last.flush_count == 1);
  CHECK(last.retired_count == 1);
}

TEMPLATE_TEST_CASE("sources go in any order, before others are flushed and meanwhile",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr std::size_t count = 60;
  const bool meanwhile = GENERATE(false, true);
  CAPTURE(meanwhile);
  TestType loop;
  std::vector<std::unique_ptr<source<TestType>>> sources(count);
  for (auto& each : sources) each = std::make_unique<source<TestType>>(loop);
  source<TestType> first{loop};
  const auto is_retired = [](std::size_t i) { return i % 3 == 1; };
  const auto let_go = [&] {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = i * 37 % count;  // each once
      if (at % 3 == 0) sources[at].reset();
      if (is_retired(at)) sources[at]->retire();
    }
  };
  if (meanwhile) first.flush = let_go;
  for (auto& each : sources) loop.flush_later(*each);
  loop.flush_later(first);  // before those that asked before it
  if (!meanwhile) let_go();
  for (int i = 0; i < 10; ++i) loop.poll(duration::milliseconds(1));
  CHECK(first.flush_count == 1);
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    if (sources[i] == nullptr) continue;
    CHECK(sources[i]->flush_count == (is_retired(i) ? 0 : 1));
    CHECK(sources[i]->retired_count == (is_retired(i) ? 1 : 0));
  }
}

TEMPLATE_TEST_CASE("what throws while it is flushed keeps no other from it", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> other{loop};
  source<TestType> throwing{loop};
  throwing.flush = [] { throw 1; };
  loop.flush_later(other);
  loop.flush_later(throwing);
  CHECK_THROWS_AS(loop.poll(duration{}), int);
  CHECK(other.flush_count == 0);
  CHECK(loop.next_deadline() == time_point::min());
  loop.poll(duration::seconds(10));  // does not wait
  CHECK(other.flush_count == 1);
  CHECK(throwing.flush_count == 1);
}

TEMPLATE_TEST_CASE("what has flushed already is not asked to, where nobody asked after it",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> first{loop};
  source<TestType> second{loop};
  SECTION("the last that asked is spared, and may ask again") {
    loop.flush_later(first);
    loop.flush_later(second);
    loop.has_flushed(second);
    loop.poll(duration{});
    CHECK(first.flush_count == 1);
    CHECK(second.flush_count == 0);
    loop.flush_later(second);
    loop.poll(duration{});
    CHECK(second.flush_count == 1);
  }
  SECTION("an earlier one is asked all the same") {
    loop.flush_later(first);
    loop.flush_later(second);
    loop.has_flushed(first);
    loop.poll(duration{});
    CHECK(first.flush_count == 1);
    CHECK(second.flush_count == 1);
  }
  SECTION("who did not ask is no matter") {
    loop.has_flushed(first);
    loop.poll(duration{});
    CHECK(first.flush_count == 0);
  }
}

TEMPLATE_TEST_CASE("what is retired is told after the turn, and what is removed never",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> retired{loop};
  retired.ready = [&] {
    retired.retire();
    CHECK(retired.retired_count == 0);
  };
  retired.make_ready();
  for (int i = 0; i < 10 && retired.retired_count == 0; ++i) loop.poll(duration::seconds(1));
  CHECK(retired.retired_count == 1);
  {
    source<TestType> removed{loop};
    loop.flush_later(retired);
    loop.flush_later(removed);
    loop.retire(removed);
    loop.set_deadline(removed, time_point::min());
  }
  loop.poll(duration{});
  CHECK(retired.flush_count == 1);
}

TEMPLATE_TEST_CASE("tasks that other threads post run in the loop's thread, in their order",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int thread_count = 4;
  constexpr int tasks_each = 500;
  TestType loop;
  const std::thread::id self = std::this_thread::get_id();
  std::array<int, thread_count> last{};
  int strangers = 0;
  int disordered = 0;
  int run = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= tasks_each; ++i) {
        loop.post([&, t, i] {
          strangers += std::this_thread::get_id() != self;
          disordered += last[t] != i - 1;
          last[t] = i;
          if (++run == thread_count * tasks_each) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& each : threads) each.join();
  CHECK(run == thread_count * tasks_each);
  CHECK(strangers == 0);
  CHECK(disordered == 0);
}

TEMPLATE_TEST_CASE("a loop that was stopped before it runs stops, and can run again",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  int run = 0;
  loop.stop();
  loop.run();
  loop.post([&] {
    ++run;
    loop.stop();
  });
  loop.run();
  CHECK(run == 1);
}

TEMPLATE_TEST_CASE("a task may post another, which runs in the next turn", "[loop_turns]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  int run = 0;
  loop.post([&] {
    ++run;
    loop.post([&] { ++run; });
  });
  loop.poll(duration::seconds(10));
  CHECK(run == 1);
  loop.poll(duration::seconds(10));
  CHECK(run == 2);
}

TEMPLATE_TEST_CASE("a task that throws keeps none from running", "[loop_turns]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  std::vector<int> run;
  loop.post([&] {
    run.push_back(1);
    loop.post([&] { run.push_back(4); });
    throw 1;
  });
  loop.post([&] {
    run.push_back(2);
    throw 2;
  });
  loop.post([&] { run.push_back(3); });
  CHECK_THROWS_AS(loop.poll(duration::seconds(10)), int);
  CHECK(loop.next_deadline() == time_point::min());
  CHECK_THROWS_AS(loop.poll(duration::seconds(10)), int);
  loop.poll(duration::seconds(10));  // does not wait
  CHECK(run == std::vector<int>{1, 2, 3, 4});
  catch_up(loop);
  CHECK(loop.next_deadline() == time_point::max());
}

TEMPLATE_TEST_CASE("tasks that are posted run also where a handler of that turn throws",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  std::array<source<TestType>, 3> throwing{source<TestType>{loop}, source<TestType>{loop},
                                           source<TestType>{loop}};
  int thrown = 0;
  int run = 0;
  for (source<TestType>& each : throwing) {
    each.ready = [] { throw 1; };
    each.make_ready();
  }
  loop.post([&] { ++run; });
  for (int i = 0; i < 20 && run == 0; ++i) {
    try {
      loop.poll(duration::seconds(1));  // none of them waits
    } catch (int) {
      ++thrown;
    }
  }
  CHECK(run == 1);
  CHECK(thrown == 3);
}

TEMPLATE_TEST_CASE("a deadline that throws keeps no other from coming", "[loop_turns]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> first{loop};
  source<TestType> second{loop};
  source<TestType> third{loop};
  catch_up(loop);
  for (source<TestType>* each : {&first, &second, &third}) {
    each->deadline = [] { throw 1; };
    loop.set_deadline(*each, now());
  }
  int thrown = 0;
  for (int i = 0; i < 20 && thrown < 3; ++i) {
    try {
      loop.poll(duration::milliseconds(100));
    } catch (int) {
      ++thrown;
    }
  }
  CHECK(thrown == 3);
  CHECK(first.deadline_count == 1);
  CHECK(second.deadline_count == 1);
  CHECK(third.deadline_count == 1);
}

TEMPLATE_TEST_CASE("a wait whose end is past is none, and one may be as long as there are",
                   "[loop_turns]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  catch_up(loop);
  int run = 0;
  SECTION("past") {
    std::promise<void> done;
    std::thread rescue{[&] {
      if (done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready) return;
      loop.post([&] { ++run; });
    }};
    loop.poll(duration::milliseconds(-20));
    loop.poll(now() - (now() + duration::seconds(5)));
    done.set_value();
    rescue.join();
    CHECK(run == 0);
  }
  SECTION("more milliseconds than an int holds") {
    std::thread late{[&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      loop.post([&] { ++run; });
    }};
    int turns = 0;
    while (run == 0) {
      loop.poll(duration::milliseconds(std::int64_t{1} << 32));
      ++turns;
    }
    late.join();
    CHECK(turns < 10);  // a signal may end a wait
  }
}

TEMPLATE_TEST_CASE("what is retired takes no memory for it", "[loop_turns]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  source<TestType> retired{loop};
  source<TestType> other{loop};
  {
    const support::failing_allocation failing{1};
    retired.retire();
    other.retire();
    CHECK_FALSE(failing.has_failed());
  }
  loop.flush_later(retired);  // which it is not
  for (int i = 0; i < 10 && retired.retired_count == 0; ++i) loop.poll(duration::milliseconds(10));
  CHECK(retired.retired_count == 1);
  CHECK(other.retired_count == 1);
  CHECK(retired.flush_count == 0);
  {
    source<TestType> gone{loop};
    gone.retire();
    other.retire();
  }
  for (int i = 0; i < 10 && other.retired_count == 1; ++i) loop.poll(duration::milliseconds(10));
  CHECK(other.retired_count == 2);
}
