#pragma once

#include "hawser/version.hpp"

namespace hawser::inline v0 {

/// Which rules of RFC 6455 are held against the peer's frames: all, unless one is relaxed by name
/// for a peer that is known to be broken, or to fuzz one. What is sent is always by the RFC.
struct strictness {
  /// 5.1: a client masks its frames, a server does not. Relaxed: either is read.
  bool mask_direction = true;
  /// 5.2: a length stands in the fewest bytes that hold it. Relaxed: any form is read.
  bool minimal_length = true;
  /// 5.2: the highest bit of a 64-bit length is 0. Relaxed: it is ignored.
  bool length_below_2_63 = true;
  /// 5.2: RSV1 to RSV3 are 0. Relaxed: they are ignored.
  bool reserved_bits = true;
  /// 5.2: opcodes 3 to 7 and 11 to 15 are not used. Relaxed: such frames are skipped.
  bool reserved_opcodes = true;
  /// 5.5: control frames carry at most 125 bytes. Relaxed: as many as max_message_size allows; a
  /// longer ping is answered with its first 125 bytes.
  bool control_size = true;
  /// 5.5: control frames are not fragmented. Relaxed: FIN is taken as set.
  bool control_fin = true;
  /// 7.4: only assigned close codes stand in a close frame. Relaxed: any number does.
  bool close_codes = true;
  /// 8.1: text and close reasons are UTF-8. Relaxed: any bytes are.
  bool utf8 = true;

  friend constexpr bool operator==(const strictness&, const strictness&) = default;
};

}  // namespace hawser::inline v0
