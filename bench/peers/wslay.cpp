#include "peers/peer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <wslay/wslay.h>

namespace bench {
namespace {

// What its callbacks read from and hand over to.
class connection {
 public:
  explicit connection(bool is_server) {
    wslay_event_callbacks calls{};
    calls.recv_callback = read;
    calls.send_callback = write;
    calls.genmask_callback = make_key;
    calls.on_msg_recv_callback = hand_over;
    const auto init = is_server ? wslay_event_context_server_init : wslay_event_context_client_init;
    if (init(&context_, &calls, this) != 0) std::abort();
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { wslay_event_context_free(context_); }

  void receive(const input& from, delivery& messages) {
    messages_ = &messages;
    for (std::size_t at = 0; at < from.size; at += from.read_size) {
      unread_ = from.data + at;
      unread_size_ = std::min(from.read_size, from.size - at);
      if (wslay_event_recv(context_) != 0) std::abort();
    }
  }

  void send(const std::byte* payload, std::size_t size, delivery& network) {
    network_ = &network;
    const wslay_event_msg message{WSLAY_BINARY_FRAME,
                                  reinterpret_cast<const std::uint8_t*>(payload), size};
    if (wslay_event_queue_msg(context_, &message) != 0 || wslay_event_send(context_) != 0) {
      std::abort();
    }
  }

 private:
  static connection& self(void* user) { return *static_cast<connection*>(user); }

  static ssize_t read(wslay_event_context_ptr context, std::uint8_t* to, std::size_t size, int,
                      void* user) {
    connection& me = self(user);
    if (me.unread_size_ == 0) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    size = std::min(size, me.unread_size_);
    std::memcpy(to, me.unread_, size);
    me.unread_ += size;
    me.unread_size_ -= size;
    return static_cast<ssize_t>(size);
  }
  static ssize_t write(wslay_event_context_ptr, const std::uint8_t* bytes, std::size_t size, int,
                       void* user) {
    self(user).network_->take(bytes, size);
    return static_cast<ssize_t>(size);
  }
  // Cheaper than any source that a real client would have.
  static int make_key(wslay_event_context_ptr, std::uint8_t* to, std::size_t size, void* user) {
    connection& me = self(user);
    me.key_ = me.key_ * 1664525 + 1013904223;
    std::memcpy(to, &me.key_, std::min(size, sizeof me.key_));
    return 0;
  }
  static void hand_over(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                        void* user) {
    self(user).messages_->take(message->msg, message->msg_length);
  }

  wslay_event_context_ptr context_ = nullptr;
  const std::byte* unread_ = nullptr;
  std::size_t unread_size_ = 0;
  delivery* messages_ = nullptr;
  delivery* network_ = nullptr;
  std::uint32_t key_ = 1;
};

class server_receiver : public receiver {
 public:
  void receive(const input& from, delivery& messages) override {
    connection_.receive(from, messages);
  }

 private:
  connection connection_{true};
};

class any_sender : public sender {
 public:
  explicit any_sender(bool is_server) : connection_{is_server} {}

  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) connection_.send(payload, size, network);
  }

 private:
  connection connection_;
};

}  // namespace

peer wslay_peer() {
  peer self;
  self.name = "wslay";
  self.lacks = "it leaves the handshake to its user, and offers no mask or UTF-8 function";
  self.make_receiver = [](bool) -> std::unique_ptr<receiver> {
    return std::make_unique<server_receiver>();
  };
  self.make_client = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender>(false);
  };
  self.make_server = []() -> std::unique_ptr<sender> { return std::make_unique<any_sender>(true); };
  return self;
}

}  // namespace bench
