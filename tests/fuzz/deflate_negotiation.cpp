// Sec-WebSocket-Extensions and what permessage-deflate makes of it, both directions. What is
// asserted stands in README.md.
//
// Input: wishes (4 bytes: flags, window bits to send, to receive, the least), then the values of
// header fields, each ended by a line feed.

#include "hawser/deflate_negotiation.hpp"

#include "support/fuzzing.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using hawser::error;
using support::require;

// --- A naive reader, by words --------------------------------------------------------------------

struct naive_extension {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;  // "-" is no value, "+..." is one
};

struct word {
  char kind;  // 't'oken, 'q'uoted, 'x' wrong, or the separator itself
  std::string text;
};

constexpr std::string_view token_others = "!#$%&'*+-.^_`|~";

bool is_of_token(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         token_others.find(c) != std::string_view::npos;
}

std::vector<word> words_of(std::string_view value) {
  std::vector<word> words;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == ' ' || c == '\t') continue;
    if (c == ',' || c == ';' || c == '=') {
      words.push_back({c, {}});
    } else if (c == '"') {
      word quoted{'x', {}};
      for (++i; i < value.size(); ++i) {
        if (value[i] == '"') {
          quoted.kind = quoted.text.empty() ? 'x' : 'q';
          break;
        }
        if (value[i] == '\\') ++i;
        if (i < value.size()) quoted.text += value[i];
      }
      for (const char each : quoted.text) {
        if (!is_of_token(each)) quoted.kind = 'x';
      }
      words.push_back(quoted);
    } else {
      word token{'t', {}};
      while (i < value.size() && is_of_token(value[i])) token.text += value[i++];
      if (token.text.empty()) return {{'x', {}}};
      --i;
      words.push_back(token);
    }
  }
  return words;
}

// Follows the grammar word by word. False where the value is malformed.
bool read_naively(std::string_view value, std::vector<naive_extension>& all) {
  const std::size_t before = all.size();
  enum { at_element, behind_name, at_parameter, behind_parameter, at_value, behind_value } at{};
  for (const word& each : words_of(value)) {
    if (each.kind == 'x') return false;
    switch (at) {
      case at_element:
        if (each.kind == ',') continue;
        if (each.kind != 't') return false;
        all.push_back({each.text, {}});
        at = behind_name;
        break;
      case at_parameter:
        if (each.kind != 't') return false;
        all.back().parameters.emplace_back(each.text, "-");
        at = behind_parameter;
        break;
      case at_value:
        if (each.kind != 't' && each.kind != 'q') return false;
        all.back().parameters.back().second = "+" + each.text;
        at = behind_value;
        break;
      case behind_name:
      case behind_parameter:
      case behind_value:
        if (each.kind == ',') {
          at = at_element;
        } else if (each.kind == ';') {
          at = at_parameter;
        } else if (each.kind == '=' && at == behind_parameter) {
          at = at_value;
        } else {
          return false;
        }
        break;
    }
  }
  return all.size() != before && at != at_parameter && at != at_value;
}

// True where all parameters are good ones of an offer, or of a response.
bool has_good_parameters(const naive_extension& of, bool is_offer) {
  for (std::size_t i = 0; i < of.parameters.size(); ++i) {
    const auto& [name, value] = of.parameters[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (of.parameters[j].first == name) return false;
    }
    const bool is_flag =
        name == "server_no_context_takeover" || name == "client_no_context_takeover";
    const bool is_bits = name == "server_max_window_bits" || name == "client_max_window_bits";
    if (is_flag && value != "-") return false;
    if (!is_flag && !is_bits) return false;
    if (!is_bits || (is_offer && name == "client_max_window_bits" && value == "-")) continue;
    if (value != "+8" && value != "+9" &&
        (value.size() != 3 || value[1] != '1' || value[2] < '0' || value[2] > '5')) {
      return false;
    }
  }
  return true;
}

// The value of a parameter as a number; -1 where it is not there, 0 where it has none.
int number_of(const naive_extension& of, std::string_view name) {
  for (const auto& [found, value] : of.parameters) {
    if (found == name) return value == "-" ? 0 : std::stoi(value.substr(1));
  }
  return -1;
}

// --- Both against each other ---------------------------------------------------------------------

void check_list(hawser::header_list headers, const std::vector<naive_extension>& expected) {
  std::size_t place = 0;
  const error wrong = for_each_extension(headers, [&](const hawser::extension& found) {
    require(place < expected.size() && found.name == expected[place].name, "the same extensions");
    std::size_t parameter = 0;
    for_each_parameter(found, [&](const hawser::extension_parameter& each) {
      require(parameter < expected[place].parameters.size(), "as many parameters");
      const auto& [name, value] = expected[place].parameters[parameter++];
      std::string text = each.has_value ? "+" : "-";
      each.for_each_character([&](char c) { text += c; });
      require(each.name == name && text == value, "the same parameters");
      require(!each.has_value || each.has_value_of(text.substr(1)), "a value is its own");
      return true;
    });
    require(parameter == expected[place++].parameters.size(), "no parameter is lost");
    return true;
  });
  require(wrong == error::none && place == expected.size(), "no extension is lost");
}

