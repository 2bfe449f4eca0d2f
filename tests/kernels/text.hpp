#pragma once

// UTF-8 as the tier in use validates and unmasks it, against validation of single bytes, which
// reaches no kernel (and which tests/utf8.cpp holds against the definition).

#include "hawser/utf8.hpp"
#include "kernels/failures.hpp"
#include "kernels/masking.hpp"
#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

// A text, masked and plain, and what is known behind each byte of it that can stand.
class judged_text {
 public:
  explicit judged_text(support::bytes text)
      : plain_{std::move(text)}, masked_{masked(plain_, 0)}, states_(1) {
    for (const std::byte& byte : plain_) {
      hawser::utf8_state state = states_.back();
      if (hawser::validate_utf8(state, {&byte, 1}) == 0) break;
      states_.push_back(state);
    }
  }

  [[nodiscard]] std::size_t size() const { return plain_.size(); }
  // The bytes before the first impossible one.
  [[nodiscard]] std::size_t valid() const { return states_.size() - 1; }
  [[nodiscard]] hawser::utf8_state after(std::size_t count) const { return states_[count]; }
  [[nodiscard]] std::span<const std::byte> plain() const { return plain_; }
  [[nodiscard]] std::span<const std::byte> masked_bytes() const { return masked_; }

 private:
  support::bytes plain_;
  support::bytes masked_;
  std::vector<hawser::utf8_state> states_;
};

// Runs parts of texts through the kernels, between guard pages.
class text_checker {
 public:
  explicit text_checker(std::size_t longest) : others_{longest}, pages_{longest} {}

  // True where the part of `text` from `begin` to `end`, before which all can stand, is judged as
  // it should be: read, unmasked in place and unmasked into a copy.
  [[nodiscard]] bool judges(const judged_text& text, std::size_t begin, std::size_t end) {
    const std::size_t size = end - begin;
    const std::size_t stands = std::min(text.valid(), end) - begin;
    const auto plain = text.plain().subspan(begin, size);
    const auto covered = text.masked_bytes().subspan(begin, size);
    at_end_ = !at_end_;
    const auto is_right = [&](std::size_t found, const hawser::utf8_state& state) {
      return found == stands && (stands != size || state == text.after(end));
    };

    const auto here = place(pages_, plain);
    hawser::utf8_state state = text.after(begin);
    if (!is_right(hawser::validate_utf8(state, here), state) || !same(here, plain)) return false;

    std::copy(covered.begin(), covered.end(), here.begin());
    const auto copy = at_end_ ? others_.at_end(size) : others_.at_start(size);
    state = text.after(begin);
    hawser::masking_key key = mask_key.rotated(begin);
    if (!is_right(hawser::unmask_utf8(state, copy.data(), here, key), state) ||
        !same(copy, plain) || !same(here, covered) || key != mask_key.rotated(end)) {
      return false;
    }

    state = text.after(begin);
    key = mask_key.rotated(begin);
    return is_right(hawser::unmask_utf8(state, here.data(), here, key), state) &&
           same(here, plain) && key == mask_key.rotated(end) &&
           (begin != 0 || judges_whole(plain, covered, stands == size && state.is_complete()));
  }

  // True where a text that does not go on behind these bytes is judged as it should be, and
  // unmasked in place where it is one.
  [[nodiscard]] bool judges_whole(std::span<const std::byte> plain,
                                  std::span<const std::byte> covered, bool is_text) {
    const auto here = place(pages_, plain);
    if (hawser::is_utf8(here) != is_text || !same(here, plain)) return false;
    std::copy(covered.begin(), covered.end(), here.begin());
    return hawser::unmask_text(here, mask_key) == is_text && same(here, is_text ? plain : covered);
  }

  // The same for the text in two parts.
  [[nodiscard]] bool judges_split(const judged_text& text, std::size_t first) {
    return judges(text, 0, first) && (first > text.valid() || judges(text, first, text.size()));
  }

  [[nodiscard]] bool is_guarded() const { return pages_.are_guarded(); }

 private:
  std::span<std::byte> place(const support::guarded_pages& pages, std::span<const std::byte> from) {
    return at_end_ ? pages.copy_to_end(from) : pages.copy_to_start(from);
  }

