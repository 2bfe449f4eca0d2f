#include "support/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace bench {
namespace {

clock_facts measure_clock() {
  using steady = std::chrono::steady_clock;
  clock_facts facts;
  const auto start = steady::now();
  const std::uint64_t first = ticks();
  while (steady::now() - start < std::chrono::milliseconds{20}) {
  }
  const std::uint64_t last = ticks();
  const std::chrono::duration<double, std::nano> passed = steady::now() - start;
  facts.nanoseconds_per_tick = passed.count() / static_cast<double>(last - first);

  std::vector<std::uint64_t> apart(1001);
  for (std::uint64_t& each : apart) {
    const std::uint64_t before = ticks();
    each = ticks() - before;
  }
  std::sort(apart.begin(), apart.end());
  facts.ticks_of_a_call = static_cast<double>(apart[apart.size() / 2]);
  return facts;
}

}  // namespace

const clock_facts& clock() {
  static const clock_facts facts = measure_clock();
  return facts;
}

}  // namespace bench
