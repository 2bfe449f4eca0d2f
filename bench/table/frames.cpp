#include "hawser/frame.hpp"
#include "hawser/mask.hpp"
#include "hawser/rfc6455.hpp"
#include "peers/peer.hpp"
#include "support/buffer.hpp"
#include "support/random.hpp"
#include "support/text.hpp"
#include "support/wire.hpp"
#include "table/questions.hpp"
#include "table/report.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {
namespace {

std::vector<peer> all_peers() {
  return {hawser_peer(), uwebsockets_peer(), beast_peer(), websocketpp_peer(), wslay_peer()};
}

// The marks against each of all_peers(); 0: none.
using marks = std::array<double, 5>;

// Tells of a peer that is not there, or lacks what the question asks for.
void add_absent(question& ask, const peer& who, double mark = 0) {
  ask.add_missing(who.name, who.why_not != nullptr ? who.why_not : who.lacks, mark);
}

// `make` turns a peer into a contender; `able` says whether it can be.
template <class Able, class Make>
void ask_all(question& ask, const marks& all_marks, Able able, Make make,
             const std::vector<peer>& peers = all_peers()) {
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const peer& who = peers[i];
    if (able(who)) {
      ask.add(make(who), all_marks[i]);
    } else {
      add_absent(ask, who, all_marks[i]);
    }
  }
  ask.run();
}

// --- Receiving -----------------------------------------------------------------------------------

contender receiving(const peer& who, std::string name, const wire& all, std::size_t read_size,
                    bool checks_text, double units) {
  const std::shared_ptr<receiver> connection = who.make_receiver(checks_text);
  const input from{all.bytes.data(), all.bytes.size(), all.messages, read_size};
  std::vector<std::byte> kept;
  delivery first{kept};
  connection->receive(from, first);
  must_be_right(first.count() == all.messages && kept == all.payloads, who.name, "receive");
  return {std::move(name), [=] {
            delivery messages;
            connection->receive(from, messages);
            must_be_right(messages.count() == from.messages, "somebody", "receive again");
            return units;
          }};
}

void ask_receive(report& out, const std::string& words, std::size_t least, std::size_t most,
                 std::optional<script> text, const marks& all_marks, double unchecked_mark = 0) {
  const std::string question_text = "parse + unmask + deliver, " + words;
  if (!out.wants(question_text)) return;
  const wire all = make_wire(std::size_t{1} << 20, least, most, text);
  const auto units = static_cast<double>(all.messages);
  question ask{out, question_text, scale::time, "frames " + words, 0};
  add_absent(ask, libwebsockets_peer());
  ask_all(
      ask, all_marks, [](const peer& who) { return who.make_receiver != nullptr; },
      [&](const peer& who) { return receiving(who, who.name, all, usual_read_size, true, units); });
  if (!text) return;
  question again{out, question_text, scale::time, "", 0};
  const peer self = hawser_peer();
  const peer unchecked = uwebsockets_peer();
  again.add(receiving(self, self.name, all, usual_read_size, true, units));
  const std::string name = std::string{unchecked.name} + ", text not validated";
  if (unchecked.make_receiver != nullptr) {
    again.add(receiving(unchecked, name, all, usual_read_size, false, units), unchecked_mark);
  } else {
    again.add_missing(name, unchecked.why_not, unchecked_mark);
  }
  again.run();
}

// Messages that come in many reads: as on a network with an MTU of 1500.
void ask_cut_messages(report& out) {
  const std::string text = "16 KiB messages in 1460-byte reads, a KiB";
  if (!out.wants(text)) return;
  const wire all = make_wire(std::size_t{1} << 20, 16384, 16384);
  const double units = static_cast<double>(all.payloads.size()) / 1024;
  question ask{out, text, scale::time, "cut messages", 0};
  ask_all(
      ask, {0, 2}, [](const peer& who) { return who.make_receiver != nullptr; },
      [&](const peer& who) { return receiving(who, who.name, all, 1460, true, units); });
}