  support::guarded_pages others_;
  support::guarded_pages pages_;
  bool at_end_ = false;
};

// `size` bytes of a text that repeats `filler`, cut where they end.
inline support::bytes text_of(std::span<const std::byte> filler, std::size_t size) {
  support::bytes text = support::repeat(size / filler.size() + 1, filler);
  text.resize(size);
  return text;
}

// `size` bytes of a text that repeats `filler` and ends with a whole code point.
inline support::bytes whole_text_of(std::span<const std::byte> filler, std::size_t size) {
  return support::concat(support::repeat(size % filler.size(), support::to_bytes(" ")),
                         support::repeat(size / filler.size(), filler));
}

inline std::vector<support::bytes> text_fillers() {
  using namespace support::literals;
  return {"78"_hex,
          "c3 a9"_hex,
          "e2 82 ac"_hex,
          "f0 9f 98 80"_hex,
          "61 c3 a9 62 e2 82 ac 63 f0 9f 98 80"_hex,
          support::concat(support::repeat(45, "78"_hex), "c3 a9"_hex)};
}

inline void check_text_at_each_split(failures& found, text_checker& checker) {
  std::size_t number = 0;
  for (const support::bytes& filler : text_fillers()) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const judged_text text{text_of(filler, size)};
      for (std::size_t first = 0; first <= size; ++first) {
        found.expect(checker.judges_split(text, first), "a text in two parts: filler, size, first",
                     {number, size, first});
      }
    }
    ++number;
  }
}

inline void check_bad_text_at_each_place(failures& found, text_checker& checker) {
  std::size_t number = 0;
  for (const support::bad_utf8& bad : support::every_bad_utf8()) {
    std::size_t kind = 0;
    for (const support::bytes& filler : text_fillers()) {
      for (std::size_t offset = 0; offset <= 200; ++offset) {
        const auto behind = support::repeat(offset * 7 % 90, support::to_bytes("y"));
        const judged_text text{support::concat(whole_text_of(filler, offset), bad.text, behind)};
        const auto check = [&](std::size_t first) {
          found.expect(text.valid() == offset + bad.impossible &&
                           checker.judges_split(text, std::min(first, text.size())),
                       "what is no UTF-8: what, filler, offset, first",
                       {number, kind, offset, first});
        };
        for (std::size_t first = 0; first < offset; first += 1 + offset % 13) check(first);
        for (std::size_t near = 0; near < 12; ++near) check(offset + near - std::min(offset, near));
        for (std::size_t near = 0; near < 12; ++near) check(offset + near);
      }
      ++kind;
    }
    ++number;
  }
}

// A code point cut at the end of a part, and each byte as the next one.
inline void check_text_behind_a_cut(failures& found, text_checker& checker) {
  std::size_t number = 0;
  for (const support::bytes& cut : support::every_cut_utf8()) {
    for (std::size_t offset = 0; offset <= 70; ++offset) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        const support::bytes next{static_cast<std::byte>(byte)};
        const auto front = support::repeat(offset, support::to_bytes("x"));
        const auto behind = support::repeat(offset * 5 % 150, support::to_bytes("y"));
        const judged_text text{support::concat(front, cut, next, behind)};
        found.expect(checker.judges_split(text, offset + cut.size()),
                     "a byte behind a cut code point: which, offset, byte", {number, offset, byte});
      }
    }
    ++number;
  }
}

// What is wrong in texts of several of the largest steps of a kernel: in the midst of text, and a
// code point that is cut by nothing but ASCII.
inline void check_bad_text_in_long_text(failures& found, text_checker& checker) {
  std::vector<support::bytes> wrong = support::every_cut_utf8();
  for (const support::bad_utf8& bad : support::every_bad_utf8()) wrong.push_back(bad.text);
  const std::vector<support::bytes> fillers = text_fillers();
  const auto ascii = support::repeat(600, support::to_bytes("y"));
  for (std::size_t number = 0; number < wrong.size(); ++number) {
    for (std::size_t offset = 0; offset <= 600; ++offset) {
      const support::bytes& filler = fillers[offset % fillers.size()];
      for (const support::bytes& front :
           {support::repeat(offset, support::to_bytes("x")), whole_text_of(filler, offset)}) {
        const judged_text text{support::concat(front, wrong[number], ascii)};
        found.expect(text.valid() < text.size() && checker.judges(text, 0, text.size()),
                     "what is wrong in a long text: what, offset", {number, offset});
      }
    }
  }
}

