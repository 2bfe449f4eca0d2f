// Masking: in place and while copying, at any alignment.

#include "hawser/mask.hpp"

#include "support/bound.hpp"
#include "support/buffer.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>

namespace {

constexpr auto key = hawser::masking_key::from_memory(0x57E13C9A);

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// Ranges: size, bytes behind alignment.
void mask(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  bench::buffer bytes{size, static_cast<std::size_t>(state.range(1))};
  for (auto _ : state) {
    benchmark::DoNotOptimize(hawser::mask({bytes.data(), size}, key));
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void mask_copy(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto offset = static_cast<std::size_t>(state.range(1));
  bench::buffer from{size, offset};
  bench::buffer to{size, offset / 2};
  for (auto _ : state) {
    benchmark::DoNotOptimize(hawser::mask_copy(to.data(), {from.data(), size}, key));
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void read_modify_write_bound(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  bench::buffer bytes{size};
  for (auto _ : state) {
    bench::flip(bytes.data(), size);
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void sizes(benchmark::internal::Benchmark* each) {
  for (const std::int64_t size : {1, 4, 16, 33, 64, 90, 125, 256, 1000}) each->Args({size, 2});
  for (const std::int64_t size : {4 << 10, 16 << 10, 64 << 10, 1 << 20, 64 << 20}) {
    each->Args({size, 0})->Args({size, 13});
  }
}

BENCHMARK(mask)->Apply(sizes);
BENCHMARK(mask_copy)->Apply(sizes);
BENCHMARK(read_modify_write_bound)
    ->Arg(4 << 10)
    ->Arg(16 << 10)
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Arg(64 << 20);

}  // namespace
