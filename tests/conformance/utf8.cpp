// RFC 6455 5.6 and 8.1: text is UTF-8, and is refused at the first byte that cannot be. Autobahn's
// group 6, subgroup by subgroup, and every class of wrong bytes at every place.

#include "hawser/connection.hpp"
#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

const std::string greeting =
    "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!";
const std::string kosme = "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5";

// A text in frames of so many bytes.
wire_to in_frames_of(role to, std::size_t size, std::string_view text) {
  wire_to wire{to};
  opcode code = opcode::text;
  for (std::size_t at = 0; at < text.size(); at += size) {
    wire.frame(code, to_bytes(text.substr(at, size)), at + size >= text.size());
    code = opcode::continuation;
  }
  return wire;
}

struct sample {
  const char* subgroup;
  std::vector<bytes> texts;
};

std::vector<bytes> each_followed_by_space(unsigned first, unsigned last) {
  bytes all;
  for (unsigned byte = first; byte <= last; ++byte) {
    all.push_back(static_cast<std::byte>(byte));
    all.push_back(std::byte{' '});
  }
  return {all};
}

std::vector<bytes> joined_texts(const std::vector<bytes>& parts) {
  bytes all;
  for (const bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return {all};
}

// U+FFFE and U+FFFF of each plane: no characters, but scalar values, and good UTF-8.
std::vector<bytes> noncharacters() {
  std::vector<bytes> all{"ef bf be"_hex, "ef bf bf"_hex};
  for (unsigned plane = 1; plane <= 16; ++plane) {
    for (const unsigned last : {0xBEU, 0xBFU}) {
      all.push_back({static_cast<std::byte>(0xF0 | plane >> 2),
                     static_cast<std::byte>(0x8F | (plane & 3U) << 4), std::byte{0xBF},
                     static_cast<std::byte>(last)});
    }
  }
  return all;
}

std::vector<sample> valid_samples() {
  return {
      {"6.5 the word kosme", {to_bytes(kosme)}},
      {"6.7 the first of each length", {"00"_hex, "c2 80"_hex, "e0 a0 80"_hex, "f0 90 80 80"_hex}},
      {"6.9 the last of each length", {"7f"_hex, "df bf"_hex, "ef bf bf"_hex, "f4 8f bf bf"_hex}},
      {"6.11 around the gaps", {"ed 9f bf"_hex, "ee 80 80"_hex, "ef bf bd"_hex, "f4 8f bf bf"_hex}},
      {"6.22 noncharacters", noncharacters()},
      {"6.23 specials",
       {"ef bf b9"_hex, "ef bf ba"_hex, "ef bf bb"_hex, "ef bf bc"_hex, "ef bf bd"_hex,
        "ef bb bf"_hex}},
      {"the edges of all ranges", every_edge_utf8()},
  };
}

std::vector<sample> invalid_samples() {
  const std::vector<bytes> incomplete = {
      "c0"_hex, "e0 80"_hex, "f0 80 80"_hex, "f8 80 80 80"_hex, "fc 80 80 80 80"_hex,
      "df"_hex, "ef bf"_hex, "f7 bf bf"_hex, "fb bf bf bf"_hex, "fd bf bf bf bf"_hex};
  bytes continuations;
  for (unsigned byte = 0x80; byte < 0xC0; ++byte)
    continuations.push_back(static_cast<std::byte>(byte));
  return {
      {"6.3 a surrogate in good text",
       {concat(to_bytes(kosme), "ed a0 80"_hex, to_bytes("edited"))}},
      {"6.4 beyond U+10FFFF in good text",
       {concat(to_bytes(kosme), "f4 90 80 80"_hex, to_bytes("edited"))}},
      {"6.8 the first of five and of six bytes", {"f8 88 80 80 80"_hex, "fc 84 80 80 80 80"_hex}},
      {"6.10 the last of four, five and six bytes",
       {"f7 bf bf bf"_hex, "fb bf bf bf bf"_hex, "fd bf bf bf bf bf"_hex}},
      {"6.11 U+110000", {"f4 90 80 80"_hex}},
      {"6.12 continuation bytes",
       {"80"_hex, "bf"_hex, "80 bf"_hex, "80 bf 80"_hex, "80 bf 80 bf"_hex, "80 bf 80 bf 80"_hex,
        "80 bf 80 bf 80 bf"_hex, continuations}},
      {"6.13 lonely first bytes of two", each_followed_by_space(0xC0, 0xDF)},
      {"6.13 of three", each_followed_by_space(0xE0, 0xEF)},
      {"6.13 of four", each_followed_by_space(0xF0, 0xF7)},
      {"6.13 of five", each_followed_by_space(0xF8, 0xFB)},
      {"6.13 of six", each_followed_by_space(0xFC, 0xFD)},
      {"6.14 the last byte missing", incomplete},
      {"6.15 all of them in a row", joined_texts(incomplete)},
      {"6.16 impossible bytes", {"fe"_hex, "ff"_hex, "fe fe ff ff"_hex}},
      {"6.17 overlong slashes",
       {"c0 af"_hex, "e0 80 af"_hex, "f0 80 80 af"_hex, "f8 80 80 80 af"_hex,
        "fc 80 80 80 80 af"_hex}},
      {"6.18 the largest overlong",
       {"c1 bf"_hex, "e0 9f bf"_hex, "f0 8f bf bf"_hex, "f8 87 bf bf bf"_hex,
        "fc 83 bf bf bf bf"_hex}},
      {"6.19 overlong NUL",
       {"c0 80"_hex, "e0 80 80"_hex, "f0 80 80 80"_hex, "f8 80 80 80 80"_hex,
        "fc 80 80 80 80 80"_hex}},
      {"6.20 single surrogates",
       {"ed a0 80"_hex, "ed ad bf"_hex, "ed ae 80"_hex, "ed af bf"_hex, "ed b0 80"_hex,
        "ed be 80"_hex, "ed bf bf"_hex}},
      {"6.21 pairs of surrogates",
       {"ed a0 80 ed b0 80"_hex, "ed a0 80 ed bf bf"_hex, "ed ad bf ed b0 80"_hex,
        "ed ad bf ed bf bf"_hex, "ed ae 80 ed b0 80"_hex, "ed ae 80 ed bf bf"_hex,
        "ed af bf ed b0 80"_hex, "ed af bf ed bf bf"_hex}},
      {"texts that end inside a code point", every_cut_utf8()},
  };
}

// Each text in one frame, and in frames of one byte.
std::vector<conversation> samples(role to, const std::vector<sample>& all, bool is_valid) {
  std::vector<conversation> result;
  for (const sample& each : all) {
    for (const bytes& raw : each.texts) {
      const std::string text = to_text(raw);
      const outcome found = is_valid ? gives_text(text) : gives_failure(error::invalid_utf8);
      result.push_back({each.subgroup, wire_to{to}.text(text), {found}});
      result.push_back(
          {std::string{each.subgroup} + " byte by byte", in_frames_of(to, 1, text), {found}});
      result.push_back({std::string{each.subgroup} + " behind a good text",
                        wire_to{to}.text(greeting).text(text),
                        {gives_text(greeting), found}});
    }
  }
  return result;
}

std::vector<conversation> greetings(role to) {
  std::vector<conversation> all{{"6.2.1", wire_to{to}.text(greeting), {gives_text(greeting)}}};
  for (std::size_t size = 1; size <= greeting.size(); ++size) {  // 6.2.2 to 6.2.4
    all.push_back({"6.2 in frames of " + std::to_string(size),
                   in_frames_of(to, size, greeting),
                   {gives_text(greeting)}});
  }
  return all;
}

// 6.6: every beginning of the word, which is good where it ends between two code points.
std::vector<conversation> beginnings(role to) {
  std::vector<conversation> all;
  for (std::size_t size = 1; size <= kosme.size(); ++size) {
    const std::string part = kosme.substr(0, size);
    const bool is_good =
        size == kosme.size() || (static_cast<unsigned char>(kosme[size]) & 0xC0U) != 0x80U;
    all.push_back({"6.6 the first " + std::to_string(size),
                   wire_to{to}.text(part),
                   {is_good ? gives_text(part) : gives_failure(error::invalid_utf8)}});
  }
  return all;
}

// A text of 100 bytes with `bad` behind `offset` bytes of `filler`.
std::string spoiled_text(std::string_view filler, std::size_t offset, const bad_utf8& bad) {
  std::string text;
  while (text.size() + filler.size() <= offset) text += filler;
  text.resize(offset, 'a');
  text += to_text(bad.text);
  while (text.size() < 100) text += 'z';
  return text;
}

// Gives `first`, then `second`; answers which of the two failed: 1 or 2, or 0.
template <role Role>
int failing_part(typename basic_connection<Role>::endpoint_type& endpoint, bytes first,
                 bytes second) {
  auto connection = basic_connection<Role>::adopt(endpoint, {});
  int part = 1;
  for (bytes* each : {&first, &second}) {
    auto events = connection.receive(*each);
    while (const event found = events.next()) {
      if (found.kind() == event_kind::failed) {
        return connection.error() == error::invalid_utf8 ? part : -1;
      }
      if (!found.is_piece() && found.kind() != event_kind::open) return -2;
    }
    ++part;
  }
  return 0;
}

// The part fails that holds the impossible byte: for splits of the stream at every byte.
template <role Role>
std::size_t require_early_failure(delivery how, std::string_view filler) {
  typename basic_connection<Role>::endpoint_type endpoint{{.delivery = how}};
  std::size_t count = 0;
  const std::size_t header = Role == role::server ? 6 : 2;
  for (const bad_utf8& bad : every_bad_utf8()) {
    for (std::size_t offset = 0; offset <= 70; ++offset) {
      const std::string text = spoiled_text(filler, offset, bad);
      const bytes frame = wire_to{Role}.text(text);
      const std::size_t fatal = header + offset + bad.impossible;
      for (std::size_t at = 0; at <= frame.size(); at += at + 8 < fatal || at > fatal + 8 ? 7 : 1) {
        const auto middle = frame.begin() + static_cast<std::ptrdiff_t>(at);
        const int part =
            failing_part<Role>(endpoint, {frame.begin(), middle}, {middle, frame.end()});
        ++count;
        if (part == (fatal < at ? 1 : 2)) continue;
        INFO(bad.what << " at offset " << offset << ", cut at " << at);
        REQUIRE(part == (fatal < at ? 1 : 2));
      }
    }
  }
  return count;
}

// The same where the text is cut into two fragments at every byte.
template <role Role>
std::size_t require_early_failure_in_fragments() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  std::size_t count = 0;
  for (const bad_utf8& bad : every_bad_utf8()) {
    for (std::size_t offset = 0; offset <= 70; offset += 5) {
      const std::string text = spoiled_text("\xE2\x82\xAC", offset, bad);
      const std::size_t fatal = offset + bad.impossible;
      for (std::size_t at = 0; at <= text.size(); ++at) {
        const int part = failing_part<Role>(
            endpoint, wire_to{Role}.text(std::string_view{text}.substr(0, at), false),
            wire_to{Role}.last(std::string_view{text}.substr(at)));
        ++count;
        if (part == (fatal < at ? 1 : 2)) continue;
        INFO(bad.what << " at offset " << offset << ", fragment of " << at);
        REQUIRE(part == (fatal < at ? 1 : 2));
      }
    }
  }
  return count;
}

