#include "hawser/adapters/epoll_loop.hpp"

#include "support/catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <poll.h>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace hawser;

namespace {

time_point now() { return std::chrono::steady_clock::now(); }

// A pipe that is watched for input.
class source final : public epoll_source {
 public:
  explicit source(epoll_loop& loop) : loop_{&loop} {
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

  std::function<void()> ready = [] {};
  std::function<void()> flush = [] {};
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
  void on_deadline() override { ++deadline_count; }
  void on_flush() override {
    ++flush_count;
    flush();
  }
  void on_retired() override { ++retired_count; }

  epoll_loop* loop_;
  std::array<int, 2> ends_{};
};

bool is_readable(int descriptor) {
  ::pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a loop calls a source that is ready, and its descriptor tells a foreign loop so",
          "[epoll_loop]") {
  epoll_loop loop;
  source watched{loop};
  CHECK_FALSE(is_readable(loop.descriptor()));
  watched.make_ready();
  CHECK(is_readable(loop.descriptor()));
  loop.poll(duration{});
  CHECK(watched.ready_count == 1);
  CHECK_FALSE(is_readable(loop.descriptor()));
  loop.poll(duration{});
  CHECK(watched.ready_count == 1);
}

TEST_CASE("a loop waits for the next deadline and no longer", "[epoll_loop]") {
  epoll_loop loop;
  source watched{loop};
  CHECK(loop.next_deadline() == time_point::max());
  const time_point deadline = now() + duration::milliseconds(50);
  loop.set_deadline(watched, deadline);
  CHECK(loop.next_deadline() >= deadline);
  int turns = 0;
  while (watched.deadline_count == 0 && turns < 10) {
    loop.poll(duration::seconds(10));
    ++turns;
  }
  CHECK(watched.deadline_count == 1);
  CHECK(now() >= deadline);
  CHECK(now() < deadline + duration::seconds(5));
  CHECK(turns <= 2);
}

TEST_CASE("poll returns after the longest wait where nothing happens", "[epoll_loop]") {
  epoll_loop loop;
  const time_point begin = now();
  loop.poll(duration::milliseconds(20));
  CHECK(now() - begin >= duration::milliseconds(19));
}

TEST_CASE("what is to be flushed is flushed once, at the end of the turn", "[epoll_loop]") {
  epoll_loop loop;
  source first{loop};
  source second{loop};
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

TEST_CASE("who asks again while it is flushed is flushed in the next turn", "[epoll_loop]") {
  epoll_loop loop;
  source asking{loop};
  asking.flush = [&] { loop.flush_later(asking); };
  loop.flush_later(asking);
  loop.poll(duration{});
  CHECK(asking.flush_count == 1);
  CHECK(loop.next_deadline() == time_point::min());
  loop.poll(duration::seconds(10));  // does not wait
  CHECK(asking.flush_count == 2);
}

TEST_CASE("what is retired is flushed no more, though it asked for it", "[epoll_loop]") {
  epoll_loop loop;
  source last{loop};
  last.flush = [&] {
    loop.flush_later(last);
    loop.retire(last);
  };
  loop.flush_later(last);
  loop.poll(duration{});
  loop.poll(duration{});
  CHECK(last.flush_count == 1);
  CHECK(last.retired_count == 1);
}

TEST_CASE("what throws while it is flushed keeps no other from it", "[epoll_loop]") {
  epoll_loop loop;
  source other{loop};
  source throwing{loop};
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

TEST_CASE("what has flushed already is not asked to, where nobody asked after it", "[epoll_loop]") {
  epoll_loop loop;
  source first{loop};
  source second{loop};
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

TEST_CASE("what is retired is told after the turn, and what is removed never", "[epoll_loop]") {
  epoll_loop loop;
  source retired{loop};
  retired.ready = [&] {
    loop.retire(retired);
    CHECK(retired.retired_count == 0);
  };
  retired.make_ready();
  loop.poll(duration::seconds(1));
  CHECK(retired.retired_count == 1);
  {
    source removed{loop};
    loop.flush_later(retired);
    loop.flush_later(removed);
    loop.retire(removed);
    loop.set_deadline(removed, time_point::min());
  }
  loop.poll(duration{});
  CHECK(retired.flush_count == 1);
}

TEST_CASE("tasks that other threads post run in the loop's thread, in their order",
          "[epoll_loop]") {
  constexpr int thread_count = 4;
  constexpr int tasks_each = 500;
  epoll_loop loop;
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

TEST_CASE("a loop that was stopped before it runs stops, and can run again", "[epoll_loop]") {
  epoll_loop loop;
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

TEST_CASE("a task may post another, which runs in the next turn", "[epoll_loop]") {
  epoll_loop loop;
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
