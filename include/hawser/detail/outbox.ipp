// What waits and is not just the next frame. Part of hawser/outbox.hpp.

namespace hawser::inline v0 {

inline void outbox::add_raw(detail::block_pool& pool, std::span<const std::byte> bytes) {
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

HAWSER_COLD inline void outbox::add_control(detail::block_pool& pool,
                                            std::span<const std::byte> frame, bool is_close) {
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

// A lane behind what was handed out, and behind the answer to a handshake.
inline void outbox::insert_lane(detail::block_pool& pool, detail::output_queue& queue) {
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
