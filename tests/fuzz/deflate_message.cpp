// Compressed payloads, inflated and made. What is asserted stands in README.md.
//
// Input: a kind (1 byte: its lowest bit 0 inflates what follows, 1 compresses it; the next one sets
// whether the window is kept; then two for the limit, and two for that of the ratio), settings (1),
// how many bytes of cuts (1), the cuts, then payloads, each behind its size in two bytes.

#include "hawser/deflate_message.hpp"

#include "hawser/gathered_message.hpp"
#include "support/deflating.hpp"
#include "support/fuzzing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using hawser::error;
using support::require;

struct task {
  bool keeps_window = true;
  std::uint64_t limit = 0;
  std::uint32_t max_ratio = 0;
  hawser::deflate_settings settings = {};
  std::string_view cuts = {};
  std::vector<std::string_view> payloads = {};
};

// What comes of the payloads, one line each, up to the first that is wrong.
support::fuzz_log inflate(const task& todo, bool is_cut, bool is_in_bytes) {
  support::message_inflater<> inflater{{.max_size = todo.limit, .max_ratio = todo.max_ratio}};
  support::fuzz_log all;
  for (const std::string_view payload : todo.payloads) {
    if (!todo.keeps_window) inflater.restart(15);
    inflater.begin();
    std::vector<std::string_view> parts{payload};
    if (is_cut) parts = support::cut_by(payload, todo.cuts);
    if (is_in_bytes) parts = support::cut_each(payload);
    error wrong = error::none;
    for (const std::string_view part : parts) {
      const support::exact_copy bytes{part};
      if (wrong == error::none) wrong = inflater.add(bytes.text());
    }
    if (wrong == error::none) wrong = inflater.finish();
    require(todo.limit == 0 || inflater.text().size() <= todo.limit, "the limit holds");
    require(inflater.text().size() <= 1032 * (payload.size() + 4) + 300, "as DEFLATE can grow");
    all.emplace_back(wrong == error::none ? inflater.text() : to_string(wrong));
    if (wrong != error::none) break;
  }
  return all;
}

// What zlib makes of a payload by itself, up to so many bytes, and whether it ends well.
std::string inflate_by_zlib(std::string_view payload, std::size_t most, bool& is_good) {
  std::string in{payload};
  in += std::string_view{"\0\0\xFF\xFF", 4};
  std::string out(most + 1, '\0');
  z_stream stream{};
  inflateInit2(&stream, -15);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::inflate(&stream, Z_SYNC_FLUSH);
  is_good = result == Z_OK && stream.avail_in == 0 && (stream.data_type & 128) != 0;
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

// What libdeflate makes of each payload by itself, against zlib. Codes that zlib refuses for their
// form it may take, and behind BFINAL it refuses what refers to what was before.
void check_whole_messages(const task& todo) {
  const hawser::inflate_bounds bounds{.max_size = todo.limit};
  support::message_inflater<> zlib{bounds};
  support::message_inflater<hawser::libdeflate_codec> libdeflate{bounds};
  for (const std::string_view payload : todo.payloads) {
    const support::exact_copy bytes{payload};
    zlib.restart(15);
    const error expected = zlib.inflate(bytes.text());
    const error found = libdeflate.inflate(bytes.text());
    require(todo.limit == 0 || libdeflate.text().size() <= todo.limit, "libdeflate: the limit");
    require(libdeflate.text().size() <= 1032 * (payload.size() + 9) + 300, "libdeflate: its size");
    require(found == error::none || libdeflate.text().empty(), "libdeflate: nothing that is wrong");
    if (expected == error::none && found == error::none) {
      require(libdeflate.text() == zlib.text(), "libdeflate: the text");
    }
    require(expected != error::message_too_big || found != error::none, "libdeflate: too big");
    bool is_good = false;
    if (expected != error::none || payload.empty()) continue;
    static_cast<void>(inflate_by_zlib(payload, zlib.text().size(), is_good));
    require(!is_good || found == error::none, "libdeflate: what has no BFINAL");
  }
}

void check_inflating(const task& todo) {
  check_whole_messages(todo);
  const support::fuzz_log whole = inflate(todo, false, false);
  support::require_same(inflate(todo, true, false), whole, "cut anywhere");
  support::require_same(inflate(todo, false, true), whole, "byte by byte");
  if (todo.payloads.empty() || todo.payloads[0].empty() || todo.limit != 0) return;
  if (todo.max_ratio != 0) return;
  bool is_good = false;
  const std::string expected =
      inflate_by_zlib(todo.payloads[0], 1032 * (todo.payloads[0].size() + 4) + 300, is_good);
  require(!is_good || whole[0] == expected, "what zlib makes of it");
}

void check_compressing(const task& todo) {
  support::message_deflater<> deflater{todo.settings};
  support::message_inflater<> inflater{{}, todo.settings.window_bits};
  for (const std::string_view text : todo.payloads) {
    std::string payload;
    for (const std::string_view part : support::cut_by(text, todo.cuts)) {
      payload += deflater.part(part, false);
    }
    payload += deflater.part({}, true);
    require(inflater.inflate(payload) == error::none && inflater.text() == text, "in parts");
    if (!todo.keeps_window) deflater.restart();
    require(inflater.inflate(deflater.whole(text)) == error::none && inflater.text() == text,
            "as a whole");
    if (!todo.keeps_window) deflater.restart();
  }
}

void check_compressing_whole(const task& todo) {
  support::message_deflater<hawser::libdeflate_codec> deflater{todo.settings};
  support::message_inflater<> zlib;
  support::message_inflater<hawser::libdeflate_codec> libdeflate;
  for (const std::string_view text : todo.payloads) {
    const support::exact_copy bytes{text};
    const std::string payload = deflater.whole(bytes.text());
    require(zlib.inflate(payload) == error::none && zlib.text() == text, "by libdeflate, to zlib");
    require(libdeflate.inflate(payload) == error::none && libdeflate.text() == text,
            "by libdeflate, to libdeflate");
    zlib.restart(15);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::uint64_t, 4> limits = {0, 1, 100, 5000};
  constexpr std::array<std::uint32_t, 4> ratios = {0, 2, 20, 500};
  support::fuzz_input in{data, size};
  const unsigned kind = in.byte();
  const unsigned settings = in.byte();
  task todo{.keeps_window = (kind & 2U) == 0,
            .limit = limits[kind >> 2 & 3U],
            .max_ratio = ratios[kind >> 4 & 3U]};
  todo.settings = {.window_bits = static_cast<std::uint8_t>(9 + (settings & 7U) % 7),
                   .memory_level = static_cast<std::uint8_t>(1 + (settings >> 3 & 7U)),
                   .level = static_cast<std::uint8_t>(1 + (settings >> 6) * 2)};
  todo.cuts = in.take(in.byte());
  while (!in.empty()) {
    const std::size_t low = in.byte();
    todo.payloads.push_back(in.take(low | in.byte() << 8));
  }
  if ((kind & 1U) == 0) {
    check_inflating(todo);
  } else {
    check_compressing(todo);
    check_compressing_whole(todo);
  }
  return 0;
}
