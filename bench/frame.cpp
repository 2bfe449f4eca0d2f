// The codec of frame headers by itself.

#include "hawser/frame.hpp"

#include "hawser/rfc6455.hpp"
#include "support/wire.hpp"

#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {

// Range: the payload's size.
void write_frame_header(benchmark::State& state) {
  std::array<std::byte, hawser::max_frame_header_size> to{};
  hawser::frame_header header{.masked = true};
  for (auto _ : state) {
    header.payload_size = static_cast<std::uint64_t>(state.range(0));
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(hawser::write_frame_header(to.data(), header));
    benchmark::ClobberMemory();
  }
}

// Ranges: the least and the largest payload of frames that lie behind each other.
void parse_frame_header(benchmark::State& state) {
  const bench::wire all =
      bench::make_wire(std::size_t{1} << 16, static_cast<std::size_t>(state.range(0)),
                       static_cast<std::size_t>(state.range(1)));
  std::size_t frames = 0;
  for (auto _ : state) {
    for (std::span<const std::byte> rest{all.bytes}; !rest.empty(); ++frames) {
      const auto found = hawser::parse_frame_header(rest, {});
      rest = rest.subspan(found.size + static_cast<std::size_t>(found.header.payload_size));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(frames));
}

BENCHMARK(write_frame_header)->Arg(125)->Arg(1000)->Arg(70000);
BENCHMARK(parse_frame_header)
    ->Args({0, 0})
    ->Args({16, 16})
    ->Args({0, 125})
    ->Args({0, 1000})
    ->Args({1000, 1000});

}  // namespace
