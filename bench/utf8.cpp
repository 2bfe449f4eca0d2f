// Validation of text that does not repeat, alone and fused with unmasking. Ranges: the size of a
// message, which is cut where the code point before it ends, and the script.

#include "hawser/utf8.hpp"

#include "hawser/mask.hpp"
#include "support/buffer.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace {

// Goes through a text, message by message, and again from the front.
class reader {
 public:
  explicit reader(benchmark::State& state)
      : text_{bench::text_of(static_cast<bench::script>(state.range(1)))},
        size_{static_cast<std::size_t>(state.range(0))} {
    state.SetLabel(std::string{bench::name_of(static_cast<bench::script>(state.range(1)))});
  }

  std::span<const std::byte> next() {
    if (at_ + size_ > text_.size()) at_ = 0;
    const std::size_t begin = at_;
    at_ = bench::cut_text(text_, begin, size_);
    read_ += at_ - begin;
    return std::as_bytes(std::span{text_}).subspan(begin, at_ - begin);
  }
  std::int64_t bytes_read() const { return static_cast<std::int64_t>(read_); }

 private:
  const std::string& text_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::size_t read_ = 0;
};

void is_utf8(benchmark::State& state) {
  reader text{state};
  for (auto _ : state) {
    if (!hawser::is_utf8(text.next())) state.SkipWithError("this is UTF-8");
  }
  state.SetBytesProcessed(text.bytes_read());
}

void unmask_utf8(benchmark::State& state) {
  reader text{state};
  bench::buffer to{static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    const std::span<const std::byte> from = text.next();
    hawser::utf8_state checked;
    auto key = hawser::masking_key::from_memory(0x01010101);  // leaves it UTF-8
    if (hawser::unmask_utf8(checked, to.data(), from, key) != from.size()) {
      state.SkipWithError("this is UTF-8");
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(text.bytes_read());
}

void mask_copy_then_is_utf8(benchmark::State& state) {
  reader text{state};
  bench::buffer to{static_cast<std::size_t>(state.range(0))};
  const auto key = hawser::masking_key::from_memory(0x01010101);
  for (auto _ : state) {
    const std::span<const std::byte> from = text.next();
    hawser::mask_copy(to.data(), from, key);
    if (!hawser::is_utf8(std::span{to.data(), from.size()})) {
      state.SkipWithError("this is UTF-8");
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(text.bytes_read());
}

void sizes(benchmark::internal::Benchmark* each) {
  for (std::int64_t kind = 0; kind < static_cast<std::int64_t>(bench::scripts.size()); ++kind) {
    for (const std::int64_t size : {16, 64, 125, 1000, 16 << 10, 64 << 10, 1 << 20}) {
      each->Args({size, kind});
    }
  }
}

BENCHMARK(is_utf8)->Apply(sizes);
BENCHMARK(unmask_utf8)->Apply(sizes);
BENCHMARK(mask_copy_then_is_utf8)->Apply(sizes);

}  // namespace