// --- Sending -------------------------------------------------------------------------------------

// True where the bytes are frames with this payload, masked if a client sent them.
bool are_frames_of(std::span<const std::byte> bytes, std::span<const std::byte> payload,
                   std::size_t count, bool is_client) {
  const hawser::frame_rules rules{.self = is_client ? hawser::role::server : hawser::role::client};
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = hawser::parse_frame_header(bytes, rules);
    if (found.size == 0 || !found.header.fin || found.header.opcode != hawser::opcode::binary ||
        found.header.payload_size != payload.size() || bytes.size() < found.size + payload.size()) {
      return false;
    }
    std::array<std::byte, 4> mask{};
    found.header.key.to_bytes(mask.data());
    const auto body = bytes.subspan(found.size, payload.size());
    for (std::size_t at = 0; at < body.size(); ++at) {
      if ((body[at] ^ (is_client ? mask[at % 4] : std::byte{})) != payload[at]) return false;
    }
    bytes = bytes.subspan(found.size + payload.size());
  }
  return bytes.empty();
}

void ask_send(report& out, bool is_client, std::size_t size, const marks& all_marks,
              bool uses_sink = false) {
  const std::string text = std::string{is_client ? "client" : "server"} + " send, " +
                           std::to_string(size) + " B" + (uses_sink ? ", by a sink" : "");
  if (!out.wants(text)) return;
  random numbers{3};
  std::vector<std::byte> payload(size);
  for (std::byte& each : payload) each = static_cast<std::byte>(numbers.next() >> 40);
  constexpr std::size_t count = 100;
  const auto make_for = [&](const peer& who) {
    return is_client ? who.make_client : who.make_server;
  };
  std::vector<peer> peers = all_peers();
  if (uses_sink) peers[0] = hawser_by_sink();
  question ask{out, text, scale::time, text, 0};
  ask_all(
      ask, all_marks, [&](const peer& who) { return make_for(who) != nullptr; },
      [&](const peer& who) -> contender {
        const std::shared_ptr<sender> connection = make_for(who)();
        std::vector<std::byte> kept;
        delivery first{kept};
        connection->send(payload.data(), size, 3, first);
        must_be_right(are_frames_of(kept, payload, 3, is_client), who.name, text);
        return {who.name, [connection, &payload] {
                  delivery network;
                  connection->send(payload.data(), payload.size(), count, network);
                  return static_cast<double>(count);
                }};
      },
      peers);
}

// --- Opening, and many connections
// -----------------------------------------------------------------

void ask_handshake(report& out) {
  const std::string text = "full server handshake, 596 B of Chrome";
  if (!out.wants(text)) return;
  const std::string& request = chrome_request();
  constexpr std::size_t count = 20;
  question ask{out, text, scale::time, "handshake", 0};
  ask_all(
      ask, {0, 1, 6}, [](const peer& who) { return who.make_opener != nullptr; },
      [&](const peer& who) -> contender {
        const std::shared_ptr<opener> server = who.make_opener();
        std::vector<std::byte> kept;
        delivery first{kept};
        server->open(request.data(), request.size(), 1, first);
        const std::string_view answer{reinterpret_cast<const char*>(kept.data()), kept.size()};
        must_be_right(answer.starts_with("HTTP/1.1 101 ") &&
                          answer.find(chrome_accept) != std::string_view::npos &&
                          answer.ends_with("\r\n\r\n"),
                      who.name, text);
        return {who.name, [server, &request] {
                  delivery network;
                  server->open(request.data(), request.size(), count, network);
                  return static_cast<double>(count);
                }};
      });
}

// What no echo can be faster than where the connections are not in the cache: one line of each is
// read and written.
contender touching_lines(const std::vector<std::uint32_t>& order) {
  const auto lines = std::make_shared<buffer>(order.size() * 64);
  return {"touching 64 bytes of each", [=, &order] {
            for (const std::uint32_t who : order) {
              std::byte& first = lines->data()[std::size_t{who} * 64];
              first ^= std::byte{1};
            }
            return static_cast<double>(order.size());
          }};
}

