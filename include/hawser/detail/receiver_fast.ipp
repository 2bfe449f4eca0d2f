// Messages that lie whole in the input, in one frame, while nothing unusual holds. Part of
// hawser/receiver.hpp.

namespace hawser::inline v0 {

template <role Role>
HAWSER_ALWAYS_INLINE event receiver<Role>::next_small(std::byte*& position,
                                                      const std::byte* end) noexcept {
  constexpr unsigned mask_bit = Role == role::server ? 0x80U : 0U;
  constexpr std::size_t header_size = Role == role::server ? 6 : 2;
  const auto available = static_cast<std::size_t>(end - position);
  if (available < header_size) return {};
  // FIN and an opcode of 1 or 2, and a length below the limit with the right mask bit: the wrong
  // bit makes the length 128 or more, which no limit lets through.
  const auto code = std::to_integer<unsigned>(position[0]) - 0x81U;
  const auto length = std::to_integer<unsigned>(position[1]) ^ mask_bit;
  if (code > 1 || length >= fast_limit_ || available - header_size < length) return {};
  std::byte* const payload = position + header_size;
  masking_key key;
  if constexpr (Role == role::server) key = masking_key::from_bytes(position + 2);
  if (code != 0) {
    if constexpr (Role == role::server) mask({payload, length}, key);
  } else if (!unmask_text({payload, length}, key)) {
    return {};
  }
  position = payload + length;
  return deliver_alone({payload, length}, code == 0);
}

// A message that came in one piece and changes nothing of the state.
template <role Role>
HAWSER_ALWAYS_INLINE event receiver<Role>::deliver_alone(std::span<std::byte> payload,
                                                         bool is_text) noexcept {
  const auto text = is_text ? event::text_flag : std::uint8_t{0};
  if (is_whole_) return event{event_kind::message, payload, text};
  message_size_ = piece_size_ = payload.size();
  return event{event_kind::piece, payload,
               static_cast<std::uint8_t>(text | event::first_flag | event::last_flag)};
}

template <role Role>
std::uint8_t receiver<Role>::fast_limit(const receiver_context& context) const noexcept {
  if (is_ended_ || is_delivered_ || !is_between_messages() || !context.strictness.utf8) return 0;
  const auto largest = std::uint64_t{max_control_payload_size};
  return static_cast<std::uint8_t>(detail::min_of(most_alone(context), largest) + 1);
}

template <role Role>
event receiver<Role>::next_alone(std::byte*& position, const std::byte* end,
                                 const receiver_context& context) noexcept {
  constexpr unsigned mask_bit = Role == role::server ? 0x80U : 0U;
  constexpr std::size_t key_size = Role == role::server ? 4 : 0;
  const auto available = static_cast<std::size_t>(end - position);
  if (fast_limit_ == 0 || available < 14) return {};
  const auto code = std::to_integer<unsigned>(position[0]) - 0x81U;
  const auto kind = std::to_integer<unsigned>(position[1]) ^ mask_bit;
  if (code > 1 || (kind != 126 && kind != 127)) return {};
  const std::size_t header_size = (kind == 126 ? 4U : 10U) + key_size;
  const std::uint64_t length = kind == 126 ? detail::load_big_endian<2>(position + 2)
                                           : detail::load_big_endian<8>(position + 2);
  if (length < (kind == 126 ? 126U : 65536U) || length > available - header_size ||
      length > most_alone(context)) {
    return {};
  }
  const std::span<std::byte> payload{position + header_size, static_cast<std::size_t>(length)};
  masking_key key;
  if constexpr (Role == role::server) key = masking_key::from_bytes(payload.data() - key_size);
  if (code != 0) {
    if constexpr (Role == role::server) mask(payload, key);
  } else if (!(Role == role::server ? unmask_text(payload, key) : is_utf8(payload))) {
    return {};
  }
  position = payload.data() + payload.size();
  return deliver_alone(payload, code == 0);
}

}  // namespace hawser::inline v0
