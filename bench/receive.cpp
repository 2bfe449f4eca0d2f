// receive() and next() of an open connection. Ranges: the least and the largest payload, and the
// size of a read, which is copied before it is parsed, as recv would.

#include "hawser/connection.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/event.hpp"
#include "support/buffer.hpp"
#include "support/text.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace {

void receive(benchmark::State& state, std::optional<bench::script> text) {
  const bench::wire all =
      bench::make_wire(std::size_t{1} << 20, static_cast<std::size_t>(state.range(0)),
                       static_cast<std::size_t>(state.range(1)), text);
  const auto read_size = static_cast<std::size_t>(state.range(2));
  bench::buffer read{read_size};
  hawser::server_endpoint endpoint;
  auto connection = hawser::server_connection::adopt(endpoint, {});
  std::int64_t messages = 0;
  for (auto _ : state) {
    for (std::size_t at = 0; at < all.bytes.size(); at += read_size) {
      const std::size_t size = std::min(read_size, all.bytes.size() - at);
      std::memcpy(read.data(), all.bytes.data() + at, size);
      auto events = connection.receive({read.data(), size});
      while (const hawser::event event = events.next()) {
        if (event.is_message()) ++messages;
      }
    }
  }
  state.SetItemsProcessed(messages);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(all.payloads.size()));
}

void sizes(benchmark::internal::Benchmark* each) {
  each->ArgNames({"least", "most", "read"});
  for (const std::int64_t size : {0, 16, 125, 1000, 65536}) each->Args({size, size, 16384});
  each->Args({8, 24, 16384})->Args({0, 125, 16384})->Args({16384, 16384, 1460});
}

BENCHMARK_CAPTURE(receive, binary, std::nullopt)->Apply(sizes);
BENCHMARK_CAPTURE(receive, ascii, bench::script::ascii)->Apply(sizes);
BENCHMARK_CAPTURE(receive, json, bench::script::json)->Apply(sizes);

}  // namespace
