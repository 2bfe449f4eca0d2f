#pragma once

#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/extension.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

// What two ends agree on before they compress messages: the negotiation of permessage-deflate as
// pure functions over header lists. RFC 7692 5 and 7.1.
namespace hawser::inline v0 {

/// The largest base-2 logarithm of the size of an LZ77 window, and what holds where nothing is
/// said. RFC 7692 7.1.2.
inline constexpr std::uint8_t max_window_bits = 15;

/// The smallest of them. RFC 7692 7.1.2.
inline constexpr std::uint8_t min_window_bits = 8;

/// The parameters of permessage-deflate as they stand in an offer or a response. RFC 7692 7.1.
struct deflate_parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 0;  ///< 8 to 15; 0: it does not stand there.
  std::uint8_t client_max_window_bits = 0;  ///< The same; 15 in an offer where it has no value.

  friend constexpr bool operator==(const deflate_parameters&, const deflate_parameters&) = default;
};

/// What holds for one direction of a connection.
struct deflate_direction {
  bool takeover = true;  ///< The window goes on from message to message.
  std::uint8_t window_bits = max_window_bits;

  friend constexpr bool operator==(const deflate_direction&, const deflate_direction&) = default;
};

/// What one end wants of an agreement, and later the agreement itself.
struct deflate_wishes {
  deflate_direction send = {};     ///< What we compress with at most.
  deflate_direction receive = {};  ///< What the peer is asked to keep to.
  /// The smallest window that we can compress with: who asks for less is declined.
  std::uint8_t min_send_bits = 9;
  /// A peer that cannot be held to `receive` is declined; otherwise it may do as it likes.
  bool insists = false;
  /// As a client we let the server choose our window.
  bool may_be_limited = true;
};

/// What was agreed on, as one end sees it.
struct deflate_agreement {
  deflate_direction send = {};
  deflate_direction receive = {};

  friend constexpr bool operator==(const deflate_agreement&, const deflate_agreement&) = default;
};

/// The name of the extension. Case matters. `x-webkit-deflate-frame` and `perframe-deflate` were
/// others, and are declined as any unknown one.
inline constexpr std::string_view permessage_deflate_name = "permessage-deflate";

namespace detail {

// 8 to 15 in decimal without leading zeros; else 0. RFC 7692 7.1.2.1: "This parameter has a decimal
// integer value without leading zeroes between 8 to 15, inclusive".
[[nodiscard]] constexpr std::uint8_t window_bits_of(const extension_parameter& parameter) noexcept {
  constexpr std::array<std::string_view, 8> texts{"8", "9", "10", "11", "12", "13", "14", "15"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (parameter.has_value_of(texts[i])) return static_cast<std::uint8_t>(i + 8);
  }
  return 0;
}

// Reads one parameter into `all`.
[[nodiscard]] constexpr error read_deflate_parameter(const extension_parameter& parameter,
                                                     bool is_offer,
                                                     deflate_parameters& all) noexcept {
  const auto read_flag = [&](bool& flag) {
    if (flag) return error::parameter_repeated;
    // RFC 7692 7.1.1: "This extension parameter has no value."
    flag = true;
    return parameter.has_value ? error::parameter_invalid : error::none;
  };
  const auto read_bits = [&](std::uint8_t& bits, bool may_lack) {
    if (bits != 0) return error::parameter_repeated;
    bits = may_lack && !parameter.has_value ? max_window_bits : window_bits_of(parameter);
    return bits == 0 ? error::parameter_invalid : error::none;
  };
  if (parameter.name == "server_no_context_takeover") {
    return read_flag(all.server_no_context_takeover);
  }
  if (parameter.name == "client_no_context_takeover") {
    return read_flag(all.client_no_context_takeover);
  }
  if (parameter.name == "server_max_window_bits") {
    return read_bits(all.server_max_window_bits, false);
  }
  // RFC 7692 7.1.2.2: in an offer it may lack the value, in a response it has one.
  if (parameter.name == "client_max_window_bits") {
    return read_bits(all.client_max_window_bits, is_offer);
  }
  return error::parameter_unknown;
}

[[nodiscard]] constexpr error read_deflate_parameters(const extension& from, bool is_offer,
                                                      deflate_parameters& all) noexcept {
  all = {};
  error wrong = error::none;
  for_each_parameter(from, [&](const extension_parameter& parameter) {
    wrong = read_deflate_parameter(parameter, is_offer, all);
    return wrong == error::none;
  });
  return wrong;
}

}  // namespace detail

