#pragma once

#include "hawser/time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

namespace demo {

/// What a connection is for: the path of its request says so.
enum class service : std::uint8_t { none, echo, chat, ticker };

inline service service_at(std::string_view path) {
  if (path == "/echo") return service::echo;
  if (path == "/chat") return service::chat;
  if (path == "/ticker") return service::ticker;
  return service::none;
}

inline std::string_view path_of(service which) {
  constexpr std::string_view paths[] = {"", "/echo", "/chat", "/ticker"};
  return paths[static_cast<std::size_t>(which)];
}

/// So many at once, and then so many a second.
class allowance {
 public:
  [[nodiscard]] bool take(hawser::time_point now) {
    const double passed = static_cast<double>((now - last_).nanoseconds()) * 1e-9;
    left_ = std::min(at_once, left_ + passed * a_second);
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double at_once = 10;
  static constexpr double a_second = 4;

  double left_ = at_once;
  hawser::time_point last_;
};

/// What the server keeps of each connection.
struct session {
  service uses = service::none;
  std::string name;  // in the chat; empty before it is joined
  allowance writes;
};

/// A line of the log, with the time before it.
inline void log(std::string_view line) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  ::localtime_r(&now, &local);
  std::cout << std::put_time(&local, "%H:%M:%S ") << line << std::endl;
}

/// What a peer wrote, as it may stand in a log: nothing in it can end the line, or colour it.
inline std::string printable(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string result{text.substr(0, longest)};
  std::replace_if(result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

}  // namespace demo
