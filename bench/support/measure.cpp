#include "support/measure.hpp"

#include "support/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <time.h>
#include <vector>

namespace bench {
namespace {

struct sample {
  double nanoseconds = 0;
  double units = 0;
};

// The time that this thread ran, so that what else runs on the machine counts less.
double thread_nanoseconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Passes of a microsecond, each of which is measured by itself: too short for the thread's clock.
// One that took far longer than most was interrupted, and is left out.
sample run_apart(const contender& who, std::size_t passes) {
  const clock_facts& facts = clock();
  std::vector<sample> taken(passes);
  std::vector<double> times(passes);
  for (std::size_t i = 0; i < passes; ++i) {
    who.prepare();
    const std::uint64_t before = ticks();
    taken[i].units = who.pass();
    const auto took = static_cast<double>(ticks() - before) - facts.ticks_of_a_call;
    times[i] = taken[i].nanoseconds = std::max(took, 1.0) * facts.nanoseconds_per_tick;
  }
  const double longest = 4 * median_of(times);
  sample total;
  for (const sample& each : taken) {
    if (each.nanoseconds > longest) continue;
    total.nanoseconds += each.nanoseconds;
    total.units += each.units;
  }
  return total;
}

sample run(const contender& who, std::size_t passes) {
  if (who.prepare) return run_apart(who, passes);
  sample total;
  const double before = thread_nanoseconds();
  for (std::size_t i = 0; i < passes; ++i) total.units += who.pass();
  total.nanoseconds = thread_nanoseconds() - before;
  return total;
}

// How many passes fill a round. The first pass of all warms caches and is not looked at.
std::size_t passes_for(const contender& who, double nanoseconds) {
  run(who, 1);
  for (std::size_t passes = 1;; passes *= 2) {
    const double before = thread_nanoseconds();
    run(who, passes);
    const double took = thread_nanoseconds() - before;
    if (took >= nanoseconds / 4) {
      const double wanted = static_cast<double>(passes) * nanoseconds / took;
      return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(wanted)));
    }
  }
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
