// The opening handshake of basic_connection, both roles. Part of hawser/connection.hpp.

namespace hawser::inline v0 {

namespace detail {

// A text on its way to the outbox: a short one, as that which opens a connection mostly is, on the
// stack.
class passing_text {
 public:
  explicit passing_text(block_pool& pool) noexcept : pool_{&pool} {}
  passing_text(const passing_text&) = delete;
  passing_text& operator=(const passing_text&) = delete;
  ~passing_text() {
    if (block_ != nullptr) give();
  }

  [[nodiscard]] text_room room() noexcept {
    return {this, [](void* self, std::size_t size) {
              return static_cast<passing_text*>(self)->make(size);
            }};
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {block_ == nullptr ? short_.data() : block_->data(), size_};
  }

 private:
  [[nodiscard]] char* make(std::size_t size) {
    if (size > short_.size()) take(size);
    size_ = size;
    return reinterpret_cast<char*>(block_ == nullptr ? short_.data() : block_->data());
  }
  HAWSER_COLD void take(std::size_t size) { block_ = pool_->take(size); }
  HAWSER_COLD void give() noexcept { pool_->give(block_); }

  block_pool* pool_;
  block* block_ = nullptr;
  std::size_t size_ = 0;
  std::array<std::byte, 512> short_;
};

}  // namespace detail

template <role Role, class Extension>
basic_connection<Role, Extension>::basic_connection(endpoint_type& endpoint, client_request request)
  requires(Role == role::client)
    : basic_connection{blank{}, endpoint} {
  const std::string origin = std::move(request.origin);
  const std::vector<header> headers = std::move(request.headers);
  handshake_ = new client_handshake{std::move(request), endpoint.options_};
  detail::passing_text head{pool()};
  hawser::error wrong = error::none;
  if constexpr (Extension::is_used) {
    const auto offer = Extension::make_offer(endpoint.extension_options());
    wrong = handshake_->write(head.room(), origin, headers, endpoint.entropy_, offer.text());
  } else {
    wrong = handshake_->write(head.room(), origin, headers, endpoint.entropy_);
  }
  if (wrong == error::none) {
    out_.add_raw(pool(), head.bytes());
  } else {
    lose(wrong);
  }
}

template <role Role, class Extension>
basic_connection<Role, Extension>::basic_connection(blank /*tag*/, endpoint_type& endpoint,
                                                    const agreement& agreed)
    : basic_connection{blank{}, endpoint} {
  if (!agreed.subprotocol.empty()) choose_protocol(agreed.subprotocol);
  set_open();
  if constexpr (Extension::is_used) {
    if (agreed.extensions.empty()) return;
    const auto found = Extension::adopt(Role, {{detail::extensions_header, agreed.extensions}},
                                        endpoint.extension_options());
    if (found.error == error::none) {
      agree(found);
    } else {
      fail(found.error);
    }
  }
}

// Both ends compress from here on as they agreed.
template <role Role, class Extension>
template <class Found>
void basic_connection<Role, Extension>::agree(const Found& found) noexcept {
  agreed_ = {found.is_accepted, found.response};
  if (!found.is_accepted) return;
  sender_.start_deflating(found.agreement.send);
  receiver_.start_inflating(found.agreement.receive);
}

template <role Role, class Extension>
basic_connection<Role, Extension>::~basic_connection() {
  handshake_type::destroy(handshake_);
  receiver_.release(endpoint_->receiving_);
  if constexpr (Extension::is_used) sender_.release(endpoint_->sending_);
  out_.clear(pool());
}

// The server's choice is one of the endpoint's strings, if it can be; else it is kept.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::choose_protocol(std::string_view subprotocol) {
  if constexpr (Role == role::server) {
    const std::vector<std::string>& known = endpoint_->options_.subprotocols;
    for (std::size_t i = 0; i < known.size() && i < own_protocol; ++i) {
      if (known[i] == subprotocol) {
        protocol_ = static_cast<std::uint16_t>(i);
        return;
      }
    }
    if (handshake_ == nullptr) handshake_ = server_handshake::make(endpoint_->options_, pool());
  } else if (handshake_ == nullptr) {
    handshake_ = new client_handshake{{}, endpoint_->options_};
  }
  handshake_->keep_subprotocol(subprotocol);
  protocol_ = own_protocol;
}

template <role Role, class Extension>
HAWSER_NO_INLINE std::string_view basic_connection<Role, Extension>::protocol() const noexcept {
  if constexpr (Role == role::server) {
    if (protocol_ < own_protocol) return endpoint_->options_.subprotocols[protocol_];
    if (protocol_ == no_protocol) return {};
  }
  return handshake_ == nullptr ? std::string_view{} : handshake_->subprotocol();
}

template <role Role, class Extension>
void basic_connection<Role, Extension>::set_open() noexcept {
  is_opened_ = true;
  timers_.start_watch();
}

// What was needed to open is needed no more.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::settle() noexcept {
  is_settled_ = true;
  if (Role == role::server && protocol_ != own_protocol) {
    handshake_type::destroy(handshake_);
    handshake_ = nullptr;
  }
}

template <role Role, class Extension>
event basic_connection<Role, Extension>::next_opening(std::byte*& position, std::byte* end) {
  if (is_opened_ && is_open_told_) {
    if constexpr (Role == role::server) {
      // What came before the application accepted.
      const std::span<std::byte> early =
          handshake_ == nullptr ? std::span<std::byte>{} : handshake_->early();
      if (!early.empty()) {
        // What was parsed is gone, also where memory runs out.
        struct consumer {
          ~consumer() { handshake.consume_early(static_cast<std::size_t>(at - begin)); }
          server_handshake& handshake;
          std::byte* begin;
          std::byte* at;
        } parsed{*handshake_, early.data(), early.data()};
        const event found = next_frames(parsed.at, early.data() + early.size());
        if (found) return found;
      }
    }
    settle();
    const bool is_idle = position == end && !eof_;
    if (is_idle && receiver_.fast_limit(endpoint_->receiving_) != 0) return {};
    return next_open(position, end);
  }
  if (!is_opened_) {
    const event found = next_handshake(position, end);
    if (!is_opened_) return found;
  }
  is_open_told_ = true;
  return event{event_kind::open};
}

