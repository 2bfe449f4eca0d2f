#pragma once

#include "demo/session.hpp"
#include "hawser/adapters/epoll_loop.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <random>
#include <sstream>
#include <string>
#include <sys/socket.h>

namespace demo {

/// A number that changes ten times a second, told to all who listen: "COUNT VALUE LISTENERS". The
/// value wanders between 0 and 100.
template <class Server>
class ticker final : private hawser::epoll_source {
 public:
  explicit ticker(Server& server) : server_{&server} { server_->loop().set_deadline(*this, next_); }
  ~ticker() { server_->loop().set_deadline(*this, hawser::time_point::max()); }

  /// The system is not to keep much unsent for a listener: what waits there is old, too.
  static void on_open(auto& peer) {
    const int most_unsent = 1024;
    ::setsockopt(peer.descriptor(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_unsent,
                 sizeof most_unsent);
  }

 private:
  static constexpr hawser::duration period = hawser::duration::milliseconds(100);

  void on_deadline() override {
    const hawser::time_point now = server_->loop().now();
    next_ = std::max(now, next_ + period);  // where the machine stood still, nothing is made up for
    server_->loop().set_deadline(*this, next_);
    wander();
    tell();
  }
  void on_ready(std::uint32_t /*events*/) override {}
  void on_flush() override {}
  void on_retired() override {}

  void wander() {
    constexpr double step = 2.4;
    constexpr double pull = 0.012;  // back to the middle
    ++count_;
    value_ += std::normal_distribution{0.0, step}(random_) + (50 - value_) * pull;
    value_ = std::clamp(value_, 0.0, 100.0);
  }

  void tell() {
    std::ostringstream line;
    line << count_ << ' ' << std::fixed << std::setprecision(2) << value_ << ' ' << listeners_;
    const std::string text = line.str();
    std::size_t listeners = 0;
    server_->for_each([&](auto& peer) {
      if (peer.session().uses != service::ticker) return;
      ++listeners;
      // A slow reader gets fewer numbers, and not older ones: while its last ones wait here, it is
      // left out. Neither its picture nor this server's memory fills up with the past; it sees by
      // the gap in the count what it missed.
      constexpr std::size_t most_waiting = 64;
      if (peer->buffered_amount() < most_waiting) peer->send_text(text);
    });
    listeners_ = listeners;
  }

  Server* server_;
  hawser::time_point next_ = server_->loop().now() + period;
  std::mt19937 random_{std::random_device{}()};
  std::uint64_t count_ = 0;
  double value_ = 50;
  std::size_t listeners_ = 0;
};

}  // namespace demo
