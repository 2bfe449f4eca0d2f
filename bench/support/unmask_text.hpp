#pragma once

#include "hawser/mask.hpp"
#include "hawser/utf8.hpp"

#include <cstddef>
#include <span>

namespace bench {

/// hawser::unmask_utf8, or two passes that give the same where this hawser has it not yet.
template <class State>
std::size_t unmask_text(State& state, std::byte* to, std::span<const std::byte> from,
                        hawser::masking_key& key) noexcept {
  if constexpr (requires { unmask_utf8(state, to, from, key); }) {
    return unmask_utf8(state, to, from, key);
  } else {
    key =
        from.data() == to ? hawser::mask({to, from.size()}, key) : hawser::mask_copy(to, from, key);
    return hawser::validate_utf8(state, {to, from.size()});
  }
}

}  // namespace bench
