// The parser, formatter and HTTP parser of uWebSockets, without its sockets. What happens between
// them in its WebSocketContext and HttpResponse is done here with as little as can be.

#include "peers/peer.hpp"
#include "support/buffer.hpp"
#include "support/places.hpp"

#include <HttpParser.h>
#include <WebSocketData.h>
#include <WebSocketHandshake.h>
#include <WebSocketProtocol.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bench {
namespace {

using state = uWS::WebSocketState<true>;

// Its rules, with a limit of 1 MiB on messages.
template <class Self>
struct rules : uWS::WebSocketProtocol<true, Self> {
  using protocol = uWS::WebSocketProtocol<true, Self>;

  static bool setCompressed(state*, void*) { return false; }
  static void forceClose(state*, void*, std::string_view = {}) { std::abort(); }
  static bool refusePayloadLength(std::uint64_t length, state*, void*) {
    return length > 1024 * 1024;
  }
};

// As in its WebSocketContext: a message that is not whole is put together in a string.
struct receiving : rules<receiving> {
  struct user {
    delivery* messages;
    bool checks_text;
    std::string fragments;
  };

  static bool handleFragment(char* data, std::size_t length, unsigned remaining, int opcode,
                             bool fin, state*, void* context) {
    user& self = *static_cast<user*>(context);
    if (remaining == 0 && fin && self.fragments.empty()) {
      return hand_over(self, data, length, opcode);
    }
    if (self.fragments.empty()) self.fragments.reserve(length + remaining);
    self.fragments.append(data, length);
    if (remaining == 0 && fin) {
      const bool broken = hand_over(self, self.fragments.data(), self.fragments.size(), opcode);
      self.fragments.clear();
      return broken;
    }
    return false;
  }

  static bool hand_over(user& self, char* data, std::size_t length, int opcode) {
    if (opcode == 1 && self.checks_text &&
        !uWS::protocol::isValidUtf8(reinterpret_cast<unsigned char*>(data), length)) {
      return true;
    }
    self.messages->take(data, length);
    return false;
  }
};

// Its socket is made of this, so this is what lies in the cache, or does not.
struct echoing : rules<echoing> {
  static bool handleFragment(char* data, std::size_t length, unsigned, int opcode, bool, state*,
                             void* sink) {
    char*& to = *static_cast<char**>(sink);
    to += uWS::protocol::formatMessage<true>(to, data, length, static_cast<uWS::OpCode>(opcode),
                                             length, false, true);
    return false;
  }
};

// The unmasking of its parser. Of a small message it takes the key from the header, and moves the
// payload to where the header was; that of a larger one is moved too, or unmasked where it lies.
struct unmasking : rules<unmasking> {
  static void small(char* payload, unsigned size, const std::byte* key) {
    std::memcpy(payload - 4, key, 4);
    protocol::template unmaskImpreciseCopyMask<6>(payload, size);
  }
  static void large(char* payload, unsigned size, const std::byte* key) {
    std::uint64_t wide;
    std::memcpy(&wide, key, 4);
    std::memcpy(reinterpret_cast<char*>(&wide) + 4, key, 4);
    protocol::template unmaskImprecise8<0>(payload, wide, size);
  }
};

void mask(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  for (std::size_t i = 0; i < count; ++i) {
    char* const payload = reinterpret_cast<char*>(base + pieces[i].offset);
    if (pieces[i].size < 126) {
      unmasking::small(payload, pieces[i].size, key);
    } else {
      unmasking::large(payload, pieces[i].size, key);
    }
  }
}

class server_receiver : public receiver {
 public:
  explicit server_receiver(bool checks_text) : user_{nullptr, checks_text, {}} {}

  void receive(const input& from, delivery& messages) override {
    user_.messages = &messages;
    for_each_read(from, read_.data(), [&](std::byte* bytes, std::size_t size) {
      receiving::protocol::consume(reinterpret_cast<char*>(bytes), static_cast<unsigned>(size),
                                   &state_, &user_);
    });
  }

 private:
  receiving::user user_;
  state state_;
  buffer read_{usual_read_size};
};

template <bool IsServer>
class any_sender : public sender {
 public:
  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      char* const to = reinterpret_cast<char*>(cork_.data());
      const std::size_t written = uWS::protocol::formatMessage<IsServer>(
          to, reinterpret_cast<const char*>(payload), size, uWS::BINARY, size, false, true);
      network.take(to, written);
    }
  }

 private:
  buffer cork_{std::size_t{1} << 17};
};

