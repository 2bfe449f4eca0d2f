#pragma once

#include "hawser/client_handshake.hpp"
#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_options.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/http1_storage.hpp"
#include "hawser/limits.hpp"
#include "hawser/outbox.hpp"
#include "hawser/receiver.hpp"
#include "hawser/server_handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace hawser::inline v0 {

namespace detail {

// A container that doubles holds its old and its new memory while it grows, and may have doubled
// just before the end.
[[nodiscard]] constexpr std::size_t growing(std::size_t size) noexcept { return 3 * size + 64; }

// Nothing below overflows.
[[nodiscard]] constexpr bool are_summable(const limits& most) noexcept {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max() / 32;
  return most.max_message_size <= largest && most.max_output_size <= largest &&
         most.max_early_size <= largest && most.max_refusal_size <= largest &&
         most.max_head_size <= largest / 8;
}

// Receiving: a message, and behind it a control frame that is cut, in a block that may just grow.
[[nodiscard]] constexpr std::size_t max_assembly_bytes(const limits& most) noexcept {
  return 2 * block_size(static_cast<std::size_t>(most.max_message_size) + max_relaxed_control_size);
}

// Sending: no two neighbours in the line of blocks would fit into one, so that half of their room
// is in use; the first may be as large as a frame gets while but its last byte waits.
[[nodiscard]] constexpr std::size_t max_outbox_bytes(const limits& most) noexcept {
  return block_size(outbox::data_size) + block_size(most.max_output_size) +
         2 * (most.max_output_size + outbox::control_reserve) + 2 * block_size(outbox::data_size) +
         2 * block_size(outbox::lane_size) + 2 * block_size(max_control_payload_size);
}

}  // namespace detail

/// The most heap that one connection ever holds, in bytes, whatever its peer does: the handshake,
/// the message that is being assembled, the output that waits. A client's own request and the
/// answers that an application writes to requests come on top, for no peer makes them grow; so does
/// the room of a sink, of which the rest may wait beside max_output_size. Limits that no memory can
/// have bound nothing: then it is the largest number.
///
/// limits.max_message_size counts where messages are delivered whole; for delivery in pieces set it
/// to 0 in the argument. See limits for what a peer can make grow.
///
/// Connections that compress hold more: see below.
[[nodiscard]] constexpr std::size_t max_connection_bytes(const limits& most) noexcept {
  if (!detail::are_summable(most)) return std::numeric_limits<std::size_t>::max();
  const std::size_t handshake = sizeof(server_handshake) > sizeof(client_handshake)
                                    ? sizeof(server_handshake)
                                    : sizeof(client_handshake);
  constexpr std::size_t answers = 4096;  // a refusal or acceptance while it is written
  const std::size_t head = detail::block_size(
      heap_head_storage::max_heap_size(most.max_head_size, most.max_headers) / 2);
  return detail::block_size(handshake) + 2 * head + 2 * detail::block_size(most.max_early_size) +
         detail::growing(most.max_refusal_size) + answers + detail::max_assembly_bytes(most) +
         detail::max_outbox_bytes(most);
}

/// The same for a connection that compresses with this codec, which inflates messages as they come:
/// a compressor and an inflater on top, which it holds in the middle of a message also where no
/// window is taken over. The peer's window is the largest there is unless the options insist on
/// another.
///
/// Room for a message while it is compressed comes on top, deflate_bound of its size: no peer makes
/// that grow, unless it is sent back what it sends.
template <deflate_codec Codec>
[[nodiscard]] constexpr std::size_t max_connection_bytes(const limits& most,
                                                         const deflate_options& options) noexcept {
  constexpr std::uint8_t smallest = 9;
  const std::uint8_t peer_bits = options.insists
                                     ? detail::max_of(in_range(options).peer_window_bits, smallest)
                                     : max_window_bits;
  const std::size_t contexts =
      Codec::deflater_size(settings_for<Codec>(options)) + Codec::inflater_size(peer_bits);
  // What is inflated at a time of a message in pieces, while its memory grows.
  constexpr std::size_t piece = 2 * detail::block_size(std::size_t{32} << 10);
  const std::size_t plain = max_connection_bytes(most);
  const std::size_t more = contexts + contexts / 20 + piece;
  return plain + detail::min_of(more, std::numeric_limits<std::size_t>::max() - plain);
}

}  // namespace hawser::inline v0