// A code point in the midst of ASCII, at each place and of many sizes: up to it a kernel may do
// less.
inline void check_text_between_ascii(failures& found, text_checker& checker) {
  std::size_t number = 0;
  for (const support::bytes& filler : text_fillers()) {
    for (std::size_t offset = 0; offset <= 600; ++offset) {
      const auto front = support::repeat(offset, support::to_bytes("x"));
      const auto behind = support::repeat(300 + offset * 37 % 400, support::to_bytes("y"));
      const judged_text text{support::concat(front, filler, behind)};
      found.expect(text.valid() == text.size() && checker.judges(text, 0, text.size()) &&
                       checker.judges(text, 0, text.size()),
                   "text between ASCII: filler, offset", {number, offset});
    }
    ++number;
  }
}

// What is wrong near the beginning of a text that is long enough for a kernel to begin with what
// stands before a multiple of its width, at each alignment.
inline void check_bad_text_before_alignment(failures& found, text_checker& checker) {
  std::vector<support::bytes> wrong = support::every_cut_utf8();
  for (const support::bad_utf8& bad : support::every_bad_utf8()) wrong.push_back(bad.text);
  const std::vector<support::bytes> fillers = text_fillers();
  for (std::size_t number = 0; number < wrong.size(); ++number) {
    for (std::size_t offset = 0; offset <= 140; ++offset) {
      const auto front = whole_text_of(fillers[offset % fillers.size()], offset);
      // All of them at the end of the pages: the size decides on the alignment.
      const std::size_t size = 4300 + (number + offset * 5) % 64;
      const auto behind =
          support::repeat(size - offset - wrong[number].size(), support::to_bytes("y"));
      const judged_text text{support::concat(front, wrong[number], behind)};
      found.expect(text.valid() < text.size() && checker.judges(text, 0, text.size()) &&
                       checker.judges(text, 0, text.size()),
                   "what is wrong before alignment: what, offset", {number, offset});
      const judged_text right{support::concat(front, behind, front)};
      found.expect(right.valid() == right.size() && checker.judges(right, 0, right.size()) &&
                       checker.judges(right, 0, right.size()),
                   "a long text: what, offset", {number, offset});
    }
  }
}

// Sequences of bytes at the edges of what a kernel reads at once, behind ASCII.
class edge_checker {
 public:
  explicit edge_checker(failures& found)
      : found_{found},
        plain_(room, std::byte{'x'}),
        masked_(masked(plain_, 0)),
        copy_(room, std::byte{0}) {}

  // `shift`: how many of its bytes lie before the edge.
  template <std::size_t Size>
  void check(const std::array<std::uint8_t, Size>& sequence, std::size_t edge, std::size_t shift,
             bool has_text_behind, bool unmasks) {
    hawser::utf8_state expected;
    std::size_t stands = 0;
    while (stands < Size && is_taken(expected, sequence[stands])) ++stands;

    const std::size_t begin = edge - shift;
    const std::size_t size = begin + Size + (has_text_behind ? 19 : 0);
    // ASCII behind it is impossible where its end is cut.
    const bool is_whole = stands == Size && (expected.is_complete() || !has_text_behind);
    write(begin, sequence);
    hawser::utf8_state state;
    std::size_t valid = 0;
    if (unmasks) {
      hawser::masking_key key = mask_key;
      valid = hawser::unmask_utf8(state, copy_.data(), std::span{masked_}.first(size), key);
    } else {
      valid = hawser::validate_utf8(state, std::span{plain_}.first(size));
    }
    write(begin, filler<Size>());
    bool holds = valid == (is_whole ? size : begin + stands);
    if (is_whole) holds = holds && (has_text_behind ? state.is_complete() : state == expected);
    std::size_t number = 0;
    for (const std::uint8_t byte : sequence) number = number << 8 | byte;
    found_.expect(holds, "bytes at an edge: the bytes, edge, shift, text behind, unmasks",
                  {number, edge, shift, has_text_behind, unmasks});
  }

 private:
  static constexpr std::size_t room = 320;

