#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// Messages as servers send them to pages: JSON of exactly `size` bytes each, `bytes` bytes in all,
/// made anew for each message and the same in every run.
///
/// Names of fields come again in every message; words of texts do so as often as those of a
/// language; numbers, names and times do not. Small ones are a line of a chat, large ones a list of
/// them. `size` is at least 128.
std::vector<std::string> json_messages(std::size_t size, std::size_t bytes, std::uint64_t seed);

}  // namespace bench
