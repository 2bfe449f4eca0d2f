#pragma once

#include <cstddef>
#include <string_view>

namespace bench {

/// Loads, flips and stores every byte with the widest vectors that the processor has, and does
/// nothing else: no key, no tail, no test of alignment. What masking in place cannot beat. `data`
/// is aligned to 64 bytes, and `size` is a multiple of 256.
void flip(std::byte* data, std::size_t size) noexcept;

/// Which vectors those are.
std::string_view widest_vectors() noexcept;

}  // namespace bench
