// Frames: headers parsed and written, and the receiver, against a slow decoder that is written
// straight from the RFC. What is asserted stands in README.md.
//
// Input: role and delivery (1 byte), relaxed rules (2), limits (2), how many bytes of cuts (1), the
// cuts, then the bytes of a connection.

#include "hawser/detail/block.hpp"
#include "hawser/frame.hpp"
#include "hawser/frame_reader.hpp"
#include "hawser/receiver.hpp"
#include "support/fuzzing.hpp"
#include "support/reference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using hawser::error;
using support::require;

hawser::strictness relaxed_by(unsigned bits) {
  const auto is_held = [&](unsigned bit) { return (bits >> bit & 1U) == 0; };
  return {.mask_direction = is_held(0),
          .minimal_length = is_held(1),
          .length_below_2_63 = is_held(2),
          .reserved_bits = is_held(3),
          .reserved_opcodes = is_held(4),
          .control_size = is_held(5),
          .control_fin = is_held(6),
          .close_codes = is_held(7),
          .utf8 = is_held(8)};
}

hawser::limits limits_by(unsigned bits) {
  constexpr std::array<std::uint64_t, 4> sizes = {0, 3, 125, 1000};
  constexpr std::array<std::uint32_t, 4> counts = {0, 1, 3, 40};
  return {.max_frame_size = sizes[bits & 3U],
          .max_message_size = sizes[bits >> 2 & 3U],
          .max_fragments = counts[bits >> 4 & 3U],
          .max_control_frames = counts[bits >> 6 & 3U]};
}

struct task {
  hawser::role self = hawser::role::server;
  hawser::receiver_context context;
  std::string_view cuts;
  std::string_view wire;
};

task read_task(const std::uint8_t* data, std::size_t size) {
  support::fuzz_input in{data, size};
  task result;
  const unsigned kind = in.byte();
  result.self = (kind & 1U) == 0 ? hawser::role::server : hawser::role::client;
  result.context.delivery = (kind & 2U) == 0 ? hawser::delivery::whole : hawser::delivery::pieces;
  const unsigned low = in.byte();
  result.context.strictness = relaxed_by(low | in.byte() << 8);
  const unsigned limits = in.byte();
  result.context.limits = limits_by(limits | in.byte() << 8);
  result.cuts = in.take(in.byte());
  result.wire = in.take_all();
  return result;
}

// --- Headers -----------------------------------------------------------------------------------

void compare(const hawser::frame_header& found, const support::reference_header& expected) {
  std::array<std::byte, 4> key{};
  found.key.to_bytes(key.data());
  const auto is_same = [](std::byte a, unsigned char b) { return a == std::byte{b}; };
  constexpr std::uint64_t all_but_highest = ~std::uint64_t{0} >> 1;
  require(static_cast<unsigned>(found.opcode) == expected.opcode, "the opcode");
  require(found.fin == (expected.fin != 0 || expected.opcode >= 8), "FIN");
  require(found.rsv1 == (expected.rsv >> 2 & 1U) && found.rsv2 == (expected.rsv >> 1 & 1U) &&
              found.rsv3 == (expected.rsv & 1U),
          "the reserved bits");
  require(found.masked == (expected.masked != 0), "the mask bit");
  require(found.payload_size == (expected.length & all_but_highest), "the length");
  require(std::equal(key.begin(), key.end(), expected.key.begin(), is_same), "the key");
}

// Each beginning of the bytes gives the same header, error, or wish for more.
void check_headers(const task& todo) {
  for (const bool in_message : {false, true}) {
    const hawser::frame_rules rules{
        .self = todo.self, .in_message = in_message, .strictness = todo.context.strictness};
    error first_error = error::none;
    const std::size_t most = std::min(todo.wire.size(), hawser::max_frame_header_size + 1);
    for (std::size_t size = 0; size <= most; ++size) {
      const support::exact_copy part{todo.wire.substr(0, size)};
      const hawser::frame_header_result found = hawser::parse_frame_header(part.span(), rules);
      require(first_error == error::none || found.error == first_error,
              "an error stays, whatever follows");
      first_error = found.error;
      if (found.error != error::none) {
        require(found.size == 0, "a wrong header has no size");
        continue;
      }
      const support::reference_header expected = support::read_reference_header(part.text());
      require(found.size == expected.size, "the size of the header");
      if (found.size != 0) compare(found.header, expected);
    }
  }
}

