#include "support/measure.hpp"

#include "support/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {
namespace {

struct sample {
  double nanoseconds = 0;
  double units = 0;
};

sample run(const contender& who, std::size_t passes) {
  const clock_facts& facts = clock();
  sample total;
  if (who.prepare) {
    for (std::size_t i = 0; i < passes; ++i) {
      who.prepare();
      const std::uint64_t before = ticks();
      total.units += who.pass();
      const auto took = static_cast<double>(ticks() - before) - facts.ticks_of_a_call;
      total.nanoseconds += std::max(took, 1.0) * facts.nanoseconds_per_tick;
    }
    return total;
  }
  const std::uint64_t before = ticks();
  for (std::size_t i = 0; i < passes; ++i) total.units += who.pass();
  total.nanoseconds = static_cast<double>(ticks() - before) * facts.nanoseconds_per_tick;
  return total;
}

// How many passes fill a round. The first pass of all warms caches and is not looked at.
std::size_t passes_for(const contender& who, double nanoseconds) {
  run(who, 1);
  std::size_t passes = 1;
  for (;;) {
    const std::uint64_t before = ticks();
    run(who, passes);
    const double took = static_cast<double>(ticks() - before) * clock().nanoseconds_per_tick;
    if (took >= nanoseconds / 4) {
      const double wanted = static_cast<double>(passes) * nanoseconds / took;
      return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(wanted)));
    }
    passes *= 2;
  }
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

std::vector<figure> measure(std::span<const contender> contenders, const effort& effort) {
  const std::size_t count = contenders.size();
  std::vector<std::size_t> passes(count);
  for (std::size_t i = 0; i < count; ++i) {
    passes[i] = passes_for(contenders[i], effort.round_milliseconds * 1e6);
  }
  std::vector<std::vector<double>> taken(count);
  for (std::size_t round = 0; round < effort.rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t who = (i + round) % count;
      const sample one = run(contenders[who], passes[who]);
      taken[who].push_back(one.nanoseconds / one.units);
    }
  }
  std::vector<figure> figures;
  for (const std::vector<double>& each : taken) {
    figures.push_back({median_of(each), *std::min_element(each.begin(), each.end())});
  }
  return figures;
}

}  // namespace bench
