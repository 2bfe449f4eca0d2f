#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_contexts.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/deflate_options.hpp"
#include "hawser/deflating_sender.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/inflating_receiver.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <cstdint>
#include <utility>

namespace hawser::inline v0 {

/// The extension that compresses messages, with a codec: RFC 7692. `hawser/codecs/zlib.hpp` and
/// `hawser/codecs/libdeflate.hpp` have names for connections and endpoints with it.
template <any_codec Codec>
struct permessage_deflate {
  static constexpr bool is_used = true;

  using codec = Codec;
  using options = deflate_options;
  using shared = deflate_contexts<Codec>;

  template <role Role>
  using receiver = inflating_receiver<Role, Codec>;
  template <role Role>
  using sender = deflating_sender<Role, Codec>;
  using receiving_context = inflating_context<Codec>;
  using sending_context = deflating_context<Codec>;

  /// What one connection agreed on, in two bytes.
  class agreed {
   public:
    constexpr agreed() = default;
    /// The parameters are those of the response.
    constexpr agreed(bool is_agreed, const deflate_parameters& parameters) noexcept
        : flags_{static_cast<std::uint8_t>((is_agreed ? 1U : 0U) |
                                           (parameters.server_no_context_takeover ? 2U : 0U) |
                                           (parameters.client_no_context_takeover ? 4U : 0U))},
          bits_{static_cast<std::uint8_t>(parameters.server_max_window_bits |
                                          parameters.client_max_window_bits << 4)} {}

    /// The value of the response's header; empty where there is none.
    [[nodiscard]] constexpr deflate_text text() const noexcept {
      if ((flags_ & 1U) == 0) return {};
      return deflate_text{{.server_no_context_takeover = (flags_ & 2U) != 0,
                           .client_no_context_takeover = (flags_ & 4U) != 0,
                           .server_max_window_bits = static_cast<std::uint8_t>(bits_ & 0xFU),
                           .client_max_window_bits = static_cast<std::uint8_t>(bits_ >> 4)}};
    }

   private:
    std::uint8_t flags_ = 0;
    std::uint8_t bits_ = 0;
  };

  /// What a client offers.
  [[nodiscard]] static constexpr deflate_text make_offer(const options& own) noexcept {
    return own.is_enabled ? make_deflate_offer(wishes(role::client, own)) : deflate_text{};
  }
  /// What a server answers to a request.
  [[nodiscard]] static constexpr deflate_answer answer(header_list request,
                                                       const options& own) noexcept {
    return own.is_enabled ? select_deflate(request, wishes(role::server, own)) : deflate_answer{};
  }
  /// What a response to make_offer means for a client.
  [[nodiscard]] static constexpr deflate_result check(header_list response,
                                                      const options& own) noexcept {
    return check_deflate_response(response, wishes(role::client, own));
  }
  /// What a response means that somebody else gave or got.
  [[nodiscard]] static constexpr deflate_result adopt(role self, header_list response,
                                                      const options& own) noexcept {
    deflate_result found = check_deflate_response(response, {});
    if (self == role::server) std::swap(found.agreement.send, found.agreement.receive);
    deflate_direction& send = found.agreement.send;
    const deflate_direction most = wishes(self, own).send;
    send = {send.takeover && most.takeover, detail::min_of(send.window_bits, most.window_bits)};
    if constexpr (message_codec<Codec>) {
      if (found.is_accepted && found.agreement.receive.takeover) {
        return {.error = error::parameters_not_offered};
      }
    }
    return found;
  }

 private:
  [[nodiscard]] static constexpr deflate_wishes wishes(role self, const options& own) noexcept {
    if constexpr (message_codec<Codec>) {
      return whole_message_wishes;
    } else {
      return make_deflate_wishes(self, own, Codec::min_window_bits);
    }
  }
};

}  // namespace hawser::inline v0

// As HAWSER_INSTANTIATE_CONNECTIONS, for those that compress by a codec.
#define HAWSER_INSTANTIATE_DEFLATE(how, ...)                        \
  how template class deflate_contexts<__VA_ARGS__>;                 \
  how template class inflating_receiver<role::server, __VA_ARGS__>; \
  how template class inflating_receiver<role::client, __VA_ARGS__>; \
  how template class deflating_sender<role::server, __VA_ARGS__>;   \
  how template class deflating_sender<role::client, __VA_ARGS__>;   \
  HAWSER_INSTANTIATE_CONNECTIONS(how, permessage_deflate<__VA_ARGS__>)