// What is written is read again, by both.
void check_written(const task& todo) {
  const support::reference_header from = support::read_reference_header(todo.wire);
  if (from.size == 0) return;
  hawser::frame_header header{.opcode = static_cast<hawser::opcode>(from.opcode),
                              .fin = from.fin != 0 || from.opcode >= 8,
                              .rsv1 = (from.rsv & 4U) != 0,
                              .rsv2 = (from.rsv & 2U) != 0,
                              .rsv3 = (from.rsv & 1U) != 0,
                              .masked = from.masked != 0,
                              .payload_size = from.length & ~std::uint64_t{0} >> 1};
  const std::span<const unsigned char> key_bytes{from.key};
  header.key = hawser::masking_key::from_bytes(std::as_bytes(key_bytes).data());

  const std::size_t size = hawser::frame_header_size(header.payload_size, header.masked);
  const support::exact_copy room{std::string(size, '\0')};
  require(hawser::write_frame_header(room.span().data(), header) == size, "the written size");
  const support::reference_header again = support::read_reference_header(room.text());
  require(again.size == size, "a written header is complete");
  compare(header, again);

  const hawser::strictness lax{.mask_direction = false,
                               .reserved_bits = false,
                               .reserved_opcodes = false,
                               .control_size = false};
  const hawser::frame_rules rules{.in_message = header.opcode == hawser::opcode::continuation,
                                  .strictness = lax};
  const hawser::frame_header_result read = hawser::parse_frame_header(room.span(), rules);
  require(read.error == error::none && read.size == size && read.header == header,
          "what was written is read");
}

// --- The receiver ------------------------------------------------------------------------------

template <hawser::role Role>
class run {
 public:
  run(const task& todo, bool uses_fast_path)
      : context_{todo.context},
        pool_{hawser::memory{}, 0},
        receiver_{pooled()},
        is_fast_{uses_fast_path} {
    receiver_.update_fast_limit(context_, is_fast_);
  }
  run(const run&) = delete;
  run& operator=(const run&) = delete;
  ~run() { receiver_.release(context_); }

  support::fuzz_log feed(const std::vector<std::string_view>& parts) {
    for (const std::string_view part : parts) {
      const support::exact_copy bytes{part};
      std::byte* position = bytes.span().data();
      std::byte* end = position + part.size();
      while (const hawser::event found = next(position, end)) {
        record_.add(found, receiver_.position_of_piece());
        require(record_.has_ended() == receiver_.is_ended(), "the receiver knows its end");
      }
      require(position == end, "all is used where there is no event");
    }
    return record_.lines();
  }

 private:
  const hawser::receiver_context& pooled() {
    context_.pool = &pool_;
    return context_;
  }

  hawser::event next(std::byte*& position, std::byte* end) {
    const std::byte* before = position;
    hawser::event found = receiver_.next_small(position, end);
    if (!found) found = receiver_.next_alone(position, end, context_);
    if (found) {
      require(position > before && position <= end, "the fast path uses bytes");
    } else {
      require(position == before, "the fast path leaves what it does not take");
      found = receiver_.next(position, end, context_);
      // Bytes behind the last good one of a piece wait for one more step: the failure.
      require(position >= before && position <= end, "the position moves forward");
      require(!found || position > before || receiver_.is_ended() || before == end,
              "each step uses bytes or is the last");
      receiver_.update_fast_limit(context_, is_fast_);
    }
    return found;
  }

  hawser::receiver_context context_;
  hawser::detail::block_pool pool_;
  hawser::receiver<Role> receiver_;
  support::event_record record_;
  bool is_fast_;
};

template <hawser::role Role>
void check_receiver(const task& todo) {
  support::reference_receiver reference{
      {.is_server = Role == hawser::role::server,
       .is_whole = todo.context.delivery == hawser::delivery::whole,
       .strictness = todo.context.strictness,
       .limits = todo.context.limits}};
  reference.feed(todo.wire);
  const support::fuzz_log expected = reference.lines();
  const std::vector<std::string_view> whole{todo.wire};
  support::require_same(run<Role>{todo, true}.feed(whole), expected, "whole, as the RFC");
  support::require_same(run<Role>{todo, false}.feed(whole), expected, "without the fast path");
  support::require_same(run<Role>{todo, true}.feed(support::cut_by(todo.wire, todo.cuts)), expected,
                        "cut anywhere, as the RFC");
  support::require_same(run<Role>{todo, true}.feed(support::cut_each(todo.wire)), expected,
                        "byte by byte, as the RFC");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const task todo = read_task(data, size);
  check_headers(todo);
  check_written(todo);
  if (todo.self == hawser::role::server) {
    check_receiver<hawser::role::server>(todo);
  } else {
    check_receiver<hawser::role::client>(todo);
  }
  return 0;
}
