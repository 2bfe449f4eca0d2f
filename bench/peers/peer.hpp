#pragma once

// What is measured of each library, hawser among them. A peer's translation unit is compiled by the
// standard that its library can take, so this is C++17.

#include "support/buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace bench {

/// How many bytes one read gives, unless a question says otherwise.
inline constexpr std::size_t usual_read_size = 16384;

/// A message in a buffer.
struct piece {
  std::uint32_t offset;
  std::uint32_t size;
};

/// Where messages, or bytes for the network, are handed over. That takes next to nothing, unless
/// they are to be kept and looked at.
class delivery {
 public:
  delivery() = default;
  explicit delivery(std::vector<std::byte>& kept) : kept_{&kept} {}

  void take(const void* data, std::size_t size) {
    ++count_;
    size_ += size;
    if (kept_ != nullptr) {
      const auto* bytes = static_cast<const std::byte*>(data);
      kept_->insert(kept_->end(), bytes, bytes + size);
    }
    // Whoever hands it over must have written it. Nothing else that they hold is touched where the
    // compiler can be told so, as around a callback that is inlined.
#if defined(__clang__)
    asm volatile("" : : "r"(data) : "memory");
#else
    asm volatile("" : : "m"(*static_cast<const char(*)[]>(data)));
#endif
  }

  /// How often something was handed over, and how many bytes.
  std::size_t count() const { return count_; }
  std::size_t size() const { return size_; }

 private:
  std::size_t count_ = 0;
  std::size_t size_ = 0;
  std::vector<std::byte>* kept_ = nullptr;
};

/// What a peer sends us. Reads give at most `read_size` bytes, which are copied to where the
/// library wants to have them: this copy stands for recv.
struct input {
  const std::byte* data;
  std::size_t size;
  std::size_t messages;
  std::size_t read_size;
};

/// A server's end of an open connection.
class receiver {
 public:
  virtual ~receiver() = default;
  /// Reads all of it, and hands over each message.
  virtual void receive(const input& from, delivery& messages) = 0;
};

/// An end of an open connection that sends.
class sender {
 public:
  virtual ~sender() = default;
  /// Sends binary messages, each of which is handed over to the network before the next is sent.
  virtual void send(const std::byte* payload, std::size_t size, std::size_t count,
                    delivery& network) = 0;
};

/// Opens connections, as a server.
class opener {
 public:
  virtual ~opener() = default;
  /// Makes a connection, gives it the request, hands over its answer, and throws it away; `count`
  /// times.
  virtual void open(const char* request, std::size_t size, std::size_t count,
                    delivery& network) = 0;
};

/// Many open connections of a server.
class crowd {
 public:
  virtual ~crowd() = default;
  /// In the given order, each connection reads the frame, and sends its message back.
  virtual void echo(const std::uint32_t* order, std::size_t count, const std::byte* frame,
                    std::size_t size, delivery& network) = 0;
};

inline constexpr std::size_t prefetch_distance = 16;

/// What a crowd reads. Each frame is copied, as by recv, but some turns before it is looked at: who
/// reads at once what was just stored waits for the stores, and so does all that stands behind,
/// which is this copy's doing and no library's.
class crowd_input {
 public:
  crowd_input(const std::byte* frame, std::size_t size) : frame_{frame}, size_{size} {
    for (std::size_t turn = 0; turn < ahead; ++turn) std::memcpy(at(turn), frame, size);
  }

  /// Where the next connection's frame lies.
  std::byte* next() {
    std::memcpy(at(turn_ + ahead), frame_, size_);
    return at(turn_++);
  }

 private:
  static constexpr std::size_t ahead = 8;
  static constexpr std::size_t places = 16;
  static constexpr std::size_t place_size = 256;

  std::byte* at(std::size_t turn) { return room_.data() + turn % places * place_size; }

  const std::byte* frame_;
  std::size_t size_;
  std::size_t turn_ = 0;
  buffer room_{places * place_size};
};

/// A library. What it cannot do by itself, without a socket, is null.
struct peer {
  const char* name = "";
  /// Why there is nothing of it; null where it is there.
  const char* why_not = nullptr;
  /// Why some of the functions are null.
  const char* lacks = "it has no function for that which can be called by itself";

  /// XORs each piece with the key, in place.
  void (*mask)(std::byte* base, const piece* pieces, std::size_t count,
               const std::byte* key) = nullptr;
  /// By how many bytes mask() moves pieces of less than 126 bytes to the front.
  std::size_t moves_small = 0;
  /// True where each piece is UTF-8.
  bool (*is_utf8)(const std::byte* base, const piece* pieces, std::size_t count) = nullptr;
  /// Unmasks each piece in place; true where each is UTF-8.
  bool (*unmask_utf8)(std::byte* base, const piece* pieces, std::size_t count,
                      const std::byte* key) = nullptr;
  /// With checks of UTF-8, or without where the library leaves the choice.
  std::unique_ptr<receiver> (*make_receiver)(bool checks_text) = nullptr;
  std::unique_ptr<sender> (*make_client)() = nullptr;
  std::unique_ptr<sender> (*make_server)() = nullptr;
  std::unique_ptr<opener> (*make_opener)() = nullptr;
  /// `prefetches`: each connection is fetched prefetch_distance turns ahead.
  std::unique_ptr<crowd> (*make_crowd)(std::size_t connections, bool prefetches) = nullptr;
  /// The bytes of one open connection's object, without what it points to.
  std::size_t connection_size = 0;
};

peer hawser_peer();
/// hawser's mask() and is_utf8() one after the other, where others have one function for both.
peer hawser_two_passes();
/// A server, and a crowd, that send by way of a sink. Knows nothing else.
peer hawser_by_sink();
peer beast_peer();
peer websocketpp_peer();
peer wslay_peer();
peer libwebsockets_peer();
peer simdutf_peer();
peer uwebsockets_peer();

/// Calls `take(bytes, size)` for each read of the input, with the bytes at `to`.
template <class Take>
void for_each_read(const input& from, std::byte* to, Take take) {
  for (std::size_t at = 0; at < from.size;) {
    const std::size_t size = std::min(from.read_size, from.size - at);
    std::memcpy(to, from.data + at, size);
    take(to, size);
    at += size;
  }
}

}  // namespace bench
