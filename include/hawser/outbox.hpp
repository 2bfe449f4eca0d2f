#pragma once

#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/frame.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/time.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace hawser::inline v0 {

namespace detail {

// What waits to be sent, at the front of the block that the first frames lie in. It exists while
// something waits.
//
// Fields that change together stand side by side: compilers write and read them in pairs, and a
// pair that is read where two others were written waits until both are in the cache.
struct output_queue {
  block* first = nullptr;
  block* last = nullptr;
  block* handed = nullptr;  // the last block that output() showed: nothing may come before it
  block* lane = nullptr;    // the last lane
  std::size_t size = 0;
  std::size_t payload = 0;
  std::size_t control = 0;  // bytes of control frames that stand in line with the data
  time_point waiting_since = time_point::min();
  std::uint32_t lanes = 0;    // two at the most
  bool blocked = false;       // something was left when bytes were last taken
  bool is_lane_open = false;  // the last lane was not handed out, and takes further frames
};

}  // namespace detail

/// What waits to be sent, as a list of spans for a gathered write. It views the connection and
/// stays valid, byte for byte, until bytes are consumed; what is sent in between goes behind it.
class output_list {
 public:
  class iterator {
   public:
    using value_type = std::span<const std::byte>;
    using difference_type = std::ptrdiff_t;

    constexpr iterator() = default;
    [[nodiscard]] std::span<const std::byte> operator*() const noexcept { return at_->bytes(); }
    iterator& operator++() noexcept {
      at_ = at_ == last_ ? nullptr : at_->next;
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++*this;
      return before;
    }
    friend constexpr bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }

   private:
    friend class output_list;
    constexpr iterator(detail::block* at, detail::block* last) noexcept : at_{at}, last_{last} {}

    detail::block* at_ = nullptr;
    detail::block* last_ = nullptr;
  };

  constexpr output_list() = default;

  [[nodiscard]] iterator begin() const noexcept { return {first_, last_}; }
  [[nodiscard]] static iterator end() noexcept { return {}; }
  /// True where nothing waits.
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// The first span: for sockets that take one at a time. Empty where nothing waits.
  [[nodiscard]] std::span<const std::byte> front() const noexcept {
    return empty() ? std::span<const std::byte>{} : *begin();
  }

 private:
  friend class outbox;
  constexpr output_list(detail::block* first, detail::block* last) noexcept
      : first_{first}, last_{last} {}

  detail::block* first_ = nullptr;
  detail::block* last_ = nullptr;
};

/// Frames that wait to be sent, in blocks from the endpoint's pool: one pointer, null when nothing
/// waits.
///
/// Frames never move once they stand here. Control frames stand in line with the data, unless
/// output is blocked: then they overtake what was not handed out yet, in a lane of 1 KiB in which
/// the newest pong replaces the one before. Where that lane is handed out there is a second one,
/// which is not before the first is sent: so there are two, whatever a peer does.
class outbox {
 public:
  /// Bytes of control frames that stand in line with data before further ones take the lane.
  static constexpr std::size_t control_reserve = 2048;
  /// The size of the lane, and of the smallest block of data.
  static constexpr std::size_t lane_size = 1024 - sizeof(detail::block);
  static constexpr std::size_t data_size = detail::block_pool::ready_size - sizeof(detail::block);
  /// The largest control frame: 2 bytes of header, 4 of masking key, 125 of payload.
  static constexpr std::size_t max_control_frame_size = 131;

  outbox() = default;
  outbox(outbox&& other) noexcept : queue_{other.queue_} { other.queue_ = nullptr; }
  outbox& operator=(outbox&&) = delete;
  ~outbox() { HAWSER_ASSERT(queue_ == nullptr && "clear() comes before the end"); }

  [[nodiscard]] bool empty() const noexcept {
    return queue_ == nullptr || storage()->first == nullptr;
  }
  /// True where it holds no memory either.
  [[nodiscard]] bool is_unused() const noexcept { return queue_ == nullptr; }
  /// All bytes that wait.
  [[nodiscard]] std::size_t size() const noexcept {
    return queue_ == nullptr ? 0 : storage()->size;
  }
  /// True where something was left when bytes were last taken.
  [[nodiscard]] bool is_blocked() const noexcept { return queue_ != nullptr && storage()->blocked; }
  /// The payload of messages among them, without headers and control frames.
  [[nodiscard]] std::size_t payload_size() const noexcept {
    return queue_ == nullptr ? 0 : storage()->payload;
  }

