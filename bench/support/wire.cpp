#include "support/wire.hpp"

#include "hawser/frame.hpp"
#include "hawser/mask.hpp"
#include "hawser/rfc6455.hpp"
#include "support/random.hpp"
#include "support/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

wire make_wire(std::size_t size, std::size_t least, std::size_t most, std::optional<script> text) {
  random numbers{least * 1000 + most};
  wire made;
  std::size_t at = 0;
  while (made.bytes.size() < size) {
    std::size_t length = least + numbers.below(most - least + 1);
    const std::size_t start = made.payloads.size();
    if (text) {
      const std::string& source = text_of(*text);
      if (at + length > source.size()) at = 0;
      const std::size_t end = cut_text(source, at, length);
      length = end - at;
      const auto part = std::as_bytes(std::span{source}).subspan(at, length);
      made.payloads.insert(made.payloads.end(), part.begin(), part.end());
      at = end;
    } else {
      for (std::size_t i = 0; i < length; ++i) {
        made.payloads.push_back(static_cast<std::byte>(numbers.next() >> 40));
      }
    }
    const auto key =
        hawser::masking_key::from_memory(static_cast<std::uint32_t>(numbers.next() >> 24));
    std::array<std::byte, hawser::max_frame_header_size> header;
    const std::size_t header_size = hawser::write_frame_header(
        header.data(), {.opcode = text ? hawser::opcode::text : hawser::opcode::binary,
                        .masked = true,
                        .key = key,
                        .payload_size = length});
    made.bytes.insert(made.bytes.end(), header.begin(),
                      header.begin() + static_cast<std::ptrdiff_t>(header_size));
    std::array<std::byte, 4> mask;
    key.to_bytes(mask.data());
    for (std::size_t i = 0; i < length; ++i) {
      made.bytes.push_back(made.payloads[start + i] ^ mask[i % 4]);
    }
    ++made.messages;
  }
  return made;
}

const std::string& chrome_request() {
  static const std::string request = [] {
    std::string text =
        "GET /chat?room=lobby HTTP/1.1\r\n"
        "Host: chat.example.com\r\n"
        "Connection: Upgrade\r\n"
        "Pragma: no-cache\r\n"
        "Cache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
        "Gecko) Chrome/131.0.0.0 Safari/537.36\r\n"
        "Upgrade: websocket\r\n"
        "Origin: http://chat.example.com\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
        "Accept-Language: en-US,en;q=0.9\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        "Cookie: session=";
    constexpr std::string_view end = "\r\n\r\n";
    constexpr std::size_t size = 596;
    text.append(size - text.size() - end.size(), 'a');
    return text.append(end);
  }();
  return request;
}

}  // namespace bench
