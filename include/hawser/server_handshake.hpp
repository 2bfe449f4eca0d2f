#pragma once

#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/error.hpp"
#include "hawser/handshake_text.hpp"
#include "hawser/http1_head.hpp"
#include "hawser/memory.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/request.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

namespace hawser::inline v0 {

namespace detail {

// Memory from the pool, for those who want no block.
[[nodiscard]] inline memory memory_of(block_pool& pool) noexcept {
  return {&pool,
          [](void* context, std::size_t size) -> void* {
            return static_cast<block_pool*>(context)->take(size)->data();
          },
          [](void* context, void* pointer, std::size_t) {
            static_cast<block_pool*>(context)->give(static_cast<block*>(pointer) - 1);
          }};
}

}  // namespace detail

/// The opening handshake of a server: a request in, an answer out. It lives in memory of the pool
/// until the connection is open.
class server_handshake {
 public:
  enum class phase : std::uint8_t {
    reading,   ///< The head of the request is not complete.
    deciding,  ///< It is, and the application decides.
  };

  server_handshake(const server_options& options, detail::block_pool& pool) noexcept
      : pool_{&pool},
        parser_{options.limits.max_head_size, options.limits.max_headers, detail::memory_of(pool)} {
  }
  server_handshake(const server_handshake&) = delete;
  server_handshake& operator=(const server_handshake&) = delete;
  ~server_handshake() {
    for (detail::block* kept : {early_, subprotocol_}) {
      if (kept != nullptr) pool_->give(kept);
    }
  }

  /// One in memory of the pool.
  [[nodiscard]] HAWSER_NO_INLINE static server_handshake* make(const server_options& options,
                                                               detail::block_pool& pool) {
    static_assert(alignof(server_handshake) <= alignof(detail::block));
    return new (pool.take(sizeof(server_handshake))->data()) server_handshake{options, pool};
  }
  /// Ends the life of one that was made so, or of none.
  HAWSER_NO_INLINE static void destroy(server_handshake* made) noexcept {
    if (made == nullptr) return;
    detail::block_pool& pool = *made->pool_;
    made->~server_handshake();
    pool.give(reinterpret_cast<detail::block*>(made) - 1);
  }

  [[nodiscard]] phase state() const noexcept { return phase_; }
  [[nodiscard]] const hawser::request& request() const noexcept { return request_; }

  /// Takes what belongs to the request from [position, end), and moves `position` behind it. While
  /// the application decides, takes all that comes and keeps it for early(), within the limit.
  [[nodiscard]] error receive(std::byte*& position, std::byte* end, const server_options& options) {
    if (phase_ == phase::deciding) {
      return keep_early({position, static_cast<std::size_t>(end - position)}, position, options);
    }
    const head_progress progress = detail::parse_head(parser_, position, end);
    if (progress.state == parse_state::failed) return progress.error;
    if (progress.state == parse_state::incomplete) return error::none;
    return decide(options);
  }

  /// True where not a byte of a request has come.
  [[nodiscard]] bool is_untouched() const noexcept {
    return phase_ == phase::reading && parser_.size() == 0;
  }

  /// Writes the answer that opens the connection. An empty subprotocol is none.
  [[nodiscard]] error accept(const text_room& out, std::string_view subprotocol,
                             header_list headers) const {
    return accept(out, subprotocol, {}, headers);
  }

  /// The same, with the extensions that were accepted; empty: none.
  [[nodiscard]] error accept(const text_room& out, std::string_view subprotocol,
                             std::string_view extensions, header_list headers) const {
    if (!request_.is_upgrade()) return error::not_deciding;
    if (!subprotocol.empty() && subprotocol != request_.subprotocol() &&
        !request_.offers(subprotocol)) {
      return error::bad_subprotocol;
    }
    return detail::write_accept(out, request_.found_.accept_key, subprotocol, extensions, headers);
  }

  /// Writes any other answer.
  [[nodiscard]] error respond(const text_room& out, unsigned status, header_list headers,
                              std::string_view body) const {
    return write_response(out, status, headers, body, is_head());
  }

  /// Writes a refusal with its reason in plain words.
  [[nodiscard]] error refuse(const text_room& out, unsigned status, std::string_view reason) const {
    return write_refusal(out, status, reason, is_head());
  }

  /// What came behind the request before it was accepted and is not parsed yet.
  [[nodiscard]] std::span<std::byte> early() noexcept {
    return early_ == nullptr ? std::span<std::byte>{} : early_->bytes();
  }
  void consume_early(std::size_t size) noexcept { early_->begin += size; }

  /// A subprotocol that is not one of the endpoint's, kept for the connection's life.
  void keep_subprotocol(std::string_view subprotocol) {
    keep(subprotocol_, std::as_bytes(std::span{subprotocol}), subprotocol.size());
  }
  [[nodiscard]] std::string_view subprotocol() const noexcept {
    return subprotocol_ == nullptr ? std::string_view{} : as_text(subprotocol_->bytes());
  }

 private:
  [[nodiscard]] bool is_head() const noexcept { return request_.method() == "HEAD"; }

  [[nodiscard]] error decide(const server_options& options) {
    request_.head_ = {.method = parser_.method(),
                      .target = parser_.target(),
                      .version_minor = parser_.version_minor(),
                      .headers = parser_.headers()};
    detail::classify(request_.head_,
                     {.origins = &options.origins,
                      .allowed_hosts = options.allowed_hosts,
                      .subprotocols = options.subprotocols},
                     request_.found_);
    if (request_.found_.error != error::none) return request_.found_.error;
    if (!request_.is_upgrade() && !options.answers_http) return error::missing_upgrade;
    phase_ = phase::deciding;
    return error::none;
  }

  // A client must not send frames before it has the answer, and what follows a plain request is of
  // no interest: the connection closes.
  [[nodiscard]] HAWSER_COLD error keep_early(std::span<const std::byte> bytes, std::byte*& position,
                                             const server_options& options) {
    if (request_.is_upgrade() && !bytes.empty()) {
      const std::size_t most = options.limits.max_early_size;
      if (bytes.size() > most - early().size()) return error::too_much_early_data;
      keep(early_, bytes, most);
    }
    position += bytes.size();
    return error::none;
  }

  // Adds to what is kept, which will never be more than `most` bytes.
  HAWSER_COLD void keep(detail::block*& kept, std::span<const std::byte> bytes, std::size_t most) {
    detail::reserve(*pool_, kept, bytes.size(), most);
    detail::copy_bytes(kept->data() + kept->end, bytes.data(), bytes.size());
    kept->end += bytes.size();
  }

  detail::block_pool* pool_;
  request_head_parser parser_;
  hawser::request request_;
  detail::block* early_ = nullptr;
  detail::block* subprotocol_ = nullptr;
  phase phase_ = phase::reading;
};

}  // namespace hawser::inline v0