/// The header's value for a set of parameters. It holds the text.
class deflate_text {
 public:
  constexpr deflate_text() = default;
  constexpr explicit deflate_text(const deflate_parameters& parameters) noexcept {
    add(parameters);
  }

  /// Adds another element to the list. Two have room.
  constexpr void add(const deflate_parameters& parameters) noexcept {
    if (size_ != 0) append(", ");
    append(permessage_deflate_name);
    if (parameters.server_no_context_takeover) append("; server_no_context_takeover");
    if (parameters.client_no_context_takeover) append("; client_no_context_takeover");
    append_bits("; server_max_window_bits=", parameters.server_max_window_bits);
    append_bits("; client_max_window_bits=", parameters.client_max_window_bits);
  }
  /// The same, as an offer that may let the server choose the client's window.
  constexpr void add_offer(const deflate_parameters& parameters, bool may_be_limited) noexcept {
    add(parameters);
    if (may_be_limited) append("; client_max_window_bits");
  }

  [[nodiscard]] constexpr std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  constexpr void append(std::string_view part) noexcept {
    for (const char c : part) text_[size_++] = c;
  }
  constexpr void append_bits(std::string_view name, std::uint8_t bits) noexcept {
    if (bits == 0) return;
    append(name);
    if (bits >= 10) append("1");
    text_[size_++] = static_cast<char>('0' + bits % 10);
  }

  std::array<char, 288> text_ = {};
  std::size_t size_ = 0;
};

/// What a server makes of a request's offers.
struct deflate_answer {
  hawser::error error = error::none;  ///< bad_extension_list: the handshake fails.
  bool is_accepted = false;           ///< Otherwise there is no header in the response.
  deflate_parameters response = {};   ///< For the header of the response: see deflate_text.
  deflate_agreement agreement = {};   ///< As the server sees it.
};

/// The server's answer to one offer; not accepted where the two cannot agree. RFC 7692 7.1.
[[nodiscard]] constexpr deflate_answer answer_deflate_offer(const deflate_parameters& offer,
                                                            const deflate_wishes& own) noexcept {
  deflate_answer answer;
  // RFC 7692 7.1.2.1: "A server accepts an extension negotiation offer with this parameter by
  // including the "server_max_window_bits" extension parameter in the extension negotiation
  // response to send back to the client with the same or smaller value as the offer."
  const std::uint8_t send_bits =
      offer.server_max_window_bits == 0
          ? own.send.window_bits
          : detail::min_of(own.send.window_bits, offer.server_max_window_bits);
  if (send_bits < own.min_send_bits) return answer;
  // RFC 7692 7.1.2.2: "If a received extension negotiation offer doesn't have the
  // "client_max_window_bits" extension parameter, the corresponding extension negotiation response
  // to the offer MUST NOT include the "client_max_window_bits" extension parameter."
  const bool may_limit = offer.client_max_window_bits != 0;
  if (!may_limit && own.insists && own.receive.window_bits < max_window_bits) return answer;
  const std::uint8_t receive_bits =
      may_limit ? detail::min_of(own.receive.window_bits, offer.client_max_window_bits)
                : max_window_bits;

  answer.is_accepted = true;
  answer.response.server_no_context_takeover =
      offer.server_no_context_takeover || !own.send.takeover;
  answer.response.client_no_context_takeover =
      offer.client_no_context_takeover || !own.receive.takeover;
  if (offer.server_max_window_bits != 0) answer.response.server_max_window_bits = send_bits;
  if (receive_bits < max_window_bits) answer.response.client_max_window_bits = receive_bits;
  answer.agreement = {
      .send = {!answer.response.server_no_context_takeover, send_bits},
      .receive = {!answer.response.client_no_context_takeover, receive_bits},
  };
  return answer;
}

/// Chooses among what a request offers: the first offer that is valid and that the two can agree
/// on, for the client lists them by preference. RFC 7692 5 and 7.1.
[[nodiscard]] constexpr deflate_answer select_deflate(header_list request,
                                                      const deflate_wishes& own) noexcept {
  deflate_answer answer;
  const error wrong = for_each_extension(request, [&](const extension& offered) {
    if (answer.is_accepted || offered.name != permessage_deflate_name) return true;
    deflate_parameters offer;
    // RFC 7692 7: "A server MUST decline an extension negotiation offer for this extension if any
    // of the following conditions are met": an unknown parameter, a parameter with an invalid
    // value, multiple parameters with the same name, a configuration that is not supported.
    if (detail::read_deflate_parameters(offered, true, offer) == error::none) {
      answer = answer_deflate_offer(offer, own);
    }
    return true;
  });
  return wrong == error::none ? answer : deflate_answer{.error = wrong};
}