  /// Room for a frame of `size` bytes behind all that waits. Write it, then call add.
  [[nodiscard]] std::byte* room(detail::block_pool& pool, std::size_t size) {
    detail::output_queue& queue = open(pool);
    detail::block* last = queue.last;
    if (last == nullptr && size <= queue_->room()) {
      queue.first = queue.last = last = queue_;
    } else if (last == nullptr || last->is_raw || last->is_lane || last->room() < size) {
      return room_in_another(pool, queue, size);
    }
    return last->data() + last->end;
  }

  /// The frame of `size` bytes that was written to room() waits now; `payload` bytes of it are a
  /// message's.
  void add(std::size_t size, std::size_t payload) noexcept {
    detail::output_queue& queue = *storage();
    queue.last->end += size;
    queue.last->payload += payload;
    queue.size += size;
    queue.payload += payload;
  }

  /// Bytes that are no frames: the head and body of an HTTP message.
  void add_raw(detail::block_pool& pool, std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    detail::output_queue& queue = open(pool, sizeof(detail::output_queue) + bytes.size());
    detail::block* last = queue.last;
    if (last == nullptr && bytes.size() <= queue_->room()) {
      queue.first = queue.last = last = queue_;
    } else {
      last = append(pool, queue, bytes.size());
    }
    last->is_raw = true;
    detail::copy_bytes(last->data() + last->end, bytes.data(), bytes.size());
    add(bytes.size(), 0);
  }

  /// True where a control frame of `size` bytes finds room without replacing another, and leaves
  /// room for a pong.
  [[nodiscard]] bool has_control_room(std::size_t size) const noexcept {
    if (queue_ == nullptr) return true;
    const detail::output_queue& queue = *storage();
    if (stands_in_line(queue, size)) return true;
    return !queue.is_lane_open || queue.lane->end + size <= lane_size / 2;
  }

  /// Adds a whole control frame of at most 131 bytes; with `is_close`, behind all that waits. Where
  /// the lane is full, which takes a flood of pings, it replaces the last pong.
  HAWSER_COLD void add_control(detail::block_pool& pool, std::span<const std::byte> frame,
                               bool is_close = false) {
    detail::output_queue& queue = open(pool);
    if (is_close || stands_in_line(queue, frame.size())) {
      detail::copy_bytes(room(pool, frame.size()), frame.data(), frame.size());
      add(frame.size(), 0);
      queue.control += frame.size();
      return;
    }
    if (!queue.is_lane_open) insert_lane(pool, queue);
    detail::block* lane = queue.lane;
    // Each frame begins where the largest has room, so that the newest fits in the place of any.
    if (lane->end > lane_size - max_control_frame_size) {
      queue.size -= lane->end - lane->frame;
      lane->end = lane->frame;
    }
    lane->frame = lane->end;
    detail::copy_bytes(lane->data() + lane->end, frame.data(), frame.size());
    lane->end += frame.size();
    queue.size += frame.size();
  }

  /// All that waits, or where there are two lanes what stands before the second. It keeps its place
  /// until consume.
  [[nodiscard]] output_list output() noexcept {
    if (queue_ == nullptr) return {};
    detail::output_queue& queue = *storage();
    queue.handed = queue.lanes > 1 ? block_before(queue, queue.lane) : queue.last;
    queue.is_lane_open = queue.lanes > 1;
    return {queue.first, queue.handed};
  }

  /// The first `size` bytes of the last output() are sent. 0 says that the write took none.
  void consume(detail::block_pool& pool, std::size_t size) noexcept {
    if (queue_ == nullptr) return;
    const detail::output_queue& queue = *storage();
    if (size == queue.size && queue.first == queue_ && queue.last == queue_) {
      close(pool);
    } else {
      consume_blocks(pool, size);
    }
  }