// A text that ends inside a code point is good until it ends, however long it is.
template <role Role>
void require_failure_at_the_end() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  for (const bytes& cut : every_cut_utf8()) {
    for (std::size_t offset = 0; offset <= 70; ++offset) {
      const std::string text = std::string(offset, 'a') + to_text(cut);
      const bytes whole = wire_to{Role}.text(text);
      const bytes all_but_one{whole.begin(), whole.end() - 1};
      INFO("cut behind " << offset);
      const int part = failing_part<Role>(endpoint, all_but_one, {whole.back()});
      if (part != 2) REQUIRE(part == 2);
      const int ended =
          failing_part<Role>(endpoint, wire_to{Role}.text(text, false), wire_to{Role}.last(""));
      if (ended != 2) REQUIRE(ended == 2);
    }
  }
}

template <role Role>
void require_refusal_to_send() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  for (const bad_utf8& bad : every_bad_utf8()) {
    if (end->send_text(to_text(bad.text)) != error::text_not_utf8) FAIL(bad.what);
    if (end->close(close_code::normal, to_text(bad.text)) != error::text_not_utf8) FAIL(bad.what);
  }
  CHECK(!end->has_output());
  CHECK(end->is_open());

  REQUIRE(end->begin_text() == error::none);
  CHECK(end->append("e2 82"_hex) == error::none);
  CHECK(end->append("41"_hex) == error::text_not_utf8);
  CHECK(end->finish() == error::text_not_utf8);  // inside a code point
  CHECK(end->finish("ac"_hex) == error::none);
  CHECK(end->send_binary("ff"_hex) == error::none);
}

}  // namespace

