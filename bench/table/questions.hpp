#pragma once

#include "peers/peer.hpp"
#include "table/report.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

void ask_mask(report& out);
void ask_utf8(report& out);
void ask_frames(report& out);

/// Ends the program where somebody does not do the work that is measured.
inline void must_be_right(bool right, std::string_view who, std::string_view what) {
  if (right) return;
  std::fprintf(stderr, "%.*s does not do this right: %.*s\n", static_cast<int>(who.size()),
               who.data(), static_cast<int>(what.size()), what.data());
  std::exit(1);
}

/// "64 KiB", "125 B".
inline std::string size_in_words(std::size_t size) {
  if (size >= std::size_t{1} << 20) return std::to_string(size >> 20) + " MiB";
  if (size >= 1024) return std::to_string(size >> 10) + " KiB";
  return std::to_string(size) + " B";
}

}  // namespace bench
