// Its processor, which is the protocol without transport and connection; and for the handshake a
// whole server over its in-memory transport. C++17, which is the newest that it compiles as.

#include "peers/peer.hpp"
#include "support/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <websocketpp/config/core.hpp>
#include <websocketpp/frame.hpp>
#include <websocketpp/processors/hybi13.hpp>
#include <websocketpp/server.hpp>
#include <websocketpp/utf8_validator.hpp>

namespace bench {
namespace {

struct config : websocketpp::config::core {
  // A cheap source of masking keys: the usual one asks the system for each.
  struct rng_type {
    std::uint32_t operator()() { return state = state * 1664525 + 1013904223; }
    std::uint32_t state = 1;
  };
};

using processor = websocketpp::processor::hybi13<config>;
using manager = config::con_msg_manager_type;

void must(const websocketpp::lib::error_code& error) {
  if (error) std::abort();
}

void mask(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  websocketpp::frame::masking_key_type wire_key;
  std::memcpy(wire_key.c, key, 4);
  for (std::size_t i = 0; i < count; ++i) {
    websocketpp::frame::byte_mask_circ(reinterpret_cast<std::uint8_t*>(base + pieces[i].offset),
                                       pieces[i].size,
                                       websocketpp::frame::prepare_masking_key(wire_key));
  }
}

bool is_utf8(const std::byte* base, const piece* pieces, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* const text = reinterpret_cast<const char*>(base + pieces[i].offset);
    websocketpp::utf8_validator::validator validator;
    if (!validator.decode(text, text + pieces[i].size) || !validator.complete()) return false;
  }
  return true;
}

class server_receiver : public receiver {
 public:
  void receive(const input& from, delivery& messages) override {
    for_each_read(from, read_.data(), [&](std::byte* bytes, std::size_t size) {
      auto* at = reinterpret_cast<std::uint8_t*>(bytes);
      auto* const end = at + size;
      websocketpp::lib::error_code error;
      while (at != end) {
        at += processor_.consume(at, static_cast<std::size_t>(end - at), error);
        must(error);
        if (processor_.ready()) {
          const auto message = processor_.get_message();
          messages.take(message->get_payload().data(), message->get_payload().size());
        }
      }
    });
  }

 private:
  config::rng_type numbers_;
  processor processor_{false, true, std::make_shared<manager>(), numbers_};
  buffer read_{usual_read_size};
};

class any_sender : public sender {
 public:
  explicit any_sender(bool is_server) : processor_{false, is_server, manager_, numbers_} {}

  // As in the send of its connection.
  void send(const std::byte* payload, std::size_t size, std::size_t count,
            delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      const auto message = manager_->get_message(websocketpp::frame::opcode::binary, size);
      message->append_payload(payload, size);
      const auto frame = manager_->get_message();
      must(processor_.prepare_data_frame(message, frame));
      network.take(frame->get_header().data(), frame->get_header().size());
      network.take(frame->get_payload().data(), frame->get_payload().size());
    }
  }

 private:
  config::rng_type numbers_;
  std::shared_ptr<manager> manager_ = std::make_shared<manager>();
  processor processor_;
};

class server_opener : public opener {
 public:
  server_opener() {
    server_.clear_access_channels(websocketpp::log::alevel::all);
    server_.clear_error_channels(websocketpp::log::elevel::all);
  }

  void open(const char* request, std::size_t size, std::size_t count, delivery& network) override {
    for (std::size_t i = 0; i < count; ++i) {
      const auto connection = server_.get_connection();
      connection->set_write_handler(
          [&network](websocketpp::connection_hdl, const char* bytes, std::size_t written) {
            network.take(bytes, written);
            return websocketpp::lib::error_code{};
          });
      connection->start();
      connection->read_all(request, size);
      connection->eof();  // or else it would keep itself alive
    }
  }

 private:
  websocketpp::server<config> server_;
};

}  // namespace

peer websocketpp_peer() {
  peer self;
  self.name = "websocketpp";
  self.mask = mask;
  self.is_utf8 = is_utf8;
  self.make_receiver = [](bool) -> std::unique_ptr<receiver> {
    return std::make_unique<server_receiver>();
  };
  self.make_client = []() -> std::unique_ptr<sender> {
    return std::make_unique<any_sender>(false);
  };
  self.make_server = []() -> std::unique_ptr<sender> { return std::make_unique<any_sender>(true); };
  self.make_opener = []() -> std::unique_ptr<opener> { return std::make_unique<server_opener>(); };
  self.connection_size = sizeof(websocketpp::server<config>::connection_type);
  return self;
}

}  // namespace bench
