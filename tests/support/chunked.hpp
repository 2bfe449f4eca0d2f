#pragma once

// "The result never depends on how the bytes are cut": feeds the same bytes whole, at every split
// in two, byte by byte and at seeded random splits, and requires the same log each time.

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace support {

using event_log = std::vector<std::string>;

// Parts of an input, each in memory of exactly its size, so that a sanitizer sees each overrun.
using chunks = std::vector<bytes>;

// Cuts `input` before each of the ascending `places`.
inline chunks cut(std::span<const std::byte> input, const std::vector<std::size_t>& places) {
  chunks result;
  std::size_t from = 0;
  for (const std::size_t place : places) {
    result.emplace_back(input.begin() + static_cast<std::ptrdiff_t>(from),
                        input.begin() + static_cast<std::ptrdiff_t>(place));
    from = place;
  }
  result.emplace_back(input.begin() + static_cast<std::ptrdiff_t>(from), input.end());
  return result;
}

inline chunks cut_each_byte(std::span<const std::byte> input) {
  chunks result;
  for (const std::byte byte : input) result.push_back({byte});
  return result;
}

inline chunks cut_anywhere(std::span<const std::byte> input, seeded& random) {
  std::vector<std::size_t> places(random.below(9));
  for (std::size_t& place : places) place = random.below(input.size() + 1);
  std::sort(places.begin(), places.end());
  return cut(input, places);
}

// Calls `feed(chunks)` for every split; each call begins anew and returns the log of what happened.
// Returns the log of the whole.
template <class Feed>
event_log require_same_at_every_split(std::span<const std::byte> input, Feed feed) {
  const event_log whole = feed(cut(input, {}));
  const auto compare = [&](const chunks& parts, std::size_t place, const char* how) {
    const event_log log = feed(parts);
    if (log == whole) return;
    INFO("input: " << to_hex(input.first(std::min<std::size_t>(input.size(), 300))));
    INFO(how << ", at " << place);
    REQUIRE(log == whole);
  };
  for (std::size_t i = 0; i <= input.size(); ++i) compare(cut(input, {i}), i, "cut in two");
  compare(cut_each_byte(input), 0, "byte by byte");
  seeded random;
  for (std::size_t i = 0; i < 8; ++i) compare(cut_anywhere(input, random), i, "cut at random");
  return whole;
}

}  // namespace support