template <role Role, class Extension>
event basic_connection<Role, Extension>::next_handshake(std::byte*& position, std::byte* end)
  requires(Role == role::server)
{
  using phase = server_handshake::phase;
  if (handshake_ == nullptr && position != end) {
    handshake_ = server_handshake::make(endpoint_->options_, pool());
  }
  if (handshake_ != nullptr) {
    const hawser::error wrong = handshake_->receive(position, end, endpoint_->options_);
    if (wrong != error::none) {
      fail_opening(wrong, http_status_for(wrong));
      return next_ended(position, end);
    }
    if (handshake_->state() == phase::deciding) {
      if (handshake_->request().is_upgrade() && !endpoint_->options_.decides_upgrades) {
        static_cast<void>(accept());
        return {};
      }
      if (!is_request_told_) {
        is_request_told_ = true;
        return event{event_kind::request};
      }
      return {};
    }
  }
  if (!eof_ || position != end) return {};
  lose(error::end_of_stream);
  return next_ended(position, end);
}

template <role Role, class Extension>
event basic_connection<Role, Extension>::next_handshake(std::byte*& position, std::byte* end)
  requires(Role == role::client)
{
  using phase = client_handshake::phase;
  const hawser::error wrong = handshake_->receive(position, end, endpoint_->options_);
  if (wrong == error::none && eof_ && position == end) handshake_->receive_eof();
  if (handshake_->state() == phase::accepted) {
    if constexpr (Extension::is_used) {
      const auto found =
          Extension::check(handshake_->response().headers, endpoint_->extension_options());
      if (found.error != error::none) {
        lose(found.error);
        return next_ended(position, end);
      }
      agree(found);
    }
    set_open();
    return {};
  }
  if (handshake_->state() == phase::refused) {
    lose(error::handshake_refused);
    return next_ended(position, end);
  }
  if (wrong == error::none && !(eof_ && position == end)) return {};
  lose(wrong == error::none ? error::end_of_stream : wrong);
  return next_ended(position, end);
}

// Fails before the connection is open: a client is told why, a server is not.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::fail_opening(hawser::error why,
                                                                 unsigned status) {
  if constexpr (Role == role::server) {
    detail::passing_text text{pool()};
    if (handshake_ == nullptr) handshake_ = server_handshake::make(endpoint_->options_, pool());
    if (handshake_->refuse(text.room(), status, to_string(why)) == error::none) {
      answer(text.bytes(), why);
      return;
    }
  }
  lose(why);
}

// The answer to a request that is not to become a WebSocket.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::answer(std::span<const std::byte> text,
                                                           hawser::error why) {
  out_.add_raw(pool(), text);
  is_answered_ = true;
  this->end(why);
}

template <role Role, class Extension>
HAWSER_NO_INLINE error basic_connection<Role, Extension>::accept(std::string_view subprotocol,
                                                                 header_list headers)
  requires(Role == role::server)
{
  if (!is_deciding()) return error::not_deciding;
  detail::passing_text head{pool()};
  hawser::error wrong = error::none;
  if constexpr (Extension::is_used) {
    const auto answer =
        Extension::answer(handshake_->request().headers(), endpoint_->extension_options());
    const typename Extension::agreed agreed{answer.is_accepted, answer.response};
    wrong = handshake_->accept(head.room(), subprotocol, agreed.text().text(), headers);
    if (wrong == error::none) agree(answer);
  } else {
    wrong = handshake_->accept(head.room(), subprotocol, headers);
  }
  if (wrong != error::none) return wrong;
  if (!subprotocol.empty()) choose_protocol(subprotocol);
  out_.add_raw(pool(), head.bytes());
  set_open();
  return error::none;
}

template <role Role, class Extension>
HAWSER_NO_INLINE error basic_connection<Role, Extension>::reject(unsigned status,
                                                                 std::string_view reason)
  requires(Role == role::server)
{
  if (!is_deciding()) return error::not_deciding;
  detail::passing_text text{pool()};
  const hawser::error wrong = handshake_->refuse(text.room(), status, reason);
  if (wrong != error::none) return wrong;
  answer(text.bytes(), error::rejected);
  is_end_told_ = true;
  return error::none;
}

template <role Role, class Extension>
HAWSER_NO_INLINE error basic_connection<Role, Extension>::respond(unsigned status,
                                                                  header_list headers,
                                                                  std::string_view body)
  requires(Role == role::server)
{
  if (!is_deciding()) return error::not_deciding;
  detail::passing_text text{pool()};
  const hawser::error wrong = handshake_->respond(text.room(), status, headers, body);
  if (wrong != error::none) return wrong;
  answer(text.bytes(), handshake_->request().is_upgrade() ? error::rejected : error::none);
  is_end_told_ = true;
  return error::none;
}

template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::on_opening_time(time_point now) {
  if (!timers_.is_expired(now, lengths().opening)) return;
  if constexpr (Role == role::server) {
    if (handshake_ != nullptr && !handshake_->is_untouched()) {
      fail_opening(error::opening_timeout, is_deciding() ? 503 : 408);
      return;
    }
  }
  lose(error::opening_timeout);
}

}  // namespace hawser::inline v0
