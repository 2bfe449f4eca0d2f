// The opening handshake as functions over header lists, both directions, and the texts that they go
// with. What is asserted stands in README.md.
//
// Input: rules (1 byte), a kind (1): 0 a request's head, 1 a response's head, 2 a request and 3 a
// response of lines that hold any bytes, as another carrier than HTTP/1.1 may bring them.

#include "hawser/negotiation.hpp"

#include "hawser/handshake_text.hpp"
#include "hawser/http1_head.hpp"
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

using hawser::error;
using support::require;

// --- A naive look at headers ---------------------------------------------------------------------

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::vector<std::string> values_of(hawser::header_list headers, std::string_view name) {
  std::vector<std::string> found;
  for (const hawser::header& each : headers) {
    if (lower(each.name) == lower(name)) found.emplace_back(each.value);
  }
  return found;
}

bool has_one(hawser::header_list headers, std::string_view name) {
  return values_of(headers, name).size() == 1;
}

std::vector<std::string> elements_of(hawser::header_list headers, std::string_view name) {
  std::vector<std::string> found;
  for (const std::string& value : values_of(headers, name)) {
    std::string element;
    for (const char c : value + ",") {
      if (c != ',') {
        element += c;
        continue;
      }
      const std::size_t first = element.find_first_not_of(" \t");
      const std::size_t last = element.find_last_not_of(" \t");
      if (first != std::string::npos) found.push_back(element.substr(first, last - first + 1));
      element.clear();
    }
  }
  return found;
}

bool lists(hawser::header_list headers, std::string_view name, std::string_view element) {
  const std::vector<std::string> all = elements_of(headers, name);
  return std::any_of(all.begin(), all.end(),
                     [&](const std::string& each) { return lower(each) == lower(element); });
}

// --- A server
// --------------------------------------------------------------------------------------

const std::vector<std::string>& known_subprotocols() {
  static const std::vector<std::string> known = {"chat", "superchat"};
  return known;
}

struct rule_set {
  hawser::origin_policy origins;
  std::vector<std::string> hosts;

  explicit rule_set(unsigned bits) {
    if ((bits & 3U) == 1) origins = hawser::origin_policy::any();
    if ((bits & 3U) == 2) {
      origins = hawser::origin_policy::listed({"https://example.com", "http://[::1]:8080"});
    }
    if ((bits & 3U) == 3) origins = hawser::origin_policy::listed({"null", "no origin at all"});
    origins.allow_absent = (bits & 4U) == 0;
    if ((bits & 8U) != 0) hosts = hawser::loopback_hosts();
  }

  [[nodiscard]] hawser::handshake_rules view() const {
    return {.origins = &origins, .allowed_hosts = hosts, .subprotocols = known_subprotocols()};
  }
};

void check_upgrade(const hawser::request_view& request) {
  const hawser::header_list headers = request.headers;
  require(request.method == "GET" && request.version_minor == 1, "an upgrade is a GET of HTTP/1.1");
  require(has_one(headers, "Host"), "an upgrade has one Host");
  require(lists(headers, "Upgrade", "websocket"), "an upgrade names websocket");
  require(lists(headers, "Connection", "upgrade"), "an upgrade's Connection names Upgrade");
  require(has_one(headers, "Sec-WebSocket-Key"), "an upgrade has one key");
  require(values_of(headers, "Sec-WebSocket-Version") == std::vector<std::string>{"13"},
          "an upgrade is of version 13");
  require(values_of(headers, "Sec-WebSocket-Accept").empty(), "a request accepts nothing");
  require(values_of(headers, "Origin").size() <= 1, "an upgrade has one Origin at most");
}

// What holds of any request that is not refused.
void check_accepted(const hawser::request_view& request) {
  require(values_of(request.headers, "Transfer-Encoding").empty(), "a request has no body");
  for (const std::string& size : values_of(request.headers, "Content-Length")) {
    require(size == "0", "a request has no body");
  }
  require(request.method == "GET" || request.method == "HEAD", "a request is GET or HEAD");
  require(request.version_minor == 0 || has_one(request.headers, "Host"), "a request has a Host");
}

// The first that the client lists and the server knows.
std::string expected_subprotocol(hawser::header_list headers) {
  for (const std::string& each : elements_of(headers, "Sec-WebSocket-Protocol")) {
    const auto& known = known_subprotocols();
    if (std::find(known.begin(), known.end(), each) != known.end()) return each;
  }
  return {};
}

// The answer to an upgrade is one that a client accepts.
void check_answer(hawser::header_list headers, const hawser::classified_request& found) {
  const std::string chosen = found.subprotocol == nullptr ? std::string{} : *found.subprotocol;
  require(chosen == expected_subprotocol(headers), "the client's first choice is chosen");
  std::string text;
  require(write_accept(text, headers, chosen) == error::none, "an upgrade can be accepted");
  require(write_accept(text, headers, "never offered") == error::bad_subprotocol,
          "nothing is chosen that was not offered");
  hawser::response_head_parser parser;
  const hawser::head_progress progress = parser.parse(text);
  require(progress.state == hawser::parse_state::complete && progress.consumed == text.size(),
          "an answer is a head");
  const hawser::response_view response{.status = parser.status(), .headers = parser.headers()};
  const hawser::choice choice = check_response(response, found.key, known_subprotocols());
  require(choice.error == error::none, "the answer is accepted");
  require((choice.subprotocol == nullptr ? std::string{} : *choice.subprotocol) == chosen,
          "both ends agree");
  std::string other_key{found.key};
  other_key[0] = other_key[0] == 'A' ? 'B' : 'A';
  require(check_response(response, other_key, known_subprotocols()).error == error::accept_mismatch,
          "the answer is to this key");
}

