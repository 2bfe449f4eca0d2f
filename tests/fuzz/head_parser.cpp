// The parser of HTTP/1.1 heads, requests and responses, and the decoder of a response's body. What
// is asserted stands in README.md.
//
// Input: limits (1 byte; the highest bit chooses responses), how many bytes of cuts (1), the cuts,
// then a head and what follows it.

#include "hawser/http1_body.hpp"
#include "hawser/http1_head.hpp"
#include "hawser/http1_write.hpp"
#include "support/fuzzing.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using hawser::parse_state;
using support::require;

struct task {
  std::size_t max_size = 0;
  std::size_t max_fields = 0;
  std::string_view cuts = {};
  std::string_view wire = {};
};

// All that a parser says, with the bytes that it took.
template <hawser::role Role, class Parser>
support::fuzz_log describe(const Parser& parser, std::size_t consumed) {
  support::fuzz_log all{
      "state " + std::to_string(static_cast<int>(parser.state())),
      "error " + std::string{to_string(parser.error())}, "consumed " + std::to_string(consumed),
      "size " + std::to_string(parser.size()), "version " + std::to_string(parser.version_minor())};
  if constexpr (Role == hawser::role::server) {
    all.emplace_back(parser.method());
    all.emplace_back(parser.target());
  } else {
    all.push_back(std::to_string(parser.status()));
    all.emplace_back(parser.reason());
  }
  for (const hawser::header& each : parser.headers()) {
    all.emplace_back(each.name);
    all.emplace_back(each.value);
  }
  return all;
}

template <hawser::role Role, class Storage>
support::fuzz_log parse(const task& todo, const std::vector<std::string_view>& parts) {
  hawser::basic_head_parser<Role, Storage> parser{todo.max_size, todo.max_fields};
  std::size_t consumed = 0;
  for (const std::string_view part : parts) {
    const support::exact_copy bytes{part};
    const hawser::head_progress progress = parser.parse(hawser::byte_view{bytes.span()});
    require(progress.consumed <= part.size(), "no more is used than there is");
    require(progress.state != parse_state::incomplete || progress.consumed == part.size(),
            "a head that is not complete uses all");
    require(progress.state == parser.state() && progress.error == parser.error(),
            "the progress is the state");
    require((parser.state() == parse_state::failed) == (parser.error() != hawser::error::none),
            "a failure has a reason");
    consumed += progress.consumed;
  }
  require(consumed <= todo.max_size, "no more than the limit is stored");
  return describe<Role>(parser, consumed);
}

// What a naive reader of lines makes of a head that was accepted.
template <hawser::role Role>
void check_lines(const hawser::basic_head_parser<Role>& parser, std::string_view head) {
  require(head.ends_with("\r\n\r\n"), "a head ends with an empty line");
  if (Role == hawser::role::server && head.starts_with("\r\n")) head.remove_prefix(2);
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    require(c != '\r' || head[i + 1] == '\n', "no bare CR");
    require(c != '\n' || (i != 0 && head[i - 1] == '\r'), "no bare LF");
    require(c == '\r' || c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7F), "no control bytes");
    require(c < 0x80 || Role == hawser::role::client, "a request is ASCII");
  }
  head.remove_prefix(head.find("\r\n") + 2);
  for (const hawser::header& each : parser.headers()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(':');
    require(colon != std::string_view::npos && colon != 0, "a field has a name");
    require(each.name == line.substr(0, colon), "the name of a field");
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
      value.remove_prefix(1);
    }
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    require(each.value == value, "the value of a field");
    head.remove_prefix(line.size() + 2);
  }
  require(head == "\r\n", "every line is a field");
}

// What was parsed can be written, and is then parsed as the same.
template <hawser::role Role>
void check_written(const hawser::basic_head_parser<Role>& parser) {
  std::string text;
  hawser::error wrong = hawser::error::none;
  if constexpr (Role == hawser::role::server) {
    wrong = write_request_head(text, parser.method(), parser.target(), parser.headers());
  } else {
    wrong = write_response_head(text, parser.status(), parser.reason(), parser.headers());
  }
  require(wrong == hawser::error::none, "what was parsed can be written");
  hawser::basic_head_parser<Role> again{text.size(), parser.headers().size()};
  const hawser::head_progress progress = again.parse(text);
  require(progress.state == parse_state::complete && progress.consumed == text.size(),
          "what was written can be parsed");
  support::fuzz_log before = describe<Role>(parser, 0);
  support::fuzz_log after = describe<Role>(again, 0);
  // Sizes and versions may differ.
  before.erase(before.begin(), before.begin() + 5);
  after.erase(after.begin(), after.begin() + 5);
  support::require_same(before, after, "written and parsed again it is the same");
}

// --- Bodies --------------------------------------------------------------------------------------