class server_opener : public opener {
 public:
  void open(const char* request, std::size_t size, std::size_t count, delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      uWS::HttpParser parser;
      char* const bytes = reinterpret_cast<char*>(read_.data());
      std::memcpy(bytes, request, size);
      std::size_t written = 0;
      parser.consumePostPadded(
          bytes, static_cast<unsigned>(size), &parser, nullptr,
          [&](void*, uWS::HttpRequest* head) -> void* {
            written = upgrade(*head);
            return nullptr;
          },
          [](void* user, std::string_view, std::uint64_t) { return user; });
      network.take(cork_.data(), written);
    }
  }

 private:
  // What its App does with a request for an upgrade, for a server without compression.
  std::size_t upgrade(uWS::HttpRequest& head) {
    const std::string_view key = head.getHeader("sec-websocket-key");
    if (head.getCaseSensitiveMethod() != "GET" || key.size() != 24) return 0;
    const std::string_view subprotocol = head.getHeader("sec-websocket-protocol");
    static_cast<void>(head.getHeader("sec-websocket-extensions"));
    char accept[29] = {};
    uWS::WebSocketHandshake::generate(key.data(), accept);
    char* to = reinterpret_cast<char*>(cork_.data());
    const auto write = [&to](std::string_view text) {
      std::memcpy(to, text.data(), text.size());
      to += text.size();
    };
    const auto write_header = [&write](std::string_view name, std::string_view value) {
      write(name);
      write(": ");
      write(value);
      write("\r\n");
    };
    write("HTTP/1.1 ");
    write("101 Switching Protocols");
    write("\r\n");
    write_header("Upgrade", "websocket");
    write_header("Connection", "Upgrade");
    write_header("Sec-WebSocket-Accept", {accept, 28});
    if (!subprotocol.empty()) {
      write_header("Sec-WebSocket-Protocol", subprotocol.substr(0, subprotocol.find(',')));
    }
    write("\r\n");
    return static_cast<std::size_t>(to - reinterpret_cast<char*>(cork_.data()));
  }

  buffer read_{usual_read_size};
  buffer cork_{usual_read_size};
};

class server_crowd : public crowd {
 public:
  server_crowd(std::size_t size, bool prefetches)
      : connections_{size,
                     [] {
                       return uWS::WebSocketData{false, uWS::CompressOptions::DISABLED,
                                                 uWS::BackPressure{}};
                     }},
        prefetches_{prefetches} {}

  void echo(const std::uint32_t* order, std::size_t count, const std::byte* frame, std::size_t size,
            delivery& network) override {
    crowd_input input{frame, size};
    for (std::size_t i = 0; i < count; ++i) {
      // The library has no function for this, but its user can do it.
      if (prefetches_ && i + prefetch_distance < count) {
        const auto* const start =
            reinterpret_cast<const char*>(&connections_[order[i + prefetch_distance]]);
        __builtin_prefetch(start, 1);
        __builtin_prefetch(start + sizeof(uWS::WebSocketData) - 1, 1);
      }
      uWS::WebSocketData& connection = connections_[order[i]];
      char* const begin = reinterpret_cast<char*>(cork_.data());
      char* end = begin;
      echoing::protocol::consume(reinterpret_cast<char*>(input.next()), static_cast<unsigned>(size),
                                 &connection, &end);
      network.take(begin, static_cast<std::size_t>(end - begin));
    }
  }

 private:
  places<uWS::WebSocketData> connections_;
  buffer cork_{usual_read_size};
  bool prefetches_;
};

bool is_utf8(const std::byte* base, const piece* pieces, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    auto* const text = reinterpret_cast<const unsigned char*>(base + pieces[i].offset);
    if (!uWS::protocol::isValidUtf8(const_cast<unsigned char*>(text), pieces[i].size)) {
      return false;
    }
  }
  return true;
}

}  // namespace

peer uwebsockets_peer() {
  peer self;
  self.name = "uWebSockets";
  self.mask = mask;
  self.moves_small = 6;
  self.is_utf8 = is_utf8;
  self.make_receiver = [](bool checks_text) -> std::unique_ptr<receiver> {
    return std::make_unique<server_receiver>(checks_text);
  };
  self.make_client = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender<false>>();
  };
  self.make_server = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender<true>>();
  };
  self.make_opener = []() -> std::unique_ptr<opener> { return std::make_unique<server_opener>(); };
  self.make_crowd = [](std::size_t size, bool prefetches) -> std::unique_ptr<crowd> {
    return std::make_unique<server_crowd>(size, prefetches);
  };
  self.connection_size = sizeof(uWS::WebSocketData);
  return self;
}

}  // namespace bench
