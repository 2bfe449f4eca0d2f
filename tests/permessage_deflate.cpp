#include "hawser/permessage_deflate.hpp"

#include "support/catch.hpp"
#include "support/compressing.hpp"
#include "support/handshakes.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr std::string_view header_name = "Sec-WebSocket-Extensions";

// The value of the header in what was sent; "none" where it is not there.
std::string header_in(std::string_view text) {
  const std::string name = "\r\n" + std::string{header_name} + ": ";
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return "none";
  text.remove_prefix(at + name.size());
  return std::string{text.substr(0, text.find("\r\n"))};
}

// A server that got a request, and its answer.
template <class Extension = zlib_deflate>
struct asked_server {
  explicit asked_server(const http_message& request, const deflate_options& options = {},
                        server_options others = {})
      : endpoint{std::move(others), options}, end{endpoint} {
    end.feed(request.text());
    answer = end.take_output_text();
  }

  basic_endpoint<role::server, Extension> endpoint;
  deflate_connection<role::server, Extension> end;
  std::string answer;
};

// A client that got an answer.
template <class Extension = zlib_deflate>
struct answered_client {
  explicit answered_client(const http_message& answer, const deflate_options& options = {})
      : endpoint{{.entropy = sample_nonce()}, options},
        end{endpoint, client_request{.url = "ws://localhost/"}} {
    request = end.take_output_text();
    end.feed(answer.text());
  }

  basic_endpoint<role::client, Extension> endpoint;
  deflate_connection<role::client, Extension> end;
  std::string request;
};

template <class Extension = zlib_deflate>
std::string answer_to(std::string_view offer, const deflate_options& options = {}) {
  return header_in(
      asked_server<Extension>{upgrade_request().with(header_name, offer), options}.answer);
}

}  // namespace