support::fuzz_log decode(hawser::body_framing framing, const std::vector<std::string_view>& parts,
                         std::size_t most) {
  hawser::body_decoder decoder{framing};
  std::string body;
  std::size_t consumed = 0;
  for (const std::string_view part : parts) {
    const support::exact_copy bytes{part};
    const hawser::body_progress progress =
        decoder.decode(hawser::byte_view{bytes.span()}, body, most);
    require(progress.consumed <= part.size(), "no more is used than there is");
    require(progress.state == decoder.state(), "the progress is the state");
    require(progress.state != parse_state::incomplete || progress.consumed == part.size(),
            "a body that is not complete uses all");
    consumed += progress.consumed;
  }
  require(body.size() <= most, "no more than the limit is kept");
  const auto state = static_cast<int>(decoder.state());
  const auto end = static_cast<int>(decoder.end_of_stream());
  require(end != 0 && (state == 0 || state == end), "the end of the stream ends a body");
  return {std::to_string(consumed), std::to_string(state), std::to_string(end), body};
}

// A body in chunks that was decoded, decoded by string searches. Only of a good one.
std::string join_chunks(std::string_view wire, std::size_t& consumed) {
  std::string body;
  const std::string_view all = wire;
  for (std::size_t size = 1; size != 0;) {
    size = 0;
    for (const char c : wire.substr(0, wire.find_first_of("\r; \t"))) {
      size = size * 16 + static_cast<std::size_t>(std::string_view{"0123456789abcdef"}.find(
                             hawser::detail::to_lower(c)));
    }
    wire.remove_prefix(wire.find("\r\n") + 2);
    body += wire.substr(0, size);
    if (size != 0) wire.remove_prefix(size + 2);
  }
  while (!wire.starts_with("\r\n")) wire.remove_prefix(wire.find("\r\n") + 2);
  consumed = all.size() - wire.size() + 2;
  return body;
}

void check_body(const hawser::response_head_parser& head, std::string_view wire,
                std::string_view cuts) {
  const hawser::body_framing framing =
      response_body_framing(head.status(), head.version_minor(), head.headers());
  for (const std::size_t most : {std::size_t{0}, std::size_t{10}, std::size_t{16384}}) {
    const support::fuzz_log whole = decode(framing, {wire}, most);
    support::require_same(decode(framing, support::cut_by(wire, cuts), most), whole,
                          "a body cut anywhere");
    support::require_same(decode(framing, support::cut_each(wire), most), whole,
                          "a body byte by byte");
    const bool is_complete = whole[1] == "1";
    if (framing.kind == hawser::body_kind::sized && is_complete) {
      require(whole[3] == wire.substr(0, static_cast<std::size_t>(framing.size)).substr(0, most),
              "a body of a known size");
    }
    if (framing.kind == hawser::body_kind::chunked && is_complete) {
      std::size_t consumed = 0;
      const std::string body = join_chunks(wire, consumed);
      require(whole[3] == body.substr(0, most), "a body in chunks");
      require(whole[0] == std::to_string(consumed), "the end of a body in chunks");
    }
  }
}

// --- Both ----------------------------------------------------------------------------------------

template <hawser::role Role>
void check(const task& todo) {
  using heap = hawser::heap_head_storage;
  using fixed = hawser::fixed_head_storage<4096, 40>;
  const support::fuzz_log whole = parse<Role, heap>(todo, {todo.wire});
  const auto cut = support::cut_by(todo.wire, todo.cuts);
  const auto each = support::cut_each(todo.wire);
  support::require_same(parse<Role, fixed>(todo, {todo.wire}), whole, "both storages");
  support::require_same(parse<Role, heap>(todo, cut), whole, "cut anywhere");
  support::require_same(parse<Role, fixed>(todo, cut), whole, "cut anywhere, both storages");
  support::require_same(parse<Role, heap>(todo, each), whole, "byte by byte");
  support::require_same(parse<Role, fixed>(todo, each), whole, "byte by byte, both storages");

  hawser::basic_head_parser<Role> parser{todo.max_size, todo.max_fields};
  const hawser::head_progress progress = parser.parse(todo.wire);
  if (progress.state == parse_state::incomplete) return;
  require(parser.parse(todo.wire).consumed == 0 && parser.state() == progress.state,
          "after its end a parser uses nothing");
  if (progress.state != parse_state::complete) return;
  check_lines<Role>(parser, todo.wire.substr(0, progress.consumed));
  check_written<Role>(parser);
  if constexpr (Role == hawser::role::client) {
    check_body(parser, todo.wire.substr(progress.consumed), todo.cuts);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::size_t, 4> sizes = {4096, 20, 100, 1000};
  constexpr std::array<std::size_t, 4> counts = {40, 0, 1, 5};
  support::fuzz_input in{data, size};
  const unsigned kind = in.byte();
  task todo{.max_size = sizes[kind & 3U], .max_fields = counts[kind >> 2 & 3U]};
  todo.cuts = in.take(in.byte());
  todo.wire = in.take_all();
  if (kind < 128) {
    check<hawser::role::server>(todo);
  } else {
    check<hawser::role::client>(todo);
  }
  return 0;
}