  static bool is_taken(hawser::utf8_state& state, std::uint8_t byte) {
    const auto one = static_cast<std::byte>(byte);
    return hawser::validate_utf8(state, {&one, 1}) == 1;
  }
  template <std::size_t Size>
  static std::array<std::uint8_t, Size> filler() {
    std::array<std::uint8_t, Size> result;
    result.fill('x');
    return result;
  }
  template <std::size_t Size>
  void write(std::size_t begin, const std::array<std::uint8_t, Size>& sequence) {
    for (std::size_t i = 0; i < Size; ++i) {
      plain_[begin + i] = static_cast<std::byte>(sequence[i]);
      masked_[begin + i] = plain_[begin + i] ^ mask_bytes[(begin + i) % 4];
    }
  }

  failures& found_;
  support::bytes plain_;
  support::bytes masked_;
  support::bytes copy_;
};

inline constexpr std::array<std::size_t, 5> block_edges{16, 32, 64, 128, 256};

// Each sequence of three bytes, at one of the edges; each pair of bytes at all of them, cut by the
// edge and before it, with and without text behind, read and unmasked.
inline void check_three_bytes_at_edges(edge_checker& checker) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (unsigned c = 0; c < 256; ++c) {
        const std::array sequence{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                  static_cast<std::uint8_t>(c)};
        checker.check(sequence, block_edges[c % 5], 1 + c / 5 % 2, c / 10 % 2 == 0,
                      c / 20 % 2 == 0);
      }
    }
  }
}

// Four bytes of which the first begins something, at each edge.
inline void check_four_bytes_at_edges(edge_checker& checker) {
  constexpr std::array<std::uint8_t, 17> firsts{0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF,
                                                0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
                                                0xF0, 0xF1, 0xF3, 0xF4, 0xF5};
  constexpr std::array<std::uint8_t, 12> others{0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                                0xA0, 0xBF, 0xC2, 0xE2, 0xF0, 0xFF};
  for (const std::uint8_t a : firsts) {
    for (unsigned b = 0; b < 256; ++b) {
      for (const std::uint8_t c : others) {
        for (const std::uint8_t d : others) {
          for (std::size_t shift = 1; shift <= 3; ++shift) {
            const std::array sequence{a, static_cast<std::uint8_t>(b), c, d};
            const std::size_t edge = block_edges[(b + c + d + shift) % 5];
            checker.check(sequence, edge, shift, (b & 1U) != 0, (d & 1U) != 0);
          }
        }
      }
    }
  }
}

// Text of all sorts, some of it broken, of any size, cut anywhere.
inline void check_random_text(failures& found, text_checker& checker, std::size_t longest) {
  const std::vector<support::bytes> fillers = text_fillers();
  support::seeded random;
  for (std::size_t round = 0; round < 4000; ++round) {
    const std::size_t size = random.below(round % 50 == 0 ? longest : 700);
    support::bytes text;
    while (text.size() < size) {
      const support::bytes& filler = fillers[random.below(fillers.size())];
      text = support::concat(text, support::repeat(random.below(9), filler));
    }
    text.resize(size);
    for (std::size_t broken = random.below(3); broken != 0 && size != 0; --broken) {
      text[random.below(size)] = static_cast<std::byte>(random.below(256));
    }
    const judged_text judged{text};
    bool is_right = true;
    for (std::size_t begin = 0; begin <= judged.valid() && begin < size;) {
      const std::size_t end = begin + 1 + random.below(size - begin);
      is_right = is_right && checker.judges(judged, begin, end);
      begin = end;
    }
    found.expect(is_right, "some text in some parts: round, size", {round, size});
  }
}

inline void check_text(failures& found) {
  constexpr std::size_t longest = 20'000;
  edge_checker edges{found};
  check_three_bytes_at_edges(edges);
  check_four_bytes_at_edges(edges);
  text_checker checker{longest};
  check_text_at_each_split(found, checker);
  check_bad_text_at_each_place(found, checker);
  check_text_behind_a_cut(found, checker);
  check_bad_text_in_long_text(found, checker);
  check_text_between_ascii(found, checker);
  check_bad_text_before_alignment(found, checker);
  check_random_text(found, checker, longest);
  found.expect(checker.is_guarded(), "the guards stayed", {});
}
