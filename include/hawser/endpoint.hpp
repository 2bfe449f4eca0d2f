#pragma once

#include "hawser/detail/block.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/entropy.hpp"
#include "hawser/limits.hpp"
#include "hawser/memory.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/no_extension.hpp"
#include "hawser/origin.hpp"
#include "hawser/receiver.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/sender.hpp"
#include "hawser/strictness.hpp"
#include "hawser/timeouts.hpp"

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace hawser::inline v0 {

/// What all connections of a client have in common.
struct client_options {
  hawser::limits limits = {};
  hawser::timeouts timeouts = {};
  hawser::strictness strictness = {};
  /// Messages whole, or in pieces as they arrive.
  hawser::delivery delivery = delivery::whole;
  /// Pings are answered by themselves. Otherwise call pong on each ping event.
  bool answers_pings = true;
  /// Text to be sent is checked, and refused where it is not UTF-8.
  bool checks_sent_text = true;
  /// Where random bytes come from: the system.
  entropy_source entropy = {};
  /// Where buffers come from: `operator new`.
  hawser::memory memory = {};
  /// Buffers that no connection uses are kept for the next, up to so many bytes.
  std::size_t max_kept_memory = std::size_t{1} << 20;
};

/// What all connections of a server have in common.
struct server_options {
  hawser::limits limits = {};
  hawser::timeouts timeouts = {};
  hawser::strictness strictness = {};
  /// Messages whole, or in pieces as they arrive.
  hawser::delivery delivery = delivery::whole;
  /// Pings are answered by themselves. Otherwise call pong on each ping event.
  bool answers_pings = true;
  /// Text to be sent is checked, and refused where it is not UTF-8.
  bool checks_sent_text = true;
  /// Where random bytes come from: the system.
  entropy_source entropy = {};
  /// Where buffers come from: `operator new`.
  hawser::memory memory = {};
  /// Buffers that no connection uses are kept for the next, up to so many bytes.
  std::size_t max_kept_memory = std::size_t{1} << 20;

  /// Subprotocols that the server speaks. The first of the client's list that is here is chosen.
  std::vector<std::string> subprotocols = {};
  /// Which pages may connect. The default lets in those of this host and port, and programs that
  /// are no browser.
  origin_policy origins = {};
  /// Hosts, without ports, that the server answers for; empty: any. Against DNS rebinding, a server
  /// that listens on loopback sets loopback_hosts().
  std::vector<std::string> allowed_hosts = {};
  /// The application decides on each upgrade: a request event comes, and the connection waits for
  /// accept or reject. Otherwise every valid upgrade is accepted.
  bool decides_upgrades = false;
  /// The application answers plain HTTP too: a request event comes, and the connection waits for
  /// respond or reject. Otherwise plain HTTP is refused with status 426.
  bool answers_http = false;
};

/// What many connections borrow: options, entropy, memory. It outlives them, keeps its place, and
/// belongs to one thread at a time together with them: make one per thread.
template <role Role, class Extension = no_extension>
class basic_endpoint {
 public:
  using options_type = std::conditional_t<Role == role::server, server_options, client_options>;

  /// limits.max_message_size of 0, which is unlimited, goes with delivery in pieces only: with
  /// whole messages it is taken as the default.
  HAWSER_NO_INLINE explicit basic_endpoint(options_type options)
      : options_{std::move(options)},
        pool_{options_.memory, options_.max_kept_memory},
        entropy_{options_.entropy},
        extension_{{}, options_.memory} {
    prepare();
  }
  /// With the default options.
  HAWSER_NO_INLINE explicit basic_endpoint()
      : pool_{options_.memory, options_.max_kept_memory},
        entropy_{options_.entropy},
        extension_{{}, options_.memory} {
    prepare();
  }
  /// With options, and with what an extension is to do.
  basic_endpoint(options_type options, const typename Extension::options& extension)
    requires(Extension::is_used)
      : options_{std::move(options)},
        pool_{options_.memory, options_.max_kept_memory},
        entropy_{options_.entropy},
        extension_{extension, options_.memory} {
    prepare();
  }

  HAWSER_NO_INLINE ~basic_endpoint() = default;
  basic_endpoint(const basic_endpoint&) = delete;
  basic_endpoint& operator=(const basic_endpoint&) = delete;

  [[nodiscard]] const options_type& options() const noexcept { return options_; }
  /// What the extension does.
  [[nodiscard]] const typename Extension::options& extension_options() const noexcept
    requires(Extension::is_used)
  {
    return extension_.options();
  }

 private:
  template <role, class>
  friend class basic_connection;

  HAWSER_ALWAYS_INLINE void prepare() {
    if (options_.delivery == delivery::whole && options_.limits.max_message_size == 0) {
      options_.limits.max_message_size = limits{}.max_message_size;
    }
    static_cast<receiver_context&>(receiving_) = {.limits = options_.limits,
                                                  .strictness = options_.strictness,
                                                  .delivery = options_.delivery,
                                                  .pool = &pool_};
    static_cast<sender_context&>(sending_) = {.max_output_size = options_.limits.max_output_size,
                                              .checks_text = options_.checks_sent_text,
                                              .pool = &pool_,
                                              .entropy = &entropy_};
    if constexpr (Extension::is_used) receiving_.contexts = sending_.contexts = &extension_;
  }

  options_type options_;
  detail::block_pool pool_;
  hawser::entropy entropy_;
  typename Extension::receiving_context receiving_;
  typename Extension::sending_context sending_;
  HAWSER_NO_UNIQUE_ADDRESS typename Extension::shared extension_;
};

/// The endpoint of a server.
using server_endpoint = basic_endpoint<role::server>;

/// The endpoint of a client.
using client_endpoint = basic_endpoint<role::client>;

}  // namespace hawser::inline v0
