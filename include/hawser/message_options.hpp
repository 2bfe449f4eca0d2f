#pragma once

#include "hawser/version.hpp"

#include <cstdint>

namespace hawser::inline v0 {

/// Whether a message is compressed, where that was agreed on.
enum class compression : std::uint8_t {
  where_worth,  ///< From deflate_options::min_size on, and messages of which the size is not known.
  always,       ///< Whatever its size.
  never,        ///< For what is compressed already: pictures, archives.
};

/// How one message is sent.
struct message_options {
  hawser::compression compress = compression::where_worth;
  /// The message holds a secret, and is not compressed. The size of a compressed message tells how
  /// much it has in common with what stands near it, in the same message or with takeover in those
  /// before: who may write part of that, and sees sizes on the wire, guesses the rest byte by byte
  /// (CRIME, BREACH). Send tokens and keys so, and what others may have written apart from them.
  bool secret = false;
};

}  // namespace hawser::inline v0
