#pragma once

#include "hawser/adapters/epoll_loop.hpp"
#include "hawser/adapters/uring_loop.hpp"
#include "support/catch.hpp"

#include <system_error>

// Tests that run on each loop.
namespace hawser {

// A kernel may have no io_uring, or not let everybody use it: then all that can be looked at is
// that the loop says so.
template <class Loop>
bool runs_here() {
  return true;
}
template <>
inline bool runs_here<uring_loop>() {
  try {
    const uring_loop loop;
    return true;
  } catch (const std::system_error& refused) {
    WARN("no io_uring here, nothing of it is tested: " << refused.what());
    CHECK((refused.code() == std::errc::function_not_supported ||
           refused.code() == std::errc::operation_not_permitted ||
           refused.code() == std::errc::permission_denied ||
           refused.code() == std::errc::invalid_argument));
    return false;
  }
}

}  // namespace hawser
