#pragma once

#include "support/text.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// Masked frames behind each other, as a server reads them, and what they carry.
struct wire {
  std::vector<std::byte> bytes;
  std::vector<std::byte> payloads;  ///< All of them, unmasked, without anything between.
  std::size_t messages = 0;
};

/// Frames with payloads of `least` to `most` bytes, each with a random key, about `size` bytes in
/// all. Text where a script is given, which is never the same twice and cut between code points, so
/// that a message may be up to three bytes shorter; else random bytes.
wire make_wire(std::size_t size, std::size_t least, std::size_t most,
               std::optional<script> text = std::nullopt);

/// A request for an upgrade as Chrome sends it: 596 bytes.
const std::string& chrome_request();

/// The Sec-WebSocket-Accept that answers it.
inline constexpr std::string_view chrome_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace bench
