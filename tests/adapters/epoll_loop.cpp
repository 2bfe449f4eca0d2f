#include "hawser/adapters/epoll_loop.hpp"

#include "support/catch.hpp"

#include <array>
#include <cstdint>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace hawser;

namespace {

class watched final : public epoll_source {
 public:
  int ready = 0;

 private:
  void on_ready(std::uint32_t /*events*/) override { ++ready; }
  void on_deadline() override {}
  void on_flush() override {}
  void on_retired() override {}
};

}  // namespace

TEST_CASE("what is not watched says nothing, not even that it is gone", "[epoll_loop]") {
  epoll_loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  watched source;
  REQUIRE(loop.watch(source, ends[0], 0));
  ::close(ends[1]);
  loop.poll(duration::milliseconds(5));
  loop.poll(duration::milliseconds(5));
  CHECK(source.ready == 2);
  loop.unwatch(source, ends[0]);
  loop.poll(duration::milliseconds(5));
  CHECK(source.ready == 2);
  loop.remove(source, ends[0]);
  ::close(ends[0]);
}
