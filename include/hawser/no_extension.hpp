#pragma once

#include "hawser/memory.hpp"
#include "hawser/receiver.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/sender.hpp"
#include "hawser/version.hpp"

namespace hawser::inline v0 {

/// The extension of a connection that has none: nothing is offered, nothing accepted, and nothing
/// of it is in the connection. What stands here is what a connection asks of any extension, with
/// what permessage_deflate has beyond it.
struct no_extension {
  static constexpr bool is_used = false;

  struct options {};
  /// What an endpoint's connections share.
  struct shared {
    constexpr shared(const options& /*unused*/, const memory& /*unused*/) noexcept {}
  };
  /// What one connection agreed on.
  struct agreed {};

  template <role Role>
  using receiver = hawser::receiver<Role>;
  template <role Role>
  using sender = hawser::sender<Role>;
  using receiving_context = receiver_context;
  using sending_context = sender_context;
};

}  // namespace hawser::inline v0
