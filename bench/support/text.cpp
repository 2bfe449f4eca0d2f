#include "support/text.hpp"

#include "support/random.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {
namespace {

void append_code_point(std::string& out, std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | point >> 6);
    add(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  }
}

// Words of letters with what stands between words.
void append_words(std::string& out, random& numbers, std::uint32_t first_letter,
                  std::uint32_t letters, std::size_t words) {
  for (std::size_t word = 0; word < words; ++word) {
    if (word != 0) out += numbers.below(9) == 0 ? ", " : " ";
    for (std::size_t left = 1 + numbers.below(10); left != 0; --left) {
      append_code_point(out, first_letter + static_cast<std::uint32_t>(numbers.below(letters)));
    }
  }
}

void append_ascii(std::string& out, random& numbers) {
  append_words(out, numbers, 'a', 26, 3 + numbers.below(12));
  out += ". ";
}

void append_cyrillic(std::string& out, random& numbers) {
  append_words(out, numbers, 0x430, 32, 3 + numbers.below(12));
  out += ". ";
}

void append_cjk(std::string& out, random& numbers) {
  for (std::size_t left = 4 + numbers.below(24); left != 0; --left) {
    append_code_point(out, 0x4E00 + static_cast<std::uint32_t>(numbers.below(0x5000)));
  }
  append_code_point(out, numbers.below(3) == 0 ? 0x3002 : 0xFF0C);  // full stop, comma
}

void append_emoji(std::string& out, random& numbers) {
  append_code_point(out, 0x1F600 + static_cast<std::uint32_t>(numbers.below(0x50)));
  if (numbers.below(8) == 0) out += ' ';
}

// An object as a chat would send it: mostly ASCII, with values in many scripts.
void append_json(std::string& out, random& numbers) {
  out += R"({"id":)" + std::to_string(numbers.next() % 100'000'000) + R"(,"from":")";
  append_words(out, numbers, 'a', 26, 1);
  out += R"(","text":")";
  switch (numbers.below(6)) {
    case 0:
      append_words(out, numbers, 0x430, 32, 1 + numbers.below(16));
      break;
    case 1:
      append_cjk(out, numbers);
      break;
    case 2:
      append_words(out, numbers, 'a', 26, 1 + numbers.below(6));
      append_emoji(out, numbers);
      break;
    default:
      append_words(out, numbers, 'a', 26, 1 + numbers.below(24));
      break;
  }
  out += R"(","at":)" + std::to_string(numbers.next() % 1'000'000) + R"(,"seen":)";
  out += numbers.below(2) == 0 ? "true},\n" : "false},\n";
}

std::string make_text(script kind) {
  random numbers{static_cast<std::uint64_t>(kind) + 1};
  std::string text;
  text.reserve(text_size + 1024);
  while (text.size() < text_size) {
    switch (kind) {
      case script::ascii:
        append_ascii(text, numbers);
        break;
      case script::cyrillic:
        append_cyrillic(text, numbers);
        break;
      case script::cjk:
        append_cjk(text, numbers);
        break;
      case script::emoji:
        append_emoji(text, numbers);
        break;
      case script::json:
        append_json(text, numbers);
        break;
    }
  }
  text.resize(cut_text(text, 0, text_size));
  text.append(text_size - text.size(), ' ');
  return text;
}

}  // namespace

std::string_view name_of(script kind) noexcept {
  constexpr std::array<std::string_view, 5> names{"ASCII", "Cyrillic", "CJK", "emoji",
                                                  "mixed JSON"};
  return names[static_cast<std::size_t>(kind)];
}

const std::string& text_of(script kind) {
  static std::array<std::string, scripts.size()> texts;
  std::string& text = texts[static_cast<std::size_t>(kind)];
  if (text.empty()) text = make_text(kind);
  return text;
}

std::size_t cut_text(std::string_view text, std::size_t begin, std::size_t most) noexcept {
  std::size_t end = std::min(text.size(), begin + most);
  if (end == text.size()) return end;
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return end;
}

}  // namespace bench
