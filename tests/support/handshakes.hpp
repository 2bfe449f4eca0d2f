#pragma once

// Requests and answers of opening handshakes as text, to be changed line by line.

#include "hawser/entropy.hpp"
#include "support/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

// The key and its answer that RFC 6455 1.3 has for an example.
inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// Entropy that makes a client ask with the sample key.
inline hawser::entropy_source sample_nonce() noexcept {
  return {nullptr, [](void*, std::span<std::byte> out) {
            constexpr std::string_view nonce = "the sample nonce";
            for (std::size_t i = 0; i < out.size(); ++i)
              out[i] = std::byte(nonce[i % nonce.size()]);
          }};
}

// The head of a message, and what may follow it.
class http_message {
 public:
  explicit http_message(std::string first_line) : first_line_{std::move(first_line)} {}

  [[nodiscard]] http_message with(std::string_view name, std::string_view value) const {
    http_message copy = *this;
    copy.fields_.emplace_back(name, value);
    return copy;
  }
  [[nodiscard]] http_message without(std::string_view name) const {
    http_message copy = *this;
    std::erase_if(copy.fields_, [&](const auto& field) { return field.first == name; });
    return copy;
  }
  [[nodiscard]] http_message replaced(std::string_view name, std::string_view value) const {
    http_message copy = *this;
    for (auto& field : copy.fields_) {
      if (field.first == name) field.second = value;
    }
    return copy;
  }
  [[nodiscard]] http_message with_first_line(std::string_view line) const {
    http_message copy = *this;
    copy.first_line_ = line;
    return copy;
  }
  [[nodiscard]] http_message with_body(std::string_view body) const {
    http_message copy = *this;
    copy.body_ = body;
    return copy;
  }

  [[nodiscard]] std::string text() const {
    std::string all = first_line_ + "\r\n";
    for (const auto& [name, value] : fields_)
      all.append(name).append(": ").append(value).append("\r\n");
    return all.append("\r\n").append(body_);
  }
  operator std::string() const { return text(); }  // NOLINT(google-explicit-constructor)

 private:
  std::string first_line_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string body_;
};

// What a client asks for, and what a server that accepts it answers.
inline http_message upgrade_request(std::string_view target = "/chat") {
  return http_message{"GET " + std::string{target} + " HTTP/1.1"}
      .with("Host", "server.example.com")
      .with("Upgrade", "websocket")
      .with("Connection", "Upgrade")
      .with("Sec-WebSocket-Key", sample_key)
      .with("Sec-WebSocket-Version", "13");
}
inline http_message upgrade_answer() {
  return http_message{"HTTP/1.1 101 Switching Protocols"}
      .with("Upgrade", "websocket")
      .with("Connection", "Upgrade")
      .with("Sec-WebSocket-Accept", sample_accept);
}
inline http_message plain_request(std::string_view method = "GET", std::string_view target = "/") {
  return http_message{std::string{method} + " " + std::string{target} + " HTTP/1.1"}.with(
      "Host", "server.example.com");
}

// The status in the first line of an answer; empty where there is none.
inline std::string status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::string{answer.substr(9, 3)} : std::string{};
}
// The head of a message up to its empty line, and what follows.
inline std::string head_of(std::string_view message) {
  return std::string{message.substr(0, message.find("\r\n\r\n") + 2)};
}
inline std::string body_of(std::string_view message) {
  const std::size_t end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string{} : std::string{message.substr(end + 4)};
}
// True where the head has exactly this line.
inline bool has_line(std::string_view message, std::string_view line) {
  return head_of(message).find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}
// The value of a header; empty where there is none.
inline std::string header_of(std::string_view message, std::string_view name) {
  const std::string head = head_of(message);
  const std::string start = "\r\n" + std::string{name} + ": ";
  const std::size_t at = head.find(start);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + start.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace support
