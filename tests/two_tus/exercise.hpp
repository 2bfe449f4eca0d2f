#pragma once

// What both translation units compute. The functions here are each unit's own; those of the library
// are shared, and that is the point.

#include "hawser/hawser.hpp"
#include "support/tiers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

// A short line for a lot of bytes: FNV-1a.
std::string digest(std::string_view name, std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3U;
  }
  return std::string{name} + ' ' + std::to_string(hash) + '\n';
}

std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint32_t state = 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

// Every size up to a few vectors, at every offset in one.
std::string masked() {
  const auto key = hawser::masking_key::from_memory(0xA1B2C3D4U);
  std::string result;
  for (std::size_t size = 0; size < 300; ++size) {
    auto bytes = some_bytes(size + size % 64);
    const auto payload = std::span{bytes}.subspan(size % 64);
    std::array<std::byte, 4> next{};
    hawser::mask(payload, key).to_bytes(next.data());
    result += digest("mask", bytes) + digest("next key", next);
  }
  return result;
}

// A long text with one byte replaced at each place in turn.
std::string validated() {
  std::string text;
  while (text.size() < 200) text += "plain, \xC3\xA9t\xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80. ";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string broken = text;
    broken[i] = '\x80';
    hawser::utf8_state state;
    const auto stands = hawser::validate_utf8(state, std::as_bytes(std::span{broken}));
    result += "utf8 " + std::to_string(stands) + (hawser::is_utf8(broken) ? " valid" : " broken");
    result += '\n';
  }
  return result;
}

// More bytes than the inlined path takes, on each tier that this machine can run.
std::string on_each_tier() {
  const support::tier_keeper keeper;
  const auto key = hawser::masking_key::from_memory(0xA1B2C3D4U);
  std::string result;
  for (const hawser::simd::tier& tier : hawser::simd::usable_tiers()) {
    hawser::simd::use_tier(tier);
    result += support::printable(hawser::simd::current_tier());
    result += '\n' + masked() + validated();
    for (std::size_t size = 65; size < 600; size += 7) {
      auto bytes = some_bytes(size);
      std::vector<std::byte> copy(size);
      hawser::mask_copy(copy.data(), bytes, key);
      std::string text;
      while (text.size() < size)
        text += "plain, \xC3\xA9t\xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80. ";
      text.resize(size);
      auto payload = std::as_writable_bytes(std::span{text});
      hawser::mask(payload, key);
      hawser::utf8_state state;
      auto next = key;
      const auto stands = hawser::unmask_utf8(state, payload.data(), payload, next);
      result += digest("copy", copy) + digest("text", payload) + std::to_string(stands) +
                (state.is_complete() ? " complete\n" : " cut\n");
    }
  }
  return result;
}

std::string framed() {
  std::string result;
  for (const std::uint64_t size : {0U, 125U, 126U, 65535U, 65536U}) {
    for (const hawser::role receiver : {hawser::role::server, hawser::role::client}) {
      std::array<std::byte, hawser::max_frame_header_size> bytes{};
      const std::size_t written = hawser::write_frame_header(
          bytes.data(), {.opcode = hawser::opcode::text,
                         .masked = receiver == hawser::role::server,
                         .key = hawser::masking_key::from_memory(0x01020304U),
                         .payload_size = size});
      const auto read = hawser::parse_frame_header(bytes, {.self = receiver});
      result += digest("header", std::span{bytes}.first(written)) + std::to_string(read.size) +
                ' ' + std::to_string(read.header.payload_size) + '\n';
    }
  }
  return result;
}

// Carries what waits at one end to the other; tells the bytes and the events that come of them.
template <class From, class To, class Take>
std::string carried(From& from, To& to, Take take) {
  std::string result;
  while (from.has_output()) {
    const auto sent = from.output().front();
    std::vector<std::byte> bytes(sent.begin(), sent.end());
    from.consume_output(bytes.size());
    result += digest("wire", bytes);
    auto events = to.receive(bytes);
    while (const hawser::event event = events.next()) {
      result += digest("event " + std::to_string(static_cast<int>(event.kind())), event.payload());
      take(event);
    }
  }
  return result;
}

// A whole conversation, with keys that are known: opening, messages of several sizes, whole and in
// fragments, a ping, closing.
std::string conversation() {
  const auto count_up = [](void* context, std::span<std::byte> bytes) {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(++*static_cast<unsigned*>(context));
  };
  unsigned counted = 0;
  hawser::server_endpoint server_side;
  hawser::client_endpoint client_side{{.entropy = {.context = &counted, .fill = count_up}}};
  hawser::server_connection server{server_side};
  hawser::client_connection client{client_side, {.url = "ws://localhost/"}};

  std::string result;
  const auto turn = [&] {
    result += carried(client, server, [&](const hawser::event& event) {
      if (event.is_message()) server.send(event);
    });
    result += carried(server, client, [](const hawser::event&) {});
  };
  turn();
  for (const std::size_t size : {0U, 1U, 16U, 125U, 126U, 1000U, 65535U, 65536U, 100000U}) {
    const auto bytes = some_bytes(size);
    client.send_binary(bytes);
    client.send_text(std::string(size, 'x'));
    client.begin_binary();
    client.append(bytes);
    client.ping(std::span{bytes}.first(size % 126));
    client.finish(bytes);
    turn();
  }
  client.close(hawser::close_code::normal, "done");
  turn();
  return result + (client.was_clean() && server.was_clean() ? "clean\n" : "not clean\n");
}

std::string exercise() {
  return masked() + validated() + on_each_tier() + framed() + conversation();
}

}  // namespace
