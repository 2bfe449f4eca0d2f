#include "hawser/system_entropy.hpp"

#include "hawser/entropy.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hawser;
using support::bytes;

namespace {

using draw = std::array<std::byte, 32>;

// What a child process of this one draws. A grandchild's where `depth` is 2.
draw draw_in_child(entropy& random, int depth) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  draw drawn{};
  if (child == 0) {
    if (depth > 1 && ::fork() != 0) {
      int status = 0;
      ::wait(&status);
      ::_exit(0);
    }
    random.take(drawn);
    const bool is_written = ::write(ends[1], drawn.data(), drawn.size()) == ssize_t{drawn.size()};
    ::_exit(is_written ? 0 : 1);
  }
  ::close(ends[1]);
  const ssize_t size = ::read(ends[0], drawn.data(), drawn.size());
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(size == static_cast<ssize_t>(drawn.size()));
  return drawn;
}

}  // namespace

TEST_CASE("the system fills any size, and no more", "[system_entropy]") {
  const support::guarded_pages pages{1000};
  for (const std::size_t size : {0U, 1U, 16U, 255U, 256U, 257U, 512U, 1000U}) {
    CAPTURE(size);
    for (const auto to : {pages.at_end(size), pages.at_start(size)}) {
      std::fill(to.begin(), to.end(), std::byte{0});
      detail::fill_from_system(nullptr, to);
      // By chance one byte of 256 stays zero: half of them never do.
      const auto zeros = std::count(to.begin(), to.end(), std::byte{0});
      if (size >= 16) CHECK(static_cast<std::size_t>(zeros) < size / 2);
    }
  }
}

TEST_CASE("the system gives other bytes each time", "[system_entropy]") {
  draw one{};
  draw two{};
  detail::fill_from_system(nullptr, one);
  detail::fill_from_system(nullptr, two);
  CHECK(one != two);
}

TEST_CASE("after a fork the child draws anew", "[system_entropy][entropy][security]") {
  entropy random;
  draw before{};
  random.take(before);  // 224 bytes are left, which the child has as well
  const draw in_child = draw_in_child(random, 1);
  const draw in_another = draw_in_child(random, 1);
  const draw in_grandchild = draw_in_child(random, 2);
  draw after{};
  random.take(after);
  const std::array all{before, in_child, in_another, in_grandchild, after};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) CHECK(all[i] != all[j]);
  }
}

TEST_CASE("a fork before the first draw is noticed as well",
          "[system_entropy][entropy][security]") {
  entropy random;
  const draw in_child = draw_in_child(random, 1);
  draw here{};
  random.take(here);
  CHECK(here != in_child);
}