void check_refusal(const hawser::classified_request& found, bool is_head) {
  std::string text;
  write_refusal(text, found.error, is_head);
  hawser::response_head_parser parser;
  const hawser::head_progress progress = parser.parse(text);
  require(progress.state == hawser::parse_state::complete, "a refusal has a head");
  require(parser.status() >= 400 && parser.status() < 600, "a refusal is an error");
  require(parser.headers().has_token("Connection", "close"), "a refusal closes");
  const std::size_t body_size = text.size() - progress.consumed;
  require(is_head ? body_size == 0
                  : parser.headers().value("Content-Length") == std::to_string(body_size),
          "a refusal has the size that it says");
}

void check_request(const hawser::request_view& request, unsigned bits) {
  const rule_set rules{bits};
  const hawser::classified_request found = classify(request, rules.view());
  if (found.error != error::none) {
    require(hawser::is_violation(found.error) || hawser::is_refusal(found.error),
            "the fault is the client's");
    check_refusal(found, request.method == "HEAD");
    return;
  }
  check_accepted(request);
  require(found.target.path.starts_with('/'), "a path begins with a slash");
  const rule_set open{1};
  require(classify(request, open.view()).error == error::none, "less strict rules let in as many");
  if (!rules.hosts.empty()) {
    require(lower(found.host.host) == "localhost" || found.host.host == "127.0.0.1" ||
                found.host.host == "[::1]",
            "only allowed hosts");
  }
  if (found.kind == hawser::request_kind::plain) {
    require(!lists(request.headers, "Upgrade", "websocket"), "a plain request wants no upgrade");
    return;
  }
  check_upgrade(request);
  check_answer(request.headers, found);
  if ((bits & 3U) == 0 && !values_of(request.headers, "Origin").empty()) {
    const std::string origin = lower(found.origin);
    const std::string host = lower(found.host.host);
    const std::size_t place = origin.find("://");
    require(place != std::string::npos && origin.compare(place + 3, host.size(), host) == 0,
            "the Origin is of this host");
  }
}

// --- A client
// --------------------------------------------------------------------------------------

void check_response_of(const hawser::response_view& response) {
  constexpr std::string_view key = "AAECAwQFBgcICQoLDA0ODw==";
  const hawser::choice found = check_response(response, key, known_subprotocols());
  require((found.error == error::handshake_refused) == (response.status != 101),
          "only 101 opens a connection");
  if (found.error != error::none) return;
  const hawser::header_list headers = response.headers;
  require(response.version_minor == 1, "an upgrade is of HTTP/1.1");
  require(values_of(headers, "Upgrade").size() == 1 &&
              lower(values_of(headers, "Upgrade")[0]) == "websocket",
          "the answer names websocket");
  require(lists(headers, "Connection", "upgrade"), "the answer's Connection names Upgrade");
  // Of the key above, as `openssl dgst -sha1 -binary | base64` has it.
  require(values_of(headers, "Sec-WebSocket-Accept") ==
              std::vector<std::string>{"Bz3qJYTGdOe8gUSpLosEdiLKDrk="},
          "the answer is to this key");
  require(elements_of(headers, "Sec-WebSocket-Extensions").empty(), "no extension was offered");
  const std::vector<std::string> chosen = values_of(headers, "Sec-WebSocket-Protocol");
  require(chosen.empty() == (found.subprotocol == nullptr), "the choice is told");
  if (!chosen.empty()) require(chosen == std::vector<std::string>{*found.subprotocol}, "as it is");
}

// --- Inputs
// ----------------------------------------------------------------------------------------

// Lines of "name:value"; of a request the first is method and target.
std::vector<hawser::header> read_lines(std::string_view text) {
  std::vector<hawser::header> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    fields.push_back(
        {.name = line.substr(0, colon), .value = line.substr(std::min(colon + 1, line.size()))});
  }
  return fields;
}

void check_any_lines(std::string_view text, unsigned bits, bool is_request) {
  const std::vector<hawser::header> fields = read_lines(text);
  if (fields.empty()) return;
  const hawser::header_list headers{std::span{fields}.subspan(1)};
  if (is_request) {
    check_request({.method = fields[0].name, .target = fields[0].value, .headers = headers}, bits);
  } else {
    check_response_of({.status = fields[0].name == "101" ? 101U : 200U, .headers = headers});
  }
}

template <hawser::role Role>
void check_head(std::string_view text, unsigned bits) {
  hawser::basic_head_parser<Role> parser;
  if (parser.parse(text).state != hawser::parse_state::complete) return;
  if constexpr (Role == hawser::role::server) {
    check_request({.method = parser.method(),
                   .target = parser.target(),
                   .version_minor = parser.version_minor(),
                   .headers = parser.headers()},
                  bits);
  } else {
    check_response_of({.status = parser.status(),
                       .version_minor = parser.version_minor(),
                       .headers = parser.headers()});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  support::fuzz_input in{data, size};
  const unsigned bits = in.byte();
  const unsigned kind = in.byte() % 4;
  const support::exact_copy text{in.take_all()};
  if (kind == 0) check_head<hawser::role::server>(text.text(), bits);
  if (kind == 1) check_head<hawser::role::client>(text.text(), bits);
  if (kind >= 2) check_any_lines(text.text(), bits, kind == 2);
  return 0;
}