TEST_CASE("a valid text arrives however it is fragmented", "[conformance][autobahn-6.2]") {
  require_conversations(greetings);
}

TEST_CASE("every kind of code point may stand in a text",
          "[conformance][autobahn-6.5][autobahn-6.7][autobahn-6.9][autobahn-6.11][autobahn-6.22]"
          "[autobahn-6.23]") {
  require_conversations([](role to) { return samples(to, valid_samples(), true); });
}

TEST_CASE("a text that is no UTF-8 fails the connection",
          "[conformance][rfc6455-8.1-invalid][autobahn-6.3][autobahn-6.4][autobahn-6.8]"
          "[autobahn-6.10][autobahn-6.12][autobahn-6.13][autobahn-6.14][autobahn-6.15]"
          "[autobahn-6.16][autobahn-6.17][autobahn-6.18][autobahn-6.19][autobahn-6.20]"
          "[autobahn-6.21]") {
  require_conversations([](role to) { return samples(to, invalid_samples(), false); });
}

TEST_CASE("a text must not end inside a code point",
          "[conformance][rfc6455-5.6-whole][autobahn-6.6]") {
  require_conversations(beginnings);
  require_failure_at_the_end<role::server>();
  require_failure_at_the_end<role::client>();
}

TEST_CASE("a text fails at its first impossible byte, at any place and split",
          "[conformance][rfc6455-8.1-early][autobahn-6.4]") {
  std::size_t count = require_early_failure<role::server>(delivery::whole, "a");
  count += require_early_failure<role::client>(delivery::whole, "\xF0\x9F\x98\x80");
  count += require_early_failure<role::server>(delivery::pieces, "\xC3\xA9");
  CHECK(count > 100'000);
}

TEST_CASE("a text fails at its first impossible byte, however it is fragmented",
          "[conformance][rfc6455-8.1-early][autobahn-6.4]") {
  const std::size_t count = require_early_failure_in_fragments<role::server>() +
                            require_early_failure_in_fragments<role::client>();
  CHECK(count > 100'000);
}

TEST_CASE("nothing is known of a text frame until its bytes come", "[conformance][autobahn-6.4]") {
  // 6.4.1: the first two of three frames, of which the second is impossible.
  require_conversations([](role to) {
    const outcome failure = gives_failure(error::invalid_utf8);
    return std::vector<conversation>{
        {"6.4.1", wire_to{to}.text(kosme, false).more("\xF4\x90\x80\x80"), {failure}},
        {"6.4.2", wire_to{to}.text(kosme + "\xF4", false).more("\x90"), {failure}}};
  });
}

TEST_CASE("binary messages, pings and pongs may be any bytes",
          "[conformance][rfc6455-5.6-binary]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    for (const bad_utf8& bad : every_bad_utf8()) {
      const std::string text = to_text(bad.text);
      all.push_back({bad.what,
                     wire_to{to}.binary(bad.text).ping(text).pong(text),
                     {gives_binary(bad.text), gives_ping(text), gives_pong(text)}});
    }
    return all;
  });
}

TEST_CASE("text that is no UTF-8 is not sent", "[conformance][rfc6455-5.6-send]") {
  require_refusal_to_send<role::server>();
  require_refusal_to_send<role::client>();
}
