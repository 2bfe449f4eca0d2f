#pragma once

// RFC 6455 and RFC 3629 once more: a bit and a byte at a time, as simple as their text, slow, and
// sharing nothing with hawser but names (and zlib, for what is compressed). What the library makes
// of bytes is held against this.

#include "hawser/error.hpp"
#include "hawser/limits.hpp"
#include "hawser/strictness.hpp"
#include "support/fuzzing.hpp"
#include "support/reference_inflater.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

// A text that comes byte by byte.
class reference_text {
 public:
  // False where no valid UTF-8 goes on like this.
  bool add(unsigned char byte) {
    if (code_point_.empty() && byte <= 0x7F) return true;  // the first alternative
    code_point_.push_back(byte);
    for (const alternative& each : alternatives) {
      if (!matches(each)) continue;
      if (each.size == code_point_.size()) code_point_.clear();
      return true;
    }
    return false;
  }
  // True where the text may end here.
  [[nodiscard]] bool is_complete() const noexcept { return code_point_.empty(); }

 private:
  struct range {
    unsigned first;
    unsigned last;
  };
  struct alternative {
    std::size_t size;
    std::array<range, 4> bytes;
  };
  static constexpr range tail = {0x80, 0xBF};  // RFC 3629 4: "UTF8-tail = %x80-BF"

  // RFC 3629 4: "UTF8-octets = *( UTF8-char )", and what a UTF8-char may be.
  static constexpr alternative alternatives[] = {
      {1, {{{0x00, 0x7F}}}},
      {2, {{{0xC2, 0xDF}, tail}}},
      {3, {{{0xE0, 0xE0}, {0xA0, 0xBF}, tail}}},
      {3, {{{0xE1, 0xEC}, tail, tail}}},
      {3, {{{0xED, 0xED}, {0x80, 0x9F}, tail}}},
      {3, {{{0xEE, 0xEF}, tail, tail}}},
      {4, {{{0xF0, 0xF0}, {0x90, 0xBF}, tail, tail}}},
      {4, {{{0xF1, 0xF3}, tail, tail, tail}}},
      {4, {{{0xF4, 0xF4}, {0x80, 0x8F}, tail, tail}}},
  };

  [[nodiscard]] bool matches(const alternative& each) const noexcept {
    if (code_point_.size() > each.size) return false;
    for (std::size_t i = 0; i < code_point_.size(); ++i) {
      if (code_point_[i] < each.bytes[i].first || code_point_[i] > each.bytes[i].last) return false;
    }
    return true;
  }

  std::vector<unsigned char> code_point_;
};

inline bool is_reference_utf8(std::string_view text) {
  reference_text state;
  for (const char c : text) {
    if (!state.add(static_cast<unsigned char>(c))) return false;
  }
  return state.is_complete();
}

// RFC 6455 5.3: "j = i MOD 4; transformed-octet-i = original-octet-i XOR masking-key-octet-j".
inline char reference_mask(char original, std::size_t i, const std::array<unsigned char, 4>& key) {
  return static_cast<char>(static_cast<unsigned char>(original) ^ key[i % 4]);
}

// The header of a frame as the figure in RFC 6455 5.2 has it: fields of so many bits, one behind
// the other.
struct reference_header {
  unsigned fin = 0;
  unsigned rsv = 0;
  unsigned opcode = 0;
  unsigned masked = 0;
  unsigned short_length = 0;
  std::uint64_t length = 0;
  std::array<unsigned char, 4> key = {};
  std::size_t size = 0;  // 0: the header is cut
};

inline reference_header read_reference_header(std::string_view bytes) {
  std::size_t at = 0;  // in bits
  bool is_cut = false;
  const auto take = [&](unsigned count) {
    std::uint64_t value = 0;
    for (; count != 0; --count, ++at) {
      if (at / 8 >= bytes.size()) {
        is_cut = true;
        return std::uint64_t{0};
      }
      const auto byte = static_cast<unsigned char>(bytes[at / 8]);
      value = value * 2 + (byte >> (7 - at % 8) & 1U);
    }
    return value;
  };
  const auto take_small = [&](unsigned count) { return static_cast<unsigned>(take(count)); };

  reference_header header;
  header.fin = take_small(1);
  header.rsv = take_small(3);
  header.opcode = take_small(4);
  header.masked = take_small(1);
  header.short_length = take_small(7);
  // "Payload length: 7 bits, 7+16 bits, or 7+64 bits"
  header.length = header.short_length;
  if (header.short_length == 126) header.length = take(16);
  if (header.short_length == 127) header.length = take(64);
  // "Masking-key: 0 or 4 bytes"
  if (header.masked != 0) {
    for (unsigned char& byte : header.key) byte = static_cast<unsigned char>(take(8));
  }
  if (!is_cut) header.size = at / 8;
  return header;
}

// What frames are held against. A limit of 0 is none.
struct reference_rules {
  bool is_server = true;  // the end that receives
  bool is_whole = true;   // of a message that does not end nothing is told
  hawser::strictness strictness = {};
  hawser::limits limits = {};
};

