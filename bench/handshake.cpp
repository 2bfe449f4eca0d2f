// The opening handshake: a server's whole life up to it, and the parts of that.

#include "hawser/connection.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/handshake_key.hpp"
#include "support/buffer.hpp"
#include "support/wire.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstring>
#include <string>

namespace {

void open_server(benchmark::State& state) {
  const std::string& request = bench::chrome_request();
  hawser::server_endpoint endpoint;
  bench::buffer read{request.size()};
  for (auto _ : state) {
    hawser::server_connection connection{endpoint};
    std::memcpy(read.data(), request.data(), request.size());
    auto events = connection.receive({read.data(), request.size()});
    while (events.next()) {
    }
    if (!connection.is_open()) state.SkipWithError("it did not open");
    connection.consume_output(connection.output_size());
  }
}

void ask_client(benchmark::State& state) {
  hawser::client_endpoint endpoint;
  for (auto _ : state) {
    hawser::client_connection connection{endpoint, {.url = "ws://chat.example.com/chat"}};
    benchmark::DoNotOptimize(connection.output().front().data());
    connection.consume_output(connection.output_size());
    connection.abort();
  }
}

void make_accept_key(benchmark::State& state) {
  std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(hawser::make_accept_key(key));
  }
}

BENCHMARK(open_server);
BENCHMARK(ask_client);
BENCHMARK(make_accept_key);

}  // namespace
