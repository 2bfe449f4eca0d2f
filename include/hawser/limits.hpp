#pragma once

#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>

namespace hawser::inline v0 {

/// Everything of a connection that a peer can make grow, and how far it may. Sizes are in bytes.
/// The defaults are safe for a server that faces the internet.
struct limits {
  /// The head of a request or response, all lines together. Beyond: status 431.
  std::size_t max_head_size = std::size_t{16} << 10;
  /// Header fields in a head. Beyond: status 431.
  std::size_t max_headers = 100;
  /// What a client may send behind its request while the application has not decided on it. Beyond:
  /// status 400.
  std::size_t max_early_size = std::size_t{4} << 10;
  /// What a client keeps of the body of a refused handshake; the rest is dropped.
  std::size_t max_refusal_size = std::size_t{16} << 10;
  /// The payload of one data frame, as it comes; 0: as max_message_size, or eight times that where
  /// it is compressed (see codecs/README.md). Beyond: close code 1009.
  std::uint64_t max_frame_size = 0;
  /// The payload of one message, over all its frames; of a compressed one, inflated. Beyond: close
  /// code 1009. 0 means unlimited, which is allowed with delivery in pieces only.
  std::uint64_t max_message_size = std::uint64_t{1} << 20;
  /// Frames in one message, empty ones included. Beyond: close code 1008. 0 means unlimited.
  std::uint32_t max_fragments = std::uint32_t{128} << 10;
  /// Close, ping and pong frames within a second. Beyond: close code 1008. 0 means unlimited. The
  /// second is measured by the calls of on_time.
  std::uint32_t max_control_frames = 1000;
  /// What may wait to be sent. Beyond: send returns output_full. Control frames have room of their
  /// own, and the answer to a handshake is not counted.
  std::size_t max_output_size = std::size_t{4} << 20;
  /// What is read and dropped after this end failed or refused, so that the peer gets to read why.
  /// Beyond: the connection is cut.
  std::uint64_t max_discard_size = std::uint64_t{256} << 20;
};

}  // namespace hawser::inline v0
