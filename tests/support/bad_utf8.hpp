#pragma once

// Every class of bytes that are no UTF-8, each with the place of its first byte that can stand in
// no text. RFC 3629 3 and 4; the table of well-formed sequences in the Unicode Standard, chapter 3.

#include "support/bytes.hpp"

#include <cstddef>
#include <vector>

namespace support {

struct bad_utf8 {
  const char* what;
  bytes text;
  std::size_t impossible;  // index of the first byte that no valid text has there
};

inline std::vector<bad_utf8> every_bad_utf8() {
  return {
      {"a continuation byte alone, the lowest", "80"_hex, 0},
      {"a continuation byte alone, the highest", "bf"_hex, 0},
      {"several continuation bytes alone", "80 bf 80 bf"_hex, 0},
      {"overlong NUL in two bytes", "c0 80"_hex, 0},
      {"overlong slash in two bytes", "c0 af"_hex, 0},
      {"overlong U+007F", "c1 bf"_hex, 0},
      {"overlong NUL in three bytes", "e0 80 80"_hex, 1},
      {"overlong U+07FF", "e0 9f bf"_hex, 1},
      {"overlong NUL in four bytes", "f0 80 80 80"_hex, 1},
      {"overlong U+FFFF", "f0 8f bf bf"_hex, 1},
      {"the lowest surrogate", "ed a0 80"_hex, 1},
      {"the highest surrogate", "ed bf bf"_hex, 1},
      {"a pair of surrogates", "ed a0 80 ed b0 80"_hex, 1},
      {"U+110000", "f4 90 80 80"_hex, 1},
      {"beyond U+110000", "f4 bf bf bf"_hex, 1},
      {"a lead of U+140000", "f5 80 80 80"_hex, 0},
      {"a lead of U+1C0000", "f7 bf bf bf"_hex, 0},
      {"a lead of five bytes", "f8 88 80 80 80"_hex, 0},
      {"a lead of six bytes", "fc 84 80 80 80 80"_hex, 0},
      {"the byte FE", "fe"_hex, 0},
      {"the byte FF", "ff"_hex, 0},
      {"two bytes cut by ASCII", "c3 28"_hex, 1},
      {"two bytes cut by NUL", "c3 00"_hex, 1},
      {"two bytes cut by a lead", "c3 c3 a9"_hex, 1},
      {"two bytes cut by FF", "c3 ff"_hex, 1},
      {"three bytes cut after one", "e2 28 a1"_hex, 1},
      {"three bytes cut after two", "e2 82 28"_hex, 2},
      {"three bytes cut by a lead", "e2 82 c3 a9"_hex, 2},
      {"four bytes cut after one", "f0 28 8c bc"_hex, 1},
      {"four bytes cut after two", "f0 90 28 bc"_hex, 2},
      {"four bytes cut after three", "f0 90 8c 28"_hex, 3},
      {"four bytes cut by a lead", "f0 9f 98 f0 9f 98 80"_hex, 3},
      {"one continuation byte too many after two", "c3 a9 80"_hex, 2},
      {"one continuation byte too many after three", "e2 82 ac 80"_hex, 3},
      {"one continuation byte too many after four", "f0 9f 98 80 80"_hex, 4},
  };
}

// Code points that a text ends in the middle of.
inline std::vector<bytes> every_cut_utf8() {
  return {"c2"_hex, "df"_hex,    "e0"_hex,       "e0 a0"_hex, "ed"_hex,       "ed 9f"_hex,
          "ef"_hex, "ef bf"_hex, "f0"_hex,       "f0 90"_hex, "f0 90 80"_hex, "f3 bf bf"_hex,
          "f4"_hex, "f4 8f"_hex, "f4 8f bf"_hex, "e2 82"_hex};
}

// The edges of each range of code points, as UTF-8.
inline std::vector<bytes> every_edge_utf8() {
  return {"00"_hex,          "7f"_hex,          "c2 80"_hex,       "df bf"_hex,
          "e0 a0 80"_hex,    "e0 bf bf"_hex,    "e1 80 80"_hex,    "ec bf bf"_hex,
          "ed 80 80"_hex,    "ed 9f bf"_hex,    "ee 80 80"_hex,    "ef bf bf"_hex,
          "f0 90 80 80"_hex, "f0 bf bf bf"_hex, "f1 80 80 80"_hex, "f3 bf bf bf"_hex,
          "f4 80 80 80"_hex, "f4 8f bf bf"_hex, "ef bb bf"_hex,    "ef bf be"_hex};
}

}  // namespace support