  /// Drops everything.
  void clear(detail::block_pool& pool) noexcept {
    if (queue_ == nullptr) return;
    for (detail::block* at = storage()->first; at != nullptr;) {
      detail::block* next = at->next;
      if (at != queue_) pool.give(at);
      at = next;
    }
    close(pool);
  }

  /// Whole frames that were sent elsewhere, up to a place in the first of them, and come before all
  /// that waits. Nothing was handed out since they were written.
  void add_before(detail::block_pool& pool, std::span<const std::byte> frames, std::size_t sent);

  /// Since when nothing of what waits was taken; time_point::min() where nobody said yet.
  [[nodiscard]] time_point waiting_since() const noexcept {
    return queue_ == nullptr ? time_point::min() : storage()->waiting_since;
  }
  void set_waiting_since(time_point now) noexcept {
    if (queue_ != nullptr) storage()->waiting_since = now;
  }

 private:
  [[nodiscard]] detail::output_queue* storage() const noexcept {
    return reinterpret_cast<detail::output_queue*>(queue_->data());
  }

  // Frames of control stand in line while they are few and nothing is stuck before them.
  [[nodiscard]] static bool stands_in_line(const detail::output_queue& queue,
                                           std::size_t size) noexcept {
    return !queue.blocked && queue.control + size <= control_reserve;
  }

  // `capacity` is for the queue and what comes first.
  [[nodiscard]] detail::output_queue& open(detail::block_pool& pool,
                                           std::size_t capacity = data_size) {
    if (queue_ == nullptr) {
      if (capacity <= data_size) queue_ = pool.take_ready();
      if (queue_ == nullptr) open_new(pool, capacity);
    }
    return *storage();
  }

  HAWSER_COLD void open_new(detail::block_pool& pool, std::size_t capacity) {
    queue_ = pool.take(capacity);
    make_ready();
  }

  // Behind all that waited. The block is left as open() wants it: what it takes to make it so is
  // in the cache now.
  void close(detail::block_pool& pool) noexcept {
    make_ready();
    if (!pool.leave_ready(queue_)) pool.give(queue_);
    queue_ = nullptr;
  }

  // Makes an empty queue of the first block, of which only the capacity is known.
  void make_ready() noexcept {
    detail::block& first = *queue_;
    first.next = nullptr;
    first.begin = first.end = first.frame = sizeof(detail::output_queue);
    first.payload = 0;
    first.is_raw = first.is_lane = false;
    new (first.data()) detail::output_queue{};
  }

  HAWSER_NO_INLINE static std::byte* room_in_another(detail::block_pool& pool,
                                                     detail::output_queue& queue,
                                                     std::size_t size) {
    return append(pool, queue, size < data_size ? data_size : size)->data();
  }

  void consume_blocks(detail::block_pool& pool, std::size_t size) noexcept;

  static detail::block* append(detail::block_pool& pool, detail::output_queue& queue,
                               std::size_t capacity) {
    detail::block* added = pool.take(capacity);
    (queue.last == nullptr ? queue.first : queue.last->next) = added;
    queue.last = added;
    return added;
  }

  // `next` is not the first.
  [[nodiscard]] static detail::block* block_before(const detail::output_queue& queue,
                                                   const detail::block* next) noexcept {
    detail::block* at = queue.first;
    while (at->next != next) at = at->next;
    return at;
  }

  // A lane behind what was handed out, and behind the answer to a handshake.
  static void insert_lane(detail::block_pool& pool, detail::output_queue& queue) {
    detail::block* lane = pool.take(lane_size);
    lane->is_lane = true;
    detail::block** link = queue.handed == nullptr ? &queue.first : &queue.handed->next;
    while (*link != nullptr && (*link)->is_raw) link = &(*link)->next;
    lane->next = *link;
    *link = lane;
    if (lane->next == nullptr) queue.last = lane;
    queue.lane = lane;
    ++queue.lanes;
    queue.is_lane_open = true;
  }

  static std::size_t take_payload(detail::block& from, std::size_t size) noexcept;

  detail::block* queue_ = nullptr;
};