namespace detail {

// What a client asks of the server beyond its leave to limit the client's own window.
[[nodiscard]] constexpr deflate_parameters deflate_demands(const deflate_wishes& own) noexcept {
  deflate_parameters demands{.server_no_context_takeover = !own.receive.takeover,
                             .client_no_context_takeover = !own.send.takeover};
  if (own.receive.window_bits < max_window_bits) {
    demands.server_max_window_bits = own.receive.window_bits;
  }
  return demands;
}

}  // namespace detail

/// What a client offers: its wishes, and where it does not insist and they ask something of the
/// server, the same without.
[[nodiscard]] constexpr deflate_text make_deflate_offer(const deflate_wishes& own) noexcept {
  deflate_text offer;
  const deflate_parameters demands = detail::deflate_demands(own);
  offer.add_offer(demands, own.may_be_limited);
  const deflate_parameters fewer{.client_no_context_takeover = demands.client_no_context_takeover};
  if (!own.insists && demands != fewer) offer.add_offer(fewer, own.may_be_limited);
  return offer;
}

/// What a client makes of a response.
struct deflate_result {
  hawser::error error = error::none;  ///< Otherwise the connection fails.
  bool is_accepted = false;
  deflate_parameters response = {};  ///< As they stand there.
  deflate_agreement agreement = {};  ///< As the client sees it.
};

/// Checks a response's parameters against what make_deflate_offer offered. RFC 7692 7.1.
///
/// A server may choose a window for us that is smaller than own.min_send_bits: nothing that is sent
/// may be compressed then.
[[nodiscard]] constexpr deflate_result accept_deflate_response(const deflate_parameters& response,
                                                               const deflate_wishes& own) noexcept {
  // RFC 7692 7: "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an
  // extension negotiation offer for this extension with an extension negotiation response meeting
  // any of the following conditions": among them "The client does not support the configuration
  // that the response represents."
  // 7.1.2.2: a response has "client_max_window_bits" only where the offer had it.
  if (!own.may_be_limited && response.client_max_window_bits != 0) {
    return {.error = error::parameters_not_offered};
  }
  const bool is_held = (own.receive.takeover || response.server_no_context_takeover) &&
                       (own.receive.window_bits == max_window_bits ||
                        (response.server_max_window_bits != 0 &&
                         response.server_max_window_bits <= own.receive.window_bits));
  if (own.insists && !is_held) return {.error = error::parameters_not_offered};
  const auto bits_or_most = [](std::uint8_t bits) { return bits == 0 ? max_window_bits : bits; };
  return {.is_accepted = true,
          .response = response,
          .agreement = {
              .send = {own.send.takeover && !response.client_no_context_takeover,
                       detail::min_of(own.send.window_bits,
                                      bits_or_most(response.client_max_window_bits))},
              .receive = {!response.server_no_context_takeover,
                          bits_or_most(response.server_max_window_bits)},
          }};
}

/// Checks what a response accepted of make_deflate_offer. RFC 6455 4.1, RFC 7692 5 and 7.1.
[[nodiscard]] constexpr deflate_result check_deflate_response(header_list response,
                                                              const deflate_wishes& own) noexcept {
  deflate_result result;
  const error malformed = for_each_extension(response, [&](const extension& accepted) {
    if (accepted.name != permessage_deflate_name) {
      result = {.error = error::extension_not_offered};
    } else if (result.is_accepted) {
      // RFC 7692 5: the offers were alternatives, and two would both claim RSV1.
      result = {.error = error::extension_repeated};
    } else {
      deflate_parameters parameters;
      const error wrong = detail::read_deflate_parameters(accepted, false, parameters);
      result = wrong == error::none ? accept_deflate_response(parameters, own)
                                    : deflate_result{.error = wrong};
    }
    return result.error == error::none;
  });
  return malformed == error::none ? result : deflate_result{.error = malformed};
}

}  // namespace hawser::inline v0
