#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/entropy.hpp"
#include "hawser/error.hpp"
#include "hawser/handshake_key.hpp"
#include "hawser/handshake_text.hpp"
#include "hawser/http1_body.hpp"
#include "hawser/http1_head.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/uri.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hawser::inline v0 {

/// What a client asks of a server.
struct client_request {
  std::string url;                             ///< A ws or wss URL. See parse_uri.
  std::vector<std::string> subprotocols = {};  ///< To offer, in the order of preference.
  std::string origin = {};                     ///< For the Origin header; empty: none.
  std::vector<header> headers = {};            ///< The application's own, read by the constructor.
};

/// What a server answered to an opening handshake: a view, as long as its connection lives.
struct response {
  unsigned status = 0;      ///< 101 where the connection opened.
  std::string_view reason;  ///< In the status line; any bytes but control bytes.
  header_list headers;
  std::string_view body;  ///< Of a refused handshake, at most limits.max_refusal_size bytes.
};

/// The opening handshake of a client: a request out, an answer in. It lives as long as the
/// connection, for its url and what was agreed on.
class client_handshake {
 public:
  enum class phase : std::uint8_t {
    reading,       ///< The head of the answer is not complete.
    reading_body,  ///< The handshake was refused, and its body is not complete.
    accepted,      ///< The connection is open.
    refused,       ///< The answer is anything else, and complete.
  };

  client_handshake(client_request request, const client_options& options)
      : url_{std::move(request.url)},
        offered_{std::move(request.subprotocols)},
        parser_{options.limits.max_head_size, options.limits.max_headers},
        body_decoder_{{}} {}

  client_handshake(const client_handshake&) = delete;
  client_handshake& operator=(const client_handshake&) = delete;

  /// Ends the life of one on the heap, or of none.
  HAWSER_NO_INLINE static void destroy(client_handshake* made) noexcept { delete made; }

  /// Writes the request. Where it offers extensions, who reads the answer checks which of them it
  /// has.
  [[nodiscard]] error write(const text_room& out, std::string_view origin, header_list headers,
                            entropy& random, std::string_view extensions = {}) {
    offers_extensions_ = !extensions.empty();
    const parsed<uri> to = parse_uri(url_);
    if (!to) return to.error;
    // RFC 6455 4.1: "The value of this header field MUST be a nonce consisting of a randomly
    // selected 16-byte value that has been base64-encoded"
    std::array<std::byte, 16> nonce;
    random.take(nonce);
    key_ = make_key(nonce);
    return write_upgrade_request(out, *to, key(), {origin, offered_, headers, extensions});
  }

  /// What somebody else agreed on.
  void keep_subprotocol(std::string_view subprotocol) {
    offered_.assign(1, std::string{subprotocol});
    subprotocol_ = offered_.data();
  }

  [[nodiscard]] phase state() const noexcept { return phase_; }
  [[nodiscard]] std::string_view url() const noexcept { return url_; }
  /// What was agreed on; empty: none.
  [[nodiscard]] std::string_view subprotocol() const noexcept {
    return subprotocol_ == nullptr ? std::string_view{} : *subprotocol_;
  }
  [[nodiscard]] hawser::response response() const noexcept {
    if (parser_.state() != parse_state::complete) return {};
    return {parser_.status(), parser_.reason(), parser_.headers(), body_};
  }

  /// Takes what belongs to the answer from [position, end), and moves `position` behind it.
  [[nodiscard]] error receive(std::byte*& position, std::byte* end, const client_options& options) {
    while (phase_ == phase::reading && position != end) {
      const head_progress progress = detail::parse_head(parser_, position, end);
      if (progress.state == parse_state::failed) return progress.error;
      if (progress.state == parse_state::incomplete) return error::none;
      if (const error wrong = end_head(); wrong != error::none) return wrong;
    }
    if (phase_ == phase::reading_body) {
      reserve_body(rest(position, end).size(), options.limits.max_refusal_size);
      position += body_decoder_.decode(rest(position, end), body_, options.limits.max_refusal_size)
                      .consumed;
      const bool is_full = body_.size() >= options.limits.max_refusal_size;
      if (is_full || body_decoder_.state() != parse_state::incomplete) phase_ = phase::refused;
    }
    return error::none;
  }

  /// The stream has ended, which completes some bodies.
  void receive_eof() noexcept {
    if (phase_ == phase::reading_body) phase_ = phase::refused;
  }

 private:
  static constexpr unsigned max_interim_responses = 8;

  [[nodiscard]] std::string_view key() const noexcept { return {key_.data(), key_.size()}; }

  [[nodiscard]] static byte_view rest(const std::byte* position, const std::byte* end) noexcept {
    return {position, static_cast<std::size_t>(end - position)};
  }

  // Makes room for `size` more bytes, as far as they may be kept: the decoder is not to stop
  // halfway.
  void reserve_body(std::size_t size, std::size_t most) {
    const std::size_t needed = body_.size() + detail::min_of(size, most - body_.size());
    if (needed > body_.capacity()) {
      body_.reserve(detail::max_of(needed, detail::min_of(most, 2 * body_.capacity())));
    }
  }

  [[nodiscard]] error end_head() {
    // RFC 9110 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a
    // final response, even if the client does not expect one."
    if (parser_.status() < 200 && parser_.status() != 101) {
      if (++interim_responses_ > max_interim_responses) return error::bad_status_line;
      parser_.reset();
      return error::none;
    }
    const response_view head{.status = parser_.status(),
                             .version_minor = parser_.version_minor(),
                             .headers = parser_.headers()};
    const choice found = check_response(head, key(), offered_, offers_extensions_);
    if (found.error == error::handshake_refused) {
      body_decoder_ =
          body_decoder{response_body_framing(head.status, head.version_minor, head.headers)};
      phase_ = phase::reading_body;
      return error::none;
    }
    subprotocol_ = found.subprotocol;
    if (found.error == error::none) phase_ = phase::accepted;
    return found.error;
  }

  std::string url_;
  std::vector<std::string> offered_;
  const std::string* subprotocol_ = nullptr;
  std::array<char, 24> key_ = {};
  response_head_parser parser_;
  body_decoder body_decoder_;
  std::string body_;
  unsigned interim_responses_ = 0;
  phase phase_ = phase::reading;
  bool offers_extensions_ = false;
};

}  // namespace hawser::inline v0