TEST_CASE("a server answers an offer by one header or none",
          "[permessage_deflate][rfc7692-5][rfc7692-7]") {
  CHECK(answer_to("permessage-deflate") == "permessage-deflate");
  CHECK(answer_to("permessage-deflate; client_max_window_bits") ==
        "permessage-deflate; client_max_window_bits=12");
  CHECK(answer_to("permessage-deflate; client_max_window_bits", deflate_presets::best) ==
        "permessage-deflate");
  CHECK(answer_to("permessage-deflate", deflate_presets::small) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  CHECK(answer_to("permessage-deflate; server_max_window_bits=15") ==
        "permessage-deflate; server_max_window_bits=12");
  CHECK(answer_to("permessage-deflate; server_max_window_bits=8") == "none");
  CHECK(answer_to("x-webkit-deflate-frame") == "none");
  CHECK(header_in(asked_server<>{upgrade_request()}.answer) == "none");
  CHECK(asked_server<>{upgrade_request()}.answer.find(header_name) == std::string::npos);

  const asked_server<> two{upgrade_request()
                               .with(header_name, "permessage-deflate; unknown")
                               .with(header_name, "permessage-deflate; server_max_window_bits=10")};
  CHECK(header_in(two.answer) == "permessage-deflate; server_max_window_bits=10");
}

TEST_CASE("a malformed offer is refused with status 400", "[permessage_deflate][rfc6455-9.1]") {
  for (const std::string_view wrong : {"", "permessage-deflate;", "a b", "x; y=\""}) {
    for (const bool decides : {false, true}) {
      const asked_server<> server{
          upgrade_request().with(header_name, wrong), {}, {.decides_upgrades = decides}};
      CHECK(server.answer.starts_with("HTTP/1.1 400 "));
      CHECK(server.end.log() == event_log{opening_failure_line(error::bad_extension_list)});
    }
  }
  // Of no interest to plain HTTP.
  const asked_server<> server{plain_request().with(header_name, "a b"), {}, {.answers_http = true}};
  CHECK(server.end.log() == event_log{"request GET /"});
}

TEST_CASE("a server that decides answers the offer when it accepts", "[permessage_deflate]") {
  asked_server<> server{
      upgrade_request().with(header_name, "permessage-deflate").with("Sec-WebSocket-Protocol", "a"),
      {},
      {.subprotocols = {"a"}, .decides_upgrades = true}};
  CHECK(server.answer.empty());
  CHECK(server.end->accept("b", {}) == error::bad_subprotocol);
  CHECK(server.end->accept({{"X", "\n"}}) == error::bad_header);
  CHECK(server.end->extensions().text().empty());
  CHECK(server.end->accept({{"X", "1"}}) == error::none);
  CHECK(server.end->extensions().text() == "permessage-deflate");
  const std::string answer = server.end.take_output_text();
  CHECK(header_in(answer) == "permessage-deflate");
  CHECK(answer.find("\r\nSec-WebSocket-Protocol: a\r\n") != std::string::npos);
  CHECK(answer.find("\r\nX: 1\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("a client offers what its options say", "[permessage_deflate][rfc7692-7]") {
  CHECK(header_in(answered_client<>{upgrade_answer()}.request) ==
        "permessage-deflate; client_max_window_bits");
  CHECK(header_in(answered_client<>{upgrade_answer(), deflate_presets::small}.request) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "client_max_window_bits, "
        "permessage-deflate; client_no_context_takeover; client_max_window_bits");
}

TEST_CASE("what is switched off is neither offered nor accepted", "[permessage_deflate]") {
  CHECK(answer_to("permessage-deflate", {.is_enabled = false}) == "none");
  CHECK(header_in(answered_client<>{upgrade_answer(), {.is_enabled = false}}.request) == "none");
  const answered_client<> client{upgrade_answer().with(header_name, "permessage-deflate"),
                                 {.is_enabled = false}};
  CHECK(client.end.last_line() == opening_failure_line(error::extension_not_offered));
}

TEST_CASE("a client opens with what was accepted, or without", "[permessage_deflate][rfc7692-7]") {
  answered_client<> without{upgrade_answer()};
  CHECK(without.end.log() == event_log{"open"});
  CHECK(without.end->extensions().text().empty());
  CHECK(without.end->send_text(json(1000)) == error::none);
  CHECK(without.end->output_size() > 1000);
  without.end.feed(wire_to{role::client}.deflated("\0"));
  CHECK(without.end.log().back() == failure_line(error::reserved_bits));

  answered_client<> with{upgrade_answer().with(
      header_name, "permessage-deflate; server_no_context_takeover; client_max_window_bits=10")};
  CHECK(with.end.log() == event_log{"open"});
  CHECK(with.end->extensions().text() ==
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=10");
  CHECK(with.end->send_text(json(1000)) == error::none);
  CHECK(with.end->output_size() < 700);
}

TEST_CASE("a client fails where the response is not what it offered",
          "[permessage_deflate][rfc7692-7][rfc6455-4.1]") {
  const auto failure = [](std::string_view accepted) {
    const answered_client<> client{upgrade_answer().with(header_name, accepted)};
    CHECK(client.end.log().size() == 1);
    return client.end.last_line();
  };
  CHECK(failure("foo") == opening_failure_line(error::extension_not_offered));
  CHECK(failure("") == opening_failure_line(error::bad_extension_list));
  CHECK(failure("permessage-deflate; x") == opening_failure_line(error::parameter_unknown));
  CHECK(failure("permessage-deflate; server_max_window_bits=08") ==
        opening_failure_line(error::parameter_invalid));
  CHECK(failure("permessage-deflate, permessage-deflate") ==
        opening_failure_line(error::extension_repeated));
}

TEST_CASE("two ends that compress understand each other, however their bytes are cut",
          "[permessage_deflate]") {
  for (const deflate_options& server :
       {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
    for (const deflate_options& client :
         {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
      for (const std::size_t step : {1U, 100U, 1000000U}) {
        compressing_pair<> ends{{.server_deflate = server, .client_deflate = client}};
        ends.open();
        ends.server.react = [](auto& connection, const event& found) {
          if (found.is_message() && connection.send(found) != error::none) FAIL("not sent");
        };
        event_log expected;
        for (const std::size_t size : {0U, 10U, 200U, 5000U}) {
          CHECK(ends.client->send_text(json(size)) == error::none);
          CHECK(ends.client->send_binary(noise(size)) == error::none);
          expected.push_back(text_line(json(size)));
          expected.push_back(binary_line(noise(size)));
        }
        ends.carry(step);
        CHECK(ends.client.log() == expected);
        CHECK(ends.client->extensions().text() == ends.server->extensions().text());
      }
    }
  }
}

TEMPLATE_TEST_CASE("ends with different codecs understand each other", "[permessage_deflate]",
                   (compressing_pair<libdeflate_deflate, libdeflate_deflate>),
                   (compressing_pair<libdeflate_deflate, zlib_deflate>),
                   (compressing_pair<zlib_deflate, libdeflate_deflate>)) {
  for (const deflate_options& options :
       {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
    for (const delivery way : {delivery::whole, delivery::pieces}) {
      for (const std::size_t step : {1U, 100U, 1000000U}) {
        TestType ends{{.server = {.delivery = way},
                       .server_deflate = options,
                       .client = {.delivery = way},
                       .client_deflate = options}};
        ends.open();
        ends.server.react = [](auto& connection, const event& found) {
          if ((found.is_message() || found.is_piece()) && connection.send(found) != error::none) {
            FAIL("not sent");
          }
        };
        event_log expected;
        for (const std::size_t size : {0U, 10U, 200U, 5000U}) {
          const std::string text = json(size);
          CHECK(ends.client->send_text(text) == error::none);
          CHECK(ends.client->send_binary(noise(size)) == error::none);
          CHECK(ends.client->begin_text() == error::none);
          CHECK(ends.client->append(std::string_view{text}.substr(0, size / 2)) == error::none);
          CHECK(ends.client->finish(std::string_view{text}.substr(size / 2)) == error::none);
          expected.push_back(text_line(text));
          expected.push_back(binary_line(noise(size)));
          expected.push_back(text_line(text));
        }
        ends.carry(step);
        CHECK(ends.client.log() == expected);
        const bool is_small = ends.to_client < 14 * 1024;
        CHECK((is_small || way == delivery::pieces));
        CHECK_FALSE(ends.client->extensions().text().empty());
        CHECK(ends.client->extensions().text() == ends.server->extensions().text());
      }
    }
  }
}

TEST_CASE("a server with a codec of whole messages lets nothing be taken over",
          "[permessage_deflate][rfc7692-7.1.1.1][rfc7692-7.1.1.2]") {
  const std::string granted{none_takes_over};
  for (const deflate_options& options :
       {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
    const auto answer = [&](std::string_view offer) {
      return answer_to<libdeflate_deflate>(offer, options);
    };
    CHECK(answer("permessage-deflate") == granted);
    CHECK(answer("permessage-deflate; client_max_window_bits") == granted);
    CHECK(answer("permessage-deflate; client_no_context_takeover; client_max_window_bits") ==
          granted);
    CHECK(answer("permessage-deflate; client_max_window_bits=9") ==
          granted + "; client_max_window_bits=9");
    for (const std::string bits : {"8", "9", "15"}) {
      CHECK(answer("permessage-deflate; server_max_window_bits=" + bits) ==
            granted + "; server_max_window_bits=" + bits);
    }
    CHECK(answer("permessage-deflate; x, permessage-deflate; server_no_context_takeover") ==
          granted);
    CHECK(answer("x-webkit-deflate-frame") == "none");
  }
  CHECK(answer_to<libdeflate_deflate>("permessage-deflate", {.is_enabled = false}) == "none");
}

TEST_CASE("a client with a codec of whole messages needs all that it offers",
          "[permessage_deflate][rfc7692-7]") {
  using client = answered_client<libdeflate_deflate>;
  CHECK(header_in(client{upgrade_answer()}.request) == none_takes_over);
  CHECK(header_in(client{upgrade_answer(), deflate_presets::best}.request) == none_takes_over);
  CHECK(client{upgrade_answer()}.end.log() == event_log{"open"});
  const auto answered = [](std::string_view accepted) {
    return client{upgrade_answer().with(header_name, accepted)}.end.last_line();
  };
  CHECK(answered(none_takes_over) == "open");
  // What the server says of our own direction is ours to keep to, and we do.
  CHECK(answered("permessage-deflate; server_no_context_takeover") == "open");
  CHECK(answered("permessage-deflate; server_no_context_takeover; server_max_window_bits=10") ==
        "open");
  const std::string failure = opening_failure_line(error::parameters_not_offered);
  CHECK(answered("permessage-deflate") == failure);
  CHECK(answered("permessage-deflate; client_no_context_takeover") == failure);
  CHECK(answered("permessage-deflate; server_no_context_takeover; client_max_window_bits=15") ==
        failure);
}

TEMPLATE_LIST_TEST_CASE("what somebody else agreed on must be what whole messages can keep to",
                        "[permessage_deflate]", libdeflate_ends) {
  constexpr role self = TestType::self;
  const std::string ours = self == role::server ? "server" : "client";
  const std::string theirs = self == role::server ? "client" : "server";
  const auto opened = [](const std::string& agreed) {
    basic_endpoint<self, libdeflate_deflate> endpoint;
    deflate_connection<self, libdeflate_deflate> end{endpoint, agreement{.extensions = agreed}};
    end.feed(bytes{});
    return end.last_line();
  };
  const std::string name = "permessage-deflate; ";
  CHECK(opened(name + theirs + "_no_context_takeover") == "open");
  CHECK(opened(name + theirs + "_no_context_takeover; " + ours + "_max_window_bits=8") == "open");
  CHECK(opened(name + ours + "_no_context_takeover") ==
        failure_line(error::parameters_not_offered));
}

TEST_CASE("messages that are alike shrink far more with takeover", "[permessage_deflate]") {
  const auto bytes_for = [](const deflate_options& options) {
    compressing_pair<> ends{{.server_deflate = options, .client_deflate = options}};
    ends.open();
    for (std::uint32_t i = 0; i < 100; ++i) {
      CHECK(ends.client->send_text(json(128, i)) == error::none);
    }
    ends.carry();
    CHECK(ends.server.log().size() == 100);
    return ends.to_server;
  };
  deflate_options alone = deflate_presets::small;
  CHECK(bytes_for(alone) > 100 * 128);
  alone.min_size = 0;
  CHECK(bytes_for(alone) < 100 * 128);
  CHECK(bytes_for(deflate_presets::balanced) * 3 < bytes_for(alone) * 2);
}

TEST_CASE("options out of their range are taken for the nearest in it", "[permessage_deflate]") {
  for (const std::uint8_t number : {std::uint8_t{0}, std::uint8_t{16}, std::uint8_t{255}}) {
    CAPTURE(unsigned{number});
    // zlib cannot be held to the smallest window.
    const deflate_options options{
        .settings = {number, number, number}, .peer_window_bits = number, .insists = number != 0};
    compressing_pair<> ends{{.server_deflate = options, .client_deflate = options}};
    ends.open();
    CHECK_FALSE(ends.server->extensions().text().empty());
    const std::string text = json(5000);
    CHECK(ends.client->send_text(text) == error::none);
    CHECK(ends.server->send_text(text) == error::none);
    ends.carry();
    CHECK(ends.server.log() == event_log{text_line(text)});
    CHECK(ends.client.log() == event_log{text_line(text)});
    CHECK(ends.to_client < 4000);
  }
}

TEST_CASE("an end that compresses and one that does not talk plainly", "[permessage_deflate]") {
  server_endpoint plain_endpoint;
  logged_connection<role::server> server{plain_endpoint};
  zlib::client_endpoint endpoint;
  deflate_connection<role::client> client{endpoint, client_request{.url = "ws://localhost/"}};
  server.feed(client.take_output());
  client.feed(server.take_output());
  CHECK(client->send_text(json(1000)) == error::none);
  server.feed(client.take_output());
  CHECK(server.log() == event_log{"open", text_line(json(1000))});
  CHECK(client->extensions().text().empty());
}

TEST_CASE("what somebody else agreed on is kept to", "[permessage_deflate]") {
  compressing<role::server> server{
      "permessage-deflate; client_no_context_takeover; server_max_window_bits=9"};
  CHECK(server.end->extensions().text() ==
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=9");
  compressing<role::client> none{""};
  CHECK(none.end->extensions().text().empty());

  zlib::server_endpoint endpoint;
  deflate_connection<role::server> wrong{endpoint,
                                         agreement{.extensions = "permessage-deflate; x"}};
  wrong.feed(bytes{});
  CHECK(wrong.log() == event_log{failure_line(error::parameter_unknown)});
}