// Takes the bytes of a connection one by one, and writes the log that event_record writes.
class reference_receiver {
 public:
  explicit reference_receiver(const reference_rules& rules) : rules_{rules} {}

  // From here on RSV1 marks compressed messages; `agreed` is the response's header.
  void agree(std::string_view agreed) {
    inflater_ = std::make_unique<reference_inflater>(agreed, !rules_.is_server);
  }

  void feed(std::string_view bytes) {
    for (const char byte : bytes) feed(byte);
  }

  [[nodiscard]] const fuzz_log& complete_lines() const noexcept { return lines_; }
  [[nodiscard]] fuzz_log lines() const {
    fuzz_log all = lines_;
    add_unfinished(all);
    return all;
  }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  [[nodiscard]] bool is_between_frames() const noexcept { return !in_payload_ && head_.empty(); }
  // Payload bytes of data frames so far.
  [[nodiscard]] std::uint64_t data_size() const noexcept { return data_size_; }
  // Bytes behind the end.
  [[nodiscard]] std::size_t ignored() const noexcept { return ignored_; }

 private:
  void feed(char byte) {
    if (has_ended_) {
      ++ignored_;
    } else if (!in_payload_) {
      head_ += byte;
      take_head();
    } else {
      take_payload(reference_mask(byte, taken_, header_.masked != 0 ? header_.key : no_key));
      if (!has_ended_ && taken_ == header_.length) end_frame();
    }
  }

  void take_head() {
    header_ = read_reference_header(head_);
    // RFC 7692 6.1: RSV1 of the first frame of a message; elsewhere it is what it was.
    const bool may_be_compressed =
        inflater_ != nullptr && (header_.opcode == 1 || header_.opcode == 2);
    const bool is_marked = may_be_compressed && (header_.rsv & 4U) != 0;
    if (is_marked) header_.rsv -= 4;
    hawser::error wrong = check_first_byte();
    if (wrong == hawser::error::none && head_.size() >= 2) wrong = check_second_byte();
    if (wrong == hawser::error::none && head_.size() >= 2) wrong = check_length();
    if (wrong == hawser::error::none && header_.size != 0) wrong = begin_frame(is_marked);
    if (wrong != hawser::error::none) return fail(wrong);
    if (header_.size == 0) return;
    head_.clear();
    taken_ = 0;
    in_payload_ = true;
    if (header_.length == 0) end_frame();
  }

  [[nodiscard]] bool is_known() const {
    return header_.opcode <= 2 || (header_.opcode >= 8 && header_.opcode <= 10);
  }
  [[nodiscard]] bool is_control() const { return header_.opcode >= 8; }
  [[nodiscard]] bool is_final() const { return header_.fin != 0 || is_control(); }

  [[nodiscard]] hawser::error check_first_byte() const {
    if (header_.rsv != 0 && rules_.strictness.reserved_bits) return hawser::error::reserved_bits;
    if (!is_known() && rules_.strictness.reserved_opcodes) return hawser::error::reserved_opcode;
    if (is_control()) {
      const bool is_wrong = header_.fin == 0 && rules_.strictness.control_fin;
      return is_wrong ? hawser::error::control_fragmented : hawser::error::none;
    }
    if (header_.opcode == 0 && !in_message_) return hawser::error::nothing_to_continue;
    if (is_known() && header_.opcode != 0 && in_message_) return hawser::error::message_unfinished;
    return hawser::error::none;
  }

  [[nodiscard]] hawser::error check_second_byte() const {
    if (rules_.strictness.mask_direction) {
      if (rules_.is_server && header_.masked == 0) return hawser::error::frame_not_masked;
      if (!rules_.is_server && header_.masked != 0) return hawser::error::frame_masked;
    }
    const bool is_long = is_control() && header_.short_length >= 126;
    return is_long && rules_.strictness.control_size ? hawser::error::control_over_125
                                                     : hawser::error::none;
  }

