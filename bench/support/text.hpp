#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace bench {

/// What texts are made of.
enum class script { ascii, cyrillic, cjk, emoji, json };

inline constexpr std::array scripts{script::ascii, script::cyrillic, script::cjk, script::emoji,
                                    script::json};

std::string_view name_of(script kind) noexcept;

/// How much of each script there is, in bytes: so much that no branch predictor learns it.
inline constexpr std::size_t text_size = std::size_t{8} << 20;

/// Text that does not repeat, of exactly `text_size` bytes of UTF-8, made on the first call.
///
/// It stays valid where the lowest bit of every byte is flipped, so that a payload may be unmasked
/// in place again and again with a key that does that.
const std::string& text_of(script kind);

/// The end of the longest part of text[begin, begin + most) that ends between two code points.
std::size_t cut_text(std::string_view text, std::size_t begin, std::size_t most) noexcept;

}  // namespace bench
