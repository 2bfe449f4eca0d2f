// The small grammars: URIs, hosts, origins, targets, queries, cookies, percent-encoding, base64 and
// Basic credentials. What is asserted stands in README.md.
//
// Input: which of them (1 byte), then the text.

#include "hawser/uri.hpp"

#include "hawser/authority.hpp"
#include "hawser/authorization.hpp"
#include "hawser/cookie.hpp"
#include "hawser/detail/base64.hpp"
#include "hawser/handshake_text.hpp"
#include "hawser/http1_head.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/origin.hpp"
#include "hawser/percent.hpp"
#include "hawser/target.hpp"
#include "support/fuzzing.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using hawser::error;
using support::require;

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

// True where `part` views `whole`, or nothing.
bool is_part(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// The text of a port in front of `text` is `port`, or there is none and it is `otherwise`.
void check_port(std::string_view text, std::uint16_t port, std::uint16_t otherwise) {
  if (text.starts_with(':')) text.remove_prefix(1);
  std::uint32_t value = 0;
  for (const char c : text) {
    require(c >= '0' && c <= '9' && value <= 0xFFFF, "a port is a number");
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  require(text.empty() ? port == otherwise : value == port, "the port");
}

void check_host(std::string_view host) {
  require(!host.empty() && is_visible_ascii(host), "a host is visible ASCII");
  require(host.find_first_of("/?#@ \"<>\\^`{|}") == std::string_view::npos,
          "a host has no separators");
  require((host.front() == '[') == (host.back() == ']'), "brackets stand in pairs");
}

// --- Addresses, against the C library
// ----------------------------------------------------------------

void check_addresses(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return;
  const std::string copy{text};
  in_addr v4{};
  in6_addr v6{};
  require(hawser::detail::is_ipv4(text) == (inet_pton(AF_INET, copy.c_str(), &v4) == 1),
          "IPv4, as inet_pton has it");
  require(hawser::detail::is_ipv6(text) == (inet_pton(AF_INET6, copy.c_str(), &v6) == 1),
          "IPv6, as inet_pton has it");
}

// --- URIs
// --------------------------------------------------------------------------------------------

void check_request_for(const hawser::uri& to, std::string_view key) {
  std::string text;
  const error wrong = write_upgrade_request(text, to, key);
  if (wrong != error::none) {
    require(wrong == error::bad_url && !to.userinfo.empty() && text.empty(),
            "only userinfo makes a URI that cannot be asked for");
    return;
  }
  hawser::request_head_parser parser;
  const hawser::head_progress progress = parser.parse(text);
  if (text.size() > hawser::limits{}.max_head_size) return;
  require(progress.state == hawser::parse_state::complete && progress.consumed == text.size(),
          "a request is a head");
  const hawser::classified_request found = hawser::classify(
      {.method = parser.method(), .target = parser.target(), .headers = parser.headers()}, {});
  require(found.error == error::none, "a server takes the request");
  require(found.target.path == (to.path.empty() ? "/" : to.path), "for the same path");
  require(found.target.query == to.query, "and the same query");
  require(found.host.host == to.host, "of the same host");
  require(found.host.port_or(to.secure ? 443 : 80) == to.port, "and port");
}

void check_uri(std::string_view text) {
  const hawser::parsed<hawser::uri> found = hawser::parse_uri(text);
  if (!found) {
    require(found.error == error::bad_url, "why a URL is none");
    return;
  }
  require(is_visible_ascii(text) && text.find('#') == std::string_view::npos,
          "a URI is visible ASCII without a fragment");
  check_host(found->host);
  require(found->path.empty() || found->path.front() == '/', "a path begins with a slash");
  for (const std::string_view part : {found->userinfo, found->host, found->path, found->query}) {
    require(is_part(part, text), "parts of a URI view it");
  }
  const std::size_t scheme_size = found->secure ? 3 : 2;
  const auto host = static_cast<std::size_t>(found->host.data() - text.data());
  const std::string_view behind = text.substr(host + found->host.size());
  const std::string_view port = behind.substr(0, behind.find_first_of("/?"));
  check_port(port, found->port, found->secure ? 443 : 80);
  std::string again{text.substr(0, scheme_size + 3)};
  if (host != again.size()) again += std::string{found->userinfo} + '@';
  again += std::string{found->host} + std::string{port} + std::string{found->path};
  if (behind.find('?') != std::string_view::npos) again += '?' + std::string{found->query};
  require(again == text, "a URI is the sum of its parts");
  check_request_for(*found, "AAECAwQFBgcICQoLDA0ODw==");
}

void check_authority(std::string_view text) {
  check_addresses(text);
  const hawser::parsed<hawser::authority> found = hawser::parse_authority(text);
  if (!found) {
    require(found.error == error::bad_host, "why a host is none");
    return;
  }
  check_host(found->host);
  require(text.starts_with(found->host), "an authority begins with the host");
  check_port(text.substr(found->host.size()), found->port, 0);
  require(is_same_authority(*found, *found, 80), "an authority is the same as itself");
}

// --- Origins
// -----------------------------------------------------------------------------------------

void check_origin(std::string_view text) {
  const std::size_t middle = std::min(text.find('\n'), text.size());
  const std::string_view value = text.substr(0, middle);
  const std::string_view host_text = text.substr(std::min(middle + 1, text.size()));
  const hawser::parsed<hawser::origin> found = hawser::parse_origin(value);
  const hawser::parsed<hawser::authority> host = hawser::parse_authority(host_text);
  const hawser::origin_policy same;
  const hawser::origin_policy listed = hawser::origin_policy::listed({std::string{value}});
  require(hawser::is_origin_allowed(hawser::origin_policy::any(), value, *host), "any is any");
  if (!found) {
    require(found.error == error::origin_refused, "why an origin is none");
    require(!hawser::is_origin_allowed(same, value, *host) &&
                !hawser::is_origin_allowed(listed, value, *host),
            "what is no origin is refused");
    require(hawser::find_bad_origin(listed) != nullptr, "and found in a list");
    return;
  }
  require(hawser::is_origin_allowed(listed, value, *host), "an origin that is listed is let in");
  if (found->is_null()) {
    require(!hawser::is_origin_allowed(same, value, *host), "null is of no host");
    return;
  }
  check_host(found->host);
  require(value.starts_with(found->scheme), "an origin begins with its scheme");
  require(value.substr(found->scheme.size() + 3).starts_with(found->host), "then its host");
  require(is_same_origin(*found, *found), "an origin is the same as itself");
  if (!host || !hawser::is_origin_allowed(same, value, *host)) return;
  require(hawser::detail::equals_ignoring_case(found->host, host->host), "the same host");
  require(found->port == host->port_or(hawser::default_port_of(found->scheme)), "the same port");
}

// --- Targets, queries, cookies
// -------------------------------------------------------------------------

void check_target(std::string_view text) {
  const hawser::parsed<hawser::request_target> found = hawser::parse_target(text);
  if (!found) {
    require(found.error == error::bad_target, "why a target is none");
    require(hawser::target_path(text).empty(), "what is no target has no path");
    return;
  }
  require(is_visible_ascii(text) && text.find('#') == std::string_view::npos,
          "a target is visible ASCII without a fragment");
  require(found->path.starts_with('/') && found->path.find('?') == std::string_view::npos,
          "a path ends at its question mark");
  require(is_part(found->query, text), "a query views the target");
  require(text.ends_with(found->query), "a query is the end of the target");
  if (!found->is_absolute()) {
    const std::size_t end = std::min(text.find('?'), text.size());
    require(found->path == text.substr(0, end), "the path of an origin-form");
  }
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

void check_query(std::string_view text) {
  const std::size_t middle = std::min(text.find('\n'), text.size());
  const std::string_view name = text.substr(0, middle);
  const std::string_view query = text.substr(std::min(middle + 1, text.size()));
  std::string expected;
  for (const std::string& part : split(query, '&')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    if (part.substr(0, equals) != name) continue;
    expected = part.substr(std::min(equals + 1, part.size()));
    break;
  }
  require(hawser::query_value(query, name) == expected, "the value of a query");
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t") - first + 1)};
}

void check_cookies(std::string_view text) {
  const std::size_t middle = std::min(text.find('\n'), text.size());
  const std::array<hawser::header, 3> fields{
      {{.name = "Cookie", .value = text.substr(0, middle)},
       {.name = "X-Cookie", .value = text},
       {.name = "cookie", .value = text.substr(std::min(middle + 1, text.size()))}}};
  const hawser::header_list headers{fields};
  std::vector<std::string> expected;
  for (const std::string_view line : {fields[0].value, fields[2].value}) {
    for (const std::string& pair : split(line, ';')) {
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos) continue;
      expected.push_back(trimmed(pair.substr(0, equals)));
      expected.push_back(trimmed(pair.substr(equals + 1)));
    }
  }
  std::vector<std::string> found;
  const bool is_whole =
      hawser::for_each_cookie(headers, [&](std::string_view name, std::string_view value) {
        found.emplace_back(name);
        found.emplace_back(value);
        return true;
      });
  require(is_whole && found == expected, "the cookies");
  for (std::size_t i = 0; i < found.size(); i += 2) {
    std::size_t first = 0;
    while (found[first] != found[i]) first += 2;
    require(hawser::cookie_value(headers, found[i]) == found[first + 1], "the first cookie counts");
  }
}

// --- Encodings
// -----------------------------------------------------------------------------------------

void check_percent(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[code / 16U];
    encoded += digits[code % 16U];
  }
  std::string out = "before ";
  require(hawser::decode_percent(encoded, out) && out == "before " + std::string{text},
          "what is encoded can be decoded");
  out = "before ";
  if (!hawser::decode_percent(text, out)) {
    require(out == "before ", "what cannot be decoded changes nothing");
    require(text.find('%') != std::string_view::npos, "only a percent sign can be wrong");
    return;
  }
  const auto signs = static_cast<std::size_t>(std::count(text.begin(), text.end(), '%'));
  require(out.size() - 7 == text.size() - 2 * signs, "three characters are one byte");
}

void check_base64(std::string_view text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span{text});
  std::string encoded(hawser::detail::base64_size(bytes.size()), '\0');
  require(hawser::detail::encode_base64(bytes, encoded.data()) == encoded.size(),
          "the size of base64");
  std::vector<std::byte> decoded(bytes.size());
  require(hawser::detail::decode_base64(encoded, decoded.data(), decoded.size()) == bytes.size() &&
              std::equal(decoded.begin(), decoded.end(), bytes.begin()),
          "what is encoded can be decoded");

  std::vector<std::byte> out(text.size());
  const std::size_t size = hawser::detail::decode_base64(text, out.data(), out.size());
  if (size == hawser::detail::bad_base64) return;
  std::string again(hawser::detail::base64_size(size), '\0');
  hawser::detail::encode_base64(std::span{out}.first(size), again.data());
  require(again == text, "exactly one text decodes to given bytes");
}

void check_authorization(std::string_view text) {
  std::string out = "before ";
  const error wrong = hawser::append_basic_authorization(out, text);
  if (wrong != error::none) {
    require(wrong == error::bad_url && out == "before ", "userinfo that cannot be sent");
    return;
  }
  constexpr std::string_view front = "before Basic ";
  require(out.starts_with(front), "credentials are Basic");
  std::vector<std::byte> bytes(out.size());
  const std::size_t size = hawser::detail::decode_base64(std::string_view{out}.substr(front.size()),
                                                         bytes.data(), bytes.size());
  require(size != hawser::detail::bad_base64, "credentials are base64");
  std::string expected;
  require(hawser::decode_percent(text, expected), "credentials were decoded");
  if (text.find(':') == std::string_view::npos) expected += ':';
  require(hawser::as_text(std::span{bytes}.first(size)) == expected,
          "credentials are the userinfo");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array checks = {check_uri,     check_authority, check_origin,
                                 check_target,  check_query,     check_cookies,
                                 check_percent, check_base64,    check_authorization};
  support::fuzz_input in{data, size};
  const unsigned which = in.byte() % checks.size();
  const support::exact_copy text{in.take_all()};
  checks[which](text.text());
  return 0;
}
