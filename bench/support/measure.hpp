#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace bench {

/// One of several that do the same work.
struct contender {
  std::string name;
  /// Does the work once, and returns how many units it was: messages, or bytes.
  std::function<double()> pass;
  /// What comes before each pass and is not measured, such as fresh bytes. May be empty.
  std::function<void()> prepare = {};
};

/// Nanoseconds for a unit.
struct figure {
  double median = 0;
  double least = 0;
};

/// How long is measured.
struct effort {
  std::size_t rounds = 31;
  double round_milliseconds = 4;
};

/// Runs the contenders in turns, so that what disturbs the machine disturbs all of them: in each
/// round each of them, in an order that changes, for about the same time.
std::vector<figure> measure(std::span<const contender> contenders, const effort& effort);

}  // namespace bench
