#pragma once

// Reads what a connection sends as its peer would: HTTP by its lines, then frames by the slow
// decoder of reference.hpp, all rules held against them.

#include "support/fuzzing.hpp"
#include "support/reference.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace support {

class output_reader {
 public:
  struct options {
    bool is_server = true;  // whose output it is
    bool has_handshake = false;
    bool checks_text = true;
  };

  explicit output_reader(const options& chosen)
      : options_{chosen},
        stage_{chosen.has_handshake ? stage::head : stage::frames},
        frames_{{.is_server = !chosen.is_server,
                 .strictness = {.utf8 = chosen.checks_text},
                 .limits = {.max_message_size = 0, .max_fragments = 0, .max_control_frames = 0}}} {}

  // Messages may be compressed from here on, within what the response's header says.
  void agree(std::string_view agreed) {
    if (agreed.empty() || has_agreed_) return;
    has_agreed_ = true;
    frames_.agree(agreed);
  }

  void feed(std::string_view bytes) {
    if (stage_ == stage::frames) return feed_frames(bytes);
    http_ += bytes;
    if (stage_ == stage::head) take_head();
  }

  // To be called when all was taken.
  void finish() const {
    if (stage_ == stage::frames) {
      require(frames_.is_between_frames(), "the output ends where a frame ends");
    } else if (stage_ == stage::head) {
      require(http_.empty(), "the output ends where a head ends");
    } else {
      require(http_.size() == body_size_ || http_.empty(), "a body has the size that it says");
    }
  }

  // Payload bytes of messages so far.
  [[nodiscard]] std::uint64_t data_size() const noexcept { return frames_.data_size(); }
  // The lines of whole messages.
  [[nodiscard]] fuzz_log messages() const { return lines_with({"text ", "binary "}); }
  [[nodiscard]] std::vector<std::string> pongs() const {
    std::vector<std::string> payloads = lines_with({"pong "});
    for (std::string& each : payloads) each.erase(0, 5);
    return payloads;
  }

 private:
  enum class stage { head, body, frames };

  void feed_frames(std::string_view bytes) {
    frames_.feed(bytes);
    for (; checked_ < frames_.complete_lines().size(); ++checked_) {
      require(!frames_.complete_lines()[checked_].starts_with("failed "),
              "what is sent is by the RFC");
    }
    require(frames_.ignored() == 0, "nothing is sent behind a close frame");
  }

  void take_head() {
    const std::size_t end = http_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string head = http_.substr(0, end + 2);
    const std::string rest = http_.substr(end + 4);
    http_.clear();
    check_lines(head);
    const bool opens = !options_.is_server || head.starts_with("HTTP/1.1 101 ");
    if (opens) {
      stage_ = stage::frames;
      return feed_frames(rest);
    }
    require(head.find("\r\nConnection: close") != std::string::npos,
            "an answer says that it closes");
    stage_ = stage::body;
    const std::string_view size_name = "\r\nContent-Length: ";
    const std::size_t size_place = head.find(size_name);
    if (size_place != std::string::npos) {
      for (std::size_t i = size_place + size_name.size(); head[i] != '\r'; ++i) {
        body_size_ = body_size_ * 10 + static_cast<std::size_t>(head[i] - '0');
      }
    }
    feed(rest);
  }

  void check_lines(std::string_view head) const {
    require(head.starts_with(options_.is_server ? "HTTP/1.1 " : "GET /"), "the first line");
    while (!head.empty()) {
      const std::size_t end = head.find("\r\n");
      require(end != std::string_view::npos && end != 0, "lines end with CR LF");
      for (const char c : head.substr(0, end)) {
        require(static_cast<unsigned char>(c) >= 0x20 && c != '\x7F', "no control bytes in lines");
      }
      head.remove_prefix(end + 2);
    }
  }

  [[nodiscard]] fuzz_log lines_with(const std::vector<std::string_view>& beginnings) const {
    fuzz_log found;
    for (const std::string& line : frames_.complete_lines()) {
      for (const std::string_view beginning : beginnings) {
        if (line.starts_with(beginning)) found.push_back(line);
      }
    }
    return found;
  }

  options options_;
  stage stage_;
  reference_receiver frames_;
  std::string http_;
  std::size_t body_size_ = 0;
  std::size_t checked_ = 0;
  bool has_agreed_ = false;
};

}  // namespace support
