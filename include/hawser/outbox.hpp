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
  void add_raw(detail::block_pool& pool, std::span<const std::byte> bytes);

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
  void add_control(detail::block_pool& pool, std::span<const std::byte> frame,
                   bool is_close = false);

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

  static void insert_lane(detail::block_pool& pool, detail::output_queue& queue);
  static std::size_t take_payload(detail::block& from, std::size_t size) noexcept;

  detail::block* queue_ = nullptr;
};

}  // namespace hawser::inline v0

#include "hawser/detail/outbox.ipp"