namespace detail {

// A frame that we wrote ourselves: all of its bytes, and how many of them are payload of a message.
struct frame_extent {
  std::size_t size = 0;
  std::size_t payload = 0;
};

inline frame_extent first_frame(std::span<const std::byte> bytes) noexcept {
  const frame_rules rules{
      .self = (bytes[1] & std::byte{0x80}) == std::byte{0} ? role::client : role::server,
      .in_message = (bytes[0] & std::byte{0x0F}) == std::byte{0},
      .strictness = {.reserved_bits = false}};  // they are an extension's
  const frame_header_result found = parse_frame_header(bytes, rules);
  const auto payload = static_cast<std::size_t>(found.header.payload_size);
  return {.size = found.size + payload, .payload = is_control(found.header.opcode) ? 0 : payload};
}

}  // namespace detail

// Moves `begin` over `size` bytes, which are not all of the block, and returns how many of them are
// payload of messages: what the headers that we wrote ourselves say.
HAWSER_COLD inline std::size_t outbox::take_payload(detail::block& from,
                                                    std::size_t size) noexcept {
  const std::size_t begin = from.begin;
  from.begin += size;
  if (from.is_raw || from.is_lane) return 0;
  std::size_t payload = 0;
  while (from.frame < from.begin) {
    const auto frame = detail::first_frame({from.data() + from.frame, from.end - from.frame});
    const std::size_t stop = from.frame + frame.size;
    const std::size_t start = stop - frame.payload;
    if (stop > begin && start < from.begin) {
      payload += (stop < from.begin ? stop : from.begin) - (start > begin ? start : begin);
    }
    if (stop > from.begin) break;
    from.frame = stop;
  }
  return payload;
}

HAWSER_NO_INLINE inline void outbox::add_before(detail::block_pool& pool,
                                                std::span<const std::byte> frames,
                                                std::size_t sent) {
  while (sent != 0) {
    const std::size_t size = detail::first_frame(frames).size;
    if (sent < size) break;
    frames = frames.subspan(size);
    sent -= size;
  }
  std::size_t payload = 0;
  for (auto rest = frames; !rest.empty();) {
    const detail::frame_extent frame = detail::first_frame(rest);
    payload += frame.payload;
    rest = rest.subspan(frame.size);
  }
  detail::output_queue& queue = open(pool);
  HAWSER_ASSERT(queue.handed == nullptr && "the sink goes before output()");
  detail::block* const added = pool.take(frames.size());
  detail::copy_bytes(added->data(), frames.data(), frames.size());
  added->end = frames.size();
  added->payload = payload;
  added->next = queue.first;
  queue.first = added;
  if (queue.last == nullptr) queue.last = added;
  queue.size += frames.size();
  queue.payload += payload;
  consume_blocks(pool, sent);
}

HAWSER_NO_INLINE inline void outbox::consume_blocks(detail::block_pool& pool,
                                                    std::size_t size) noexcept {
  detail::output_queue& queue = *storage();
  HAWSER_ASSERT(size <= queue.size && "more was consumed than was in the output");
  queue.size -= size;
  if (size != 0) queue.waiting_since = time_point::min();
  while (size != 0) {
    detail::block* first = queue.first;
    const std::size_t held = first->end - first->begin;
    if (size < held) {
      const std::size_t payload = take_payload(*first, size);
      first->payload -= payload;
      queue.payload -= payload;
      break;
    }
    size -= held;
    queue.payload -= first->payload;
    queue.first = first->next;
    if (queue.first == nullptr) queue.last = nullptr;
    if (first->is_lane) --queue.lanes;
    if (first == queue.lane) queue.lane = nullptr;
    if (first != queue_) pool.give(first);
  }
  if (queue.first == nullptr) {
    close(pool);
    return;
  }
  queue.blocked = true;
  const bool is_cut = queue.first->begin != (queue.first == queue_ ? sizeof queue : 0);
  queue.handed = is_cut ? queue.first : nullptr;
  queue.is_lane_open = queue.lane != nullptr && queue.lane->begin == 0;
}

}  // namespace hawser::inline v0
