#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/time.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>

namespace hawser::inline v0 {

/// How an endpoint compresses: what it offers or accepts, and what it does then. The default is
/// deflate_presets::balanced. A number that is out of its range is taken for the nearest in it.
struct deflate_options {
  /// Otherwise nothing is offered or accepted: for a switch of a program.
  bool is_enabled = true;
  /// Our own window, memory and effort. The window may be made smaller by the peer, never larger.
  deflate_settings settings = {.window_bits = 12, .memory_level = 5};
  /// Our window goes on from message to message: small messages shrink far better, and each
  /// connection has a compressor of its own. Otherwise the endpoint's connections share one.
  bool takeover = true;
  /// The peer's window may do so: each connection has an inflater of its own.
  bool peer_takeover = true;
  /// The window that the peer is to use at most: 8 to 15. A server limits those clients that let
  /// it; a client asks for it only where it insists, for many servers decline whoever asks.
  std::uint8_t peer_window_bits = 12;
  /// Messages go uncompressed unless the peer keeps to peer_takeover and peer_window_bits.
  bool insists = false;
  /// Messages below this size are sent as they are. In bytes.
  std::size_t min_size = 64;
  /// A message of which so far more than 64 KiB, and more than so many times what came of it, are
  /// inflated fails with close code 1008. 0: any ratio; honest data reaches 1030.
  std::uint32_t max_ratio = 0;
  /// A compressor of which nothing was asked for so long is given back, and the next message begins
  /// with an empty window, as every peer must understand. 0: never. An inflater's window stays: the
  /// peer may refer to it.
  duration idle = duration::seconds(60);
};

/// Sets of options with about their cost, which memory_estimate tells within 5 %.
namespace deflate_presets {

/// No memory for each connection: every message stands for itself, and connections share two
/// compressors and an inflater. For many connections, or messages of some kilobytes. What is
/// smaller than 256 bytes is sent as it is: by itself it would save less than a packet's headers
/// have.
inline constexpr deflate_options small{.settings = {.window_bits = 15, .memory_level = 8},
                                       .takeover = false,
                                       .peer_takeover = false,
                                       .peer_window_bits = 15,
                                       .min_size = 256};

/// 50 KiB for each connection that sends and receives compressed messages: the windows go on, and
/// have 4 KiB. For messages of any size.
inline constexpr deflate_options balanced{};

/// 430 KiB for each connection that sends and receives compressed messages: the smallest output
/// that there is.
inline constexpr deflate_options best{
    .settings = {.window_bits = 15, .memory_level = 9, .level = 9}, .peer_window_bits = 15};

}  // namespace deflate_presets

/// The options as they are taken: with every number in its range.
[[nodiscard]] constexpr deflate_options in_range(deflate_options options) noexcept {
  const auto set = [](std::uint8_t& number, std::uint8_t least, std::uint8_t most) {
    number = detail::min_of(detail::max_of(number, least), most);
  };
  set(options.settings.window_bits, min_window_bits, max_window_bits);
  set(options.settings.memory_level, 1, 9);
  set(options.peer_window_bits, min_window_bits, max_window_bits);
  return options;
}

/// The settings of the largest compressor that a codec makes by `options`.
template <any_codec Codec>
[[nodiscard]] constexpr deflate_settings settings_for(const deflate_options& options) noexcept {
  deflate_settings own = in_range(options).settings;
  if constexpr (deflate_codec<Codec>) {
    own.window_bits = detail::max_of<std::uint8_t>(own.window_bits, Codec::min_window_bits);
  }
  return own;
}

/// What `options` ask of a negotiation at one end. `min_send_bits` is the codec's.
[[nodiscard]] constexpr deflate_wishes make_deflate_wishes(role self,
                                                           const deflate_options& options,
                                                           std::uint8_t min_send_bits) noexcept {
  const bool asks = self == role::server || options.insists;
  return {.send = {options.takeover, detail::max_of(options.settings.window_bits, min_send_bits)},
          .receive = {options.peer_takeover, asks ? options.peer_window_bits : max_window_bits},
          .min_send_bits = min_send_bits,
          .insists = options.insists};
}

/// The same with a codec of whole messages, whatever the options say: nothing can be taken over,
/// and the peer must not do so. It may ask for any window, for small messages fit in it.
inline constexpr deflate_wishes whole_message_wishes{.send = {.takeover = false},
                                                     .receive = {.takeover = false},
                                                     .min_send_bits = 8,
                                                     .insists = true,
                                                     .may_be_limited = false};

/// Messages of up to so many bytes that stand for themselves have a compressor of another kind, for
/// a large one takes longer to begin anew. In bytes.
inline constexpr std::size_t small_message_size = 512;

/// The window of that compressor, where the other one's is larger.
inline constexpr std::uint8_t small_message_window_bits = 11;

/// What that compressor is made with.
[[nodiscard]] constexpr deflate_settings small_message_settings(
    const deflate_settings& own) noexcept {
  return {.window_bits = small_message_window_bits,
          .memory_level = detail::min_of<std::uint8_t>(own.memory_level, 5),
          .level = own.level};
}

/// What compression costs, in bytes of memory.
struct deflate_memory {
  std::size_t per_connection = 0;  ///< Of one that has sent and received compressed messages.
  std::size_t per_endpoint = 0;    ///< What the connections share.
};

/// The memory that contexts of a codec take where the peers keep to `options`, within 5 %. A peer
/// that does not, where it need not (see deflate_options::insists), takes an inflater of 15 bits;
/// and where the endpoint's connections share a compressor, each smaller window that a peer asks
/// for takes one more, of less memory.
template <any_codec Codec>
[[nodiscard]] constexpr deflate_memory memory_estimate(const deflate_options& options) noexcept {
  constexpr std::uint8_t smallest = 9;
  constexpr bool is_stream = deflate_codec<Codec>;
  const deflate_settings own = settings_for<Codec>(options);
  deflate_memory sum;
  (is_stream && options.takeover ? sum.per_connection : sum.per_endpoint) +=
      Codec::deflater_size(own);
  if (is_stream && !options.takeover && own.window_bits > small_message_window_bits) {
    sum.per_endpoint += Codec::deflater_size(small_message_settings(own));
  }
  (is_stream && options.peer_takeover ? sum.per_connection : sum.per_endpoint) +=
      Codec::inflater_size(detail::max_of(in_range(options).peer_window_bits, smallest));
  return sum;
}

}  // namespace hawser::inline v0