void check_answer(const hawser::deflate_answer& answer, const hawser::deflate_wishes& own,
                  const std::vector<naive_extension>& offers) {
  const naive_extension* chosen = nullptr;
  for (const naive_extension& each : offers) {
    if (each.name != "permessage-deflate" || !has_good_parameters(each, true)) continue;
    const int most = number_of(each, "server_max_window_bits");
    if (most != -1 && most < own.min_send_bits) continue;
    const bool is_free = number_of(each, "client_max_window_bits") == -1;
    if (own.insists && own.receive.window_bits < 15 && is_free) continue;
    chosen = &each;
    break;
  }
  require(answer.is_accepted == (chosen != nullptr), "the first offer that will do is chosen");
  if (chosen == nullptr) return;

  const std::string text{hawser::deflate_text{answer.response}.text()};
  std::vector<naive_extension> response;
  require(read_naively(text, response) && response.size() == 1, "the response is one extension");
  require(has_good_parameters(response[0], false), "the response has good parameters");
  const int offered = number_of(*chosen, "server_max_window_bits");
  const int answered = number_of(response[0], "server_max_window_bits");
  require((offered == -1) == (answered == -1) && answered <= offered, "never above the offer");
  require(number_of(response[0], "client_max_window_bits") == -1 ||
              number_of(*chosen, "client_max_window_bits") != -1,
          "the client's window is limited only where it may be");
  require(number_of(*chosen, "server_no_context_takeover") == -1 ||
              number_of(response[0], "server_no_context_takeover") == 0,
          "no takeover where none is wanted");
  require(!answer.agreement.send.takeover ==
              (number_of(response[0], "server_no_context_takeover") == 0),
          "the agreement is the response's");

  const hawser::header field{"Sec-WebSocket-Extensions", text};
  const hawser::deflate_result seen = hawser::check_deflate_response({field}, {});
  require(seen.error == error::none && seen.is_accepted, "a client takes the response");
  require(!answer.agreement.send.takeover || seen.agreement.receive.takeover, "both mean the same");
  require(answer.agreement.send.window_bits <= seen.agreement.receive.window_bits, "one window");
  require(seen.agreement.send.window_bits <= answer.agreement.receive.window_bits, "one window");
}

void check_result(const hawser::deflate_result& result,
                  const std::vector<naive_extension>& accepted) {
  if (accepted.empty()) {
    require(result.error == error::none && !result.is_accepted, "nothing is accepted");
    return;
  }
  const bool is_good = accepted.size() == 1 && accepted[0].name == "permessage-deflate" &&
                       has_good_parameters(accepted[0], false);
  require(is_good || result.error != error::none, "what is wrong fails");
  require(!is_good || result.error == error::none || result.error == error::parameters_not_offered,
          "what is good is only refused where it was not offered");
  require(result.is_accepted == (result.error == error::none), "one or the other");
}

hawser::deflate_wishes read_wishes(support::fuzz_input& in) {
  const unsigned flags = in.byte();
  const auto bits = [&] { return static_cast<std::uint8_t>(8 + in.byte() % 8); };
  const std::uint8_t send_bits = bits();
  const std::uint8_t receive_bits = bits();
  return {.send = {(flags & 1U) == 0, send_bits},
          .receive = {(flags & 2U) == 0, receive_bits},
          .min_send_bits = static_cast<std::uint8_t>(8 + in.byte() % (send_bits - 7U)),
          .insists = (flags & 4U) != 0};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  support::fuzz_input in{data, size};
  const hawser::deflate_wishes own = read_wishes(in);
  const support::exact_copy text{in.take_all()};
  std::vector<hawser::header> fields;
  std::vector<naive_extension> expected;
  bool is_good = true;
  for (std::string_view rest = text.text(); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + (line.size() < rest.size() ? 1U : 0U));
    fields.push_back({"Sec-WebSocket-Extensions", line});
    is_good = read_naively(line, expected) && is_good;
  }

  const error wrong = hawser::check_extensions(fields);
  require((wrong == error::none) == is_good, "malformed is what the grammar says");
  const hawser::deflate_answer answer = select_deflate(fields, own);
  const hawser::deflate_result result = hawser::check_deflate_response(fields, own);
  if (is_good) {
    check_list(fields, expected);
    check_answer(answer, own, expected);
    check_result(result, expected);
  } else {
    require(answer.error == error::bad_extension_list && !answer.is_accepted, "it fails");
    require(result.error != error::none, "it fails for a client, too");
  }

  const hawser::deflate_text offer = make_deflate_offer(own);
  const hawser::header field{"Sec-WebSocket-Extensions", offer.text()};
  require(hawser::check_extensions({field}) == error::none, "what is offered is well-formed");
  require(own.insists || hawser::select_deflate({field}, {}).is_accepted, "it can be accepted");
  return 0;
}
