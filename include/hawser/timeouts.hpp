#pragma once

#include "hawser/time.hpp"

namespace hawser::inline v0 {

/// How long things may take. Each is switched off by 0. Any `std::chrono::duration` can be
/// assigned.
struct timeouts {
  /// From the first call of on_time to the open connection, the application's decision included.
  /// An absolute time: a peer that drips bytes does not extend it.
  duration opening = duration::seconds(10);
  /// From the close frame that this end sends, or from its failure, to the end of the stream.
  duration closing = duration::seconds(5);
  /// Silence of the peer after which a ping is sent. What this end sends does not count, unless the
  /// peer let it wait and then took some of it.
  duration ping = duration::seconds(25);
  /// Silence of the peer after that ping at which it is lost. Any byte of it counts as a sign of
  /// life, not just the pong.
  duration pong = duration::seconds(20);
  /// How long output may wait without one byte of it being taken.
  duration output = duration::seconds(30);
};

}  // namespace hawser::inline v0
