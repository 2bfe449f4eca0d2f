// send_binary() and send_text() of an open connection. Ranges: the payload's size, and how many
// messages wait before the output is taken.

#include "hawser/connection.hpp"
#include "hawser/endpoint.hpp"
#include "support/text.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

template <class Endpoint, class Connection>
void send(benchmark::State& state) {
  Endpoint endpoint;
  auto connection = Connection::adopt(endpoint, {});
  static_cast<void>(connection.receive({}).next());
  const std::string_view payload = std::string_view{bench::text_of(bench::script::ascii)}.substr(
      0, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(1); ++i) {
      connection.send_binary(std::as_bytes(std::span{payload}));
    }
    benchmark::DoNotOptimize(connection.output().front().data());
    connection.consume_output(connection.output_size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

template <class Endpoint, class Connection>
void send_text(benchmark::State& state) {
  Endpoint endpoint;
  auto connection = Connection::adopt(endpoint, {});
  static_cast<void>(connection.receive({}).next());
  const std::string_view payload = std::string_view{bench::text_of(bench::script::ascii)}.substr(
      0, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(1); ++i) connection.send_text(payload);
    benchmark::DoNotOptimize(connection.output().front().data());
    connection.consume_output(connection.output_size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

void sizes(benchmark::internal::Benchmark* each) {
  each->ArgNames({"size", "waiting"});
  for (const std::int64_t size : {16, 125, 1000, 65536}) each->Args({size, 1})->Args({size, 16});
}

BENCHMARK(send<hawser::server_endpoint, hawser::server_connection>)->Apply(sizes);
BENCHMARK(send<hawser::client_endpoint, hawser::client_connection>)->Apply(sizes);
BENCHMARK(send_text<hawser::server_endpoint, hawser::server_connection>)->Apply(sizes);
BENCHMARK(send_text<hawser::client_endpoint, hawser::client_connection>)->Apply(sizes);

}  // namespace
