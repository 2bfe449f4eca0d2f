#include "hawser/hawser.hpp"

#include "peers/peer.hpp"
#include "support/buffer.hpp"
#include "support/places.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace bench {
namespace {

void mask(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  const auto wire_key = hawser::masking_key::from_bytes(key);
  for (const piece& each : std::span{pieces, count}) {
    hawser::mask({base + each.offset, each.size}, wire_key);
  }
}

bool is_utf8(const std::byte* base, const piece* pieces, std::size_t count) {
  for (const piece& each : std::span{pieces, count}) {
    if (!hawser::is_utf8(std::span{base + each.offset, each.size})) return false;
  }
  return true;
}

bool unmask_in_two_passes(std::byte* base, const piece* pieces, std::size_t count,
                          const std::byte* key) {
  const auto wire_key = hawser::masking_key::from_bytes(key);
  for (const piece& each : std::span{pieces, count}) {
    const std::span<std::byte> payload{base + each.offset, each.size};
    hawser::mask(payload, wire_key);
    if (!hawser::is_utf8(payload)) return false;
  }
  return true;
}

bool unmask_at_once(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  const auto wire_key = hawser::masking_key::from_bytes(key);
  for (const piece& each : std::span{pieces, count}) {
    if (!hawser::unmask_text({base + each.offset, each.size}, wire_key)) return false;
  }
  return true;
}

// Hands over what waits, as if the network took all of it.
void drain(auto& connection, delivery& network) {
  std::size_t size = 0;
  for (const std::span<const std::byte> part : connection.output()) {
    network.take(part.data(), part.size());
    size += part.size();
  }
  connection.consume_output(size);
}

void hand_over(auto& connection, hawser::sink& sink, delivery& network) {
  network.take(sink.bytes().data(), sink.bytes().size());
  connection.consume_output(sink, sink.bytes().size());
}

class server_receiver : public receiver {
 public:
  void receive(const input& from, delivery& messages) override {
    for_each_read(from, read_.data(), [&](std::byte* bytes, std::size_t size) {
      auto events = connection_.receive({bytes, size});
      while (const hawser::event event = events.next()) {
        if (event.is_message()) messages.take(event.payload().data(), event.payload().size());
      }
    });
  }

 private:
  hawser::server_endpoint endpoint_;
  hawser::server_connection connection_ = hawser::server_connection::adopt(endpoint_, {});
  buffer read_{usual_read_size};
};

template <class Endpoint, class Connection>
class any_sender : public sender {
 public:
  any_sender() { static_cast<void>(connection_.receive({}).next()); }

  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      connection_.send_binary({payload, size});
      drain(connection_, network);
    }
  }

 private:
  Endpoint endpoint_;
  Connection connection_ = Connection::adopt(endpoint_, {});
};

class sink_sender : public sender {
 public:
  sink_sender() { static_cast<void>(connection_.receive({}).next()); }

  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      connection_.send_binary({payload, size}, sink_);
      hand_over(connection_, sink_, network);
    }
  }

 private:
  hawser::server_endpoint endpoint_;
  hawser::server_connection connection_ = hawser::server_connection::adopt(endpoint_, {});
  buffer cork_{usual_read_size};
  hawser::sink sink_{{cork_.data(), usual_read_size}};
};

class server_opener : public opener {
 public:
  void open(const char* request, std::size_t size, std::size_t count, delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      hawser::server_connection connection{endpoint_};
      std::memcpy(read_.data(), request, size);
      auto events = connection.receive({read_.data(), size});
      while (events.next()) {
      }
      drain(connection, network);
    }
  }

 private:
  hawser::server_endpoint endpoint_;
  buffer read_{usual_read_size};
};

// Many connections, which send by way of one sink, or each to its output().
template <bool UsesSink>
class server_crowd : public crowd {
 public:
  server_crowd(std::size_t size, bool prefetches)
      : connections_{size, [&] { return hawser::server_connection::adopt(endpoint_, {}); }},
        prefetches_{prefetches} {
    for (std::size_t i = 0; i < size; ++i) static_cast<void>(connections_[i].receive({}).next());
  }

  void echo(const std::uint32_t* order, std::size_t count, const std::byte* frame, std::size_t size,
            delivery& network) override {
    crowd_input input{frame, size};
    for (std::size_t i = 0; i < count; ++i) {
      if (prefetches_ && i + prefetch_distance < count) {
        connections_[order[i + prefetch_distance]].prefetch();
      }
      hawser::server_connection& connection = connections_[order[i]];
      auto events = connection.receive({input.next(), size});
      if constexpr (UsesSink) {
        while (const hawser::event event = events.next()) connection.send(event, sink_);
        hand_over(connection, sink_, network);
      } else {
        while (const hawser::event event = events.next()) connection.send(event);
        drain(connection, network);
      }
    }
  }

 private:
  hawser::server_endpoint endpoint_;
  places<hawser::server_connection> connections_;
  buffer cork_{usual_read_size};
  hawser::sink sink_{{cork_.data(), usual_read_size}};
  bool prefetches_;
};

}  // namespace

peer hawser_peer() {
  peer self;
  self.name = "hawser";
  self.mask = mask;
  self.is_utf8 = is_utf8;
  self.unmask_utf8 = unmask_at_once;
  self.make_receiver = [](bool) -> std::unique_ptr<receiver> {
    return std::make_unique<server_receiver>();
  };
  self.make_client = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender<hawser::client_endpoint, hawser::client_connection>>();
  };
  self.make_server = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender<hawser::server_endpoint, hawser::server_connection>>();
  };
  self.make_opener = []() -> std::unique_ptr<opener> { return std::make_unique<server_opener>(); };
  self.make_crowd = [](std::size_t size, bool prefetches) -> std::unique_ptr<crowd> {
    return std::make_unique<server_crowd<false>>(size, prefetches);
  };
  self.connection_size = sizeof(hawser::server_connection);
  return self;
}

peer hawser_two_passes() {
  peer self;
  self.name = "two passes, both hawser's";
  self.unmask_utf8 = unmask_in_two_passes;
  return self;
}

peer hawser_by_sink() {
  peer self;
  self.name = "hawser";
  self.make_server = []() -> std::unique_ptr<sender> { return std::make_unique<sink_sender>(); };
  self.make_crowd = [](std::size_t size, bool prefetches) -> std::unique_ptr<crowd> {
    return std::make_unique<server_crowd<true>>(size, prefetches);
  };
  return self;
}

}  // namespace bench