  // A length is wrong as soon as the bytes of it that have come say so.
  [[nodiscard]] hawser::error check_length() const {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(head_[2 + i]); };
    const std::size_t come = head_.size() - 2;
    bool is_minimal = true;
    if (header_.short_length == 127 && come >= 1) {
      if (byte(0) >= 0x80 && rules_.strictness.length_below_2_63) {
        return hawser::error::length_too_large;
      }
      is_minimal = come < 6 || byte(0) % 0x80 != 0;
      for (std::size_t i = 1; i < 6 && !is_minimal; ++i) is_minimal = byte(i) != 0;
    }
    if (header_.short_length == 126 && come >= 2) is_minimal = byte(0) != 0 || byte(1) >= 126;
    return is_minimal || !rules_.strictness.minimal_length ? hawser::error::none
                                                           : hawser::error::length_not_minimal;
  }

  [[nodiscard]] hawser::error begin_frame(bool is_marked) {
    const hawser::limits& most = rules_.limits;
    header_.length &= ~std::uint64_t{0} >> 1;  // the highest bit is refused or ignored
    if (is_control() || !is_known()) {
      ++control_frames_;
      if (most.max_control_frames != 0 && control_frames_ > most.max_control_frames) {
        return hawser::error::too_many_control_frames;
      }
      control_.clear();
      if (header_.length <= 65535) return hawser::error::none;
      return is_known() ? hawser::error::control_over_125 : hawser::error::frame_too_big;
    }
    if (header_.opcode != 0) {
      in_message_ = true;
      is_text_ = header_.opcode == 1;
      message_.clear();
      message_size_ = 0;
      text_ = {};
      fragments_ = 0;
      is_compressed_ = is_marked;
      if (is_compressed_) inflater_->begin();
    }
    // How large it becomes only inflating tells; this much may come.
    if (is_compressed_) {
      if (most.max_frame_size != 0 && header_.length > most.max_frame_size) {
        return hawser::error::frame_too_big;
      }
      if (most.max_message_size != 0 &&
          header_.length > most.max_message_size * 8 + 1024 - inflater_->size()) {
        return hawser::error::message_too_big;
      }
    }
    ++fragments_;
    if (most.max_fragments != 0 && fragments_ > most.max_fragments) {
      return hawser::error::too_many_fragments;
    }
    if (is_compressed_) return hawser::error::none;
    if (most.max_frame_size != 0 && header_.length > most.max_frame_size) {
      return hawser::error::frame_too_big;
    }
    if (most.max_message_size != 0 && (header_.length > most.max_message_size ||
                                       message_size_ > most.max_message_size - header_.length)) {
      return hawser::error::message_too_big;
    }
    message_size_ += header_.length;
    return hawser::error::none;
  }

  void take_payload(char byte) {
    ++taken_;
    if (is_control() || !is_known()) {
      if (is_known()) control_ += byte;
      return;
    }
    ++data_size_;
    if (is_compressed_) {
      std::string out;
      const bool is_good = inflater_->add(byte, out);
      return take_inflated(out, is_good);
    }
    take_data(byte);
  }

  void take_inflated(std::string_view out, bool is_good) {
    for (const char each : out) {
      const std::uint64_t most = rules_.limits.max_message_size;
      if (most != 0 && message_size_ == most) return fail(hawser::error::message_too_big);
      ++message_size_;
      take_data(each);
      if (has_ended_) return;
    }
    if (!is_good) fail(hawser::error::bad_compressed_data);
  }

  void take_data(char byte) {
    if (is_text_ && rules_.strictness.utf8 && !text_.add(static_cast<unsigned char>(byte))) {
      return fail(hawser::error::invalid_utf8);
    }
    message_ += byte;
  }

  void end_frame() {
    in_payload_ = false;
    if (!is_known()) return;
    if (header_.opcode == 8) return end_close();
    if (header_.opcode == 9) return lines_.push_back("ping " + control_);
    if (header_.opcode == 10) return lines_.push_back("pong " + control_);
    if (!is_final()) return;
    if (is_compressed_) {
      std::string out;
      const bool is_good = inflater_->finish(out);
      take_inflated(out, is_good);
      if (has_ended_) return;
      is_compressed_ = false;
    }
    if (is_text_ && rules_.strictness.utf8 && !text_.is_complete()) {
      return fail(hawser::error::invalid_utf8);
    }
    in_message_ = false;
    lines_.push_back(line_of_message(is_text_, message_));
    message_.clear();
  }

  void end_close() {
    if (control_.empty()) return end(line_of_close(1005, {}));
    if (control_.size() == 1) return fail(hawser::error::close_payload_size);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(control_[i]); };
    const unsigned code = byte(0) * 256U + byte(1);
    const bool is_assigned = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                             (code >= 3000 && code <= 4999);
    if (!is_assigned && rules_.strictness.close_codes) {
      return fail(hawser::error::close_code_invalid);
    }
    const std::string_view reason = std::string_view{control_}.substr(2);
    if (rules_.strictness.utf8 && !is_reference_utf8(reason)) {
      return fail(hawser::error::reason_not_utf8);
    }
    end(line_of_close(code, reason));
  }

  void fail(hawser::error why) { end(line_of_failure(why)); }

  void end(std::string line) {
    add_unfinished(lines_);
    message_.clear();
    lines_.push_back(std::move(line));
    has_ended_ = true;
    in_payload_ = false;
    head_.clear();
  }

  void add_unfinished(fuzz_log& to) const {
    if (rules_.is_whole || message_.empty()) return;
    to.push_back("unfinished " + line_of_message(is_text_, message_));
  }

  static constexpr std::array<unsigned char, 4> no_key = {};

  reference_rules rules_;
  std::unique_ptr<reference_inflater> inflater_;
  fuzz_log lines_;
  std::string head_;
  reference_header header_;
  std::uint64_t taken_ = 0;
  std::string control_;
  std::string message_;
  std::uint64_t message_size_ = 0;
  reference_text text_;
  std::uint64_t data_size_ = 0;
  std::size_t ignored_ = 0;
  unsigned fragments_ = 0;
  unsigned control_frames_ = 0;
  bool is_text_ = false;
  bool is_compressed_ = false;
  bool in_message_ = false;
  bool in_payload_ = false;
  bool has_ended_ = false;
};

}  // namespace support