// `mark` against uWebSockets; 0: none.
void ask_crowd(report& out, const std::string& text, bool prefetches, double mark) {
  if (!out.wants(text)) return;
  constexpr std::size_t connections = 100'000;
  const wire one = make_wire(1, 16, 16);
  std::vector<std::uint32_t> order(connections);
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  random numbers{5};
  for (std::size_t i = connections - 1; i != 0; --i)
    std::swap(order[i], order[numbers.below(i + 1)]);
  question ask{out, text, scale::time, "crowd", 0};
  const auto make = [&](const peer& who) -> contender {
    const std::shared_ptr<crowd> all = who.make_crowd(connections, prefetches);
    std::vector<std::byte> kept;
    delivery first{kept};
    all->echo(order.data(), 3, one.bytes.data(), one.bytes.size(), first);
    must_be_right(are_frames_of(kept, one.payloads, 3, false), who.name, text);
    return {who.name, [all, &order, &one] {
              delivery network;
              all->echo(order.data(), order.size(), one.bytes.data(), one.bytes.size(), network);
              return static_cast<double>(order.size());
            }};
  };
  ask.add(make(hawser_by_sink()));
  const peer other = uwebsockets_peer();
  if (other.make_crowd != nullptr) {
    ask.add(make(other), mark);
  } else {
    add_absent(ask, other, mark);
  }
  peer by_output = hawser_peer();
  by_output.name = "hawser by output()";
  ask.add(make(by_output));
  ask.add(touching_lines(order));
  const figure ours = ask.run();
  out.line(text, 1, in_words(ours.median, scale::time), "the limit 20 ns", 20 / ours.median);
}

void ask_sizes(report& out) {
  const std::string text = "bytes of an open connection's object";
  if (!out.wants(text)) return;
  const std::vector<peer> peers = all_peers();
  const auto ours = static_cast<double>(peers[0].connection_size);
  const auto in_bytes = [](std::size_t size) { return std::to_string(size) + " B"; };
  out.line(text, 1, in_bytes(peers[0].connection_size), "the limit 128 B", 128 / ours);
  for (const peer& who : peers) {
    if (who.connection_size == 0 || &who == &peers[0]) continue;
    out.line(text, 0, in_bytes(peers[0].connection_size),
             std::string{who.name} + ' ' + in_bytes(who.connection_size),
             static_cast<double>(who.connection_size) / ours);
  }
}

}  // namespace

void ask_frames(report& out) {
  ask_receive(out, "16 B binary", 16, 16, std::nullopt, {0, 1.3, 8, 10, 10});
  ask_receive(out, "random 0-125 B binary", 0, 125, std::nullopt, {0, 2});
  ask_receive(out, "1000 B binary", 1000, 1000, std::nullopt, {});
  ask_receive(out, "64 KiB binary", 65536, 65536, std::nullopt, {});
  ask_receive(out, "16 B text", 16, 16, script::ascii, {}, 1.4);
  ask_receive(out, "random 0-125 B text", 0, 125, script::ascii, {}, 1.4);
  ask_receive(out, "125 B text", 125, 125, script::ascii, {});
  ask_receive(out, "random 0-125 B JSON", 0, 125, script::json, {});
  ask_receive(out, "1000 B text", 1000, 1000, script::ascii, {});
  ask_cut_messages(out);
  ask_send(out, true, 1000, {0, 15, 4, 15, 15});
  ask_send(out, true, 16, {});
  ask_send(out, false, 16, {});
  ask_send(out, false, 16, {}, true);
  ask_send(out, false, 1000, {});
  ask_handshake(out);
  const std::string crowd = "echo 16 B, 100,000 connections in random order";
  ask_crowd(out, crowd, false, 1.5);
  ask_crowd(out, crowd + ", prefetched", true, 0);
  ask_sizes(out);
}

}  // namespace bench
