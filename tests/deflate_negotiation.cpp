#include "hawser/deflate_negotiation.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

std::vector<header> fields_of(const std::vector<std::string_view>& values) {
  std::vector<header> fields{{"Host", "a.example"}};
  for (const std::string_view value : values) fields.push_back({"Sec-WebSocket-Extensions", value});
  return fields;
}

// The header of the response to these offers; "declined" where there is none.
std::string responses_to(const std::vector<std::string_view>& offers,
                         const deflate_wishes& own = {}) {
  const std::vector<header> fields = fields_of(offers);
  const deflate_answer answer = select_deflate(fields, own);
  if (answer.error != error::none) return std::string{to_string(answer.error)};
  return answer.is_accepted ? std::string{deflate_text{answer.response}.text()} : "declined";
}

std::string response_to(std::string_view offer, const deflate_wishes& own = {}) {
  return responses_to({offer}, own);
}

deflate_agreement agreement_of(std::string_view offer, const deflate_wishes& own = {}) {
  const std::vector<header> fields = fields_of({offer});
  return select_deflate(fields, own).agreement;
}

deflate_result result_of(const std::vector<std::string_view>& responses,
                         const deflate_wishes& own = {}) {
  const std::vector<header> fields = fields_of(responses);
  return check_deflate_response(fields, own);
}

error error_of(std::string_view response, const deflate_wishes& own = {}) {
  return result_of({response}, own).error;
}

// All mixes of wishes that differ in what is said on the wire.
std::vector<deflate_wishes> all_wishes() {
  std::vector<deflate_wishes> all;
  for (const bool send : {false, true}) {
    for (const bool receive : {false, true}) {
      for (const std::uint8_t send_bits : {std::uint8_t{9}, std::uint8_t{12}, max_window_bits}) {
        for (const std::uint8_t receive_bits :
             {std::uint8_t{8}, std::uint8_t{10}, max_window_bits}) {
          for (const bool insists : {false, true}) {
            all.push_back({.send = {send, send_bits},
                           .receive = {receive, receive_bits},
                           .insists = insists});
          }
        }
      }
    }
  }
  return all;
}

const std::string plain = "permessage-deflate";
const std::string declined = "declined";

}  // namespace

// RFC 7692 7.1.3.
TEST_CASE("the examples of offers and responses of RFC 7692 hold",
          "[deflate_negotiation][rfc7692-7.1.3]") {
  // "The simplest "Sec-WebSocket-Extensions" header in the client's opening handshake to offer use
  // of the permessage-deflate extension"
  CHECK(response_to("permessage-deflate") == "permessage-deflate");
  // "This offer [...] requests limiting of the LZ77 sliding window size of the server by including
  // the "server_max_window_bits" parameter", and the response accepts it.
  CHECK(response_to("permessage-deflate; client_max_window_bits; server_max_window_bits=10") ==
        "permessage-deflate; server_max_window_bits=10");
  // "the client is offering two possible configurations": a server that takes the first, and one
  // that cannot.
  const std::string_view two =
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10, "
      "permessage-deflate; client_max_window_bits";
  CHECK(response_to(two) == "permessage-deflate; server_max_window_bits=10");
  CHECK(response_to(two, {.min_send_bits = 11}) == "permessage-deflate");
  CHECK(error_of("permessage-deflate; server_max_window_bits=10",
                 {.receive = {.window_bits = 10}}) == error::none);
  CHECK(error_of("permessage-deflate", {.receive = {.window_bits = 10}}) == error::none);
}

// RFC 7692 5: the general form, with parameters that no extension of ours has.
TEST_CASE("several offers are tried in their order", "[deflate_negotiation][rfc7692-5]") {
  CHECK(response_to("permessage-foo; use_y, permessage-deflate") == plain);
  CHECK(response_to("permessage-deflate; use_y, permessage-deflate") == plain);
  CHECK(responses_to({"permessage-deflate; use_y", "permessage-foo", "permessage-deflate"}) ==
        plain);
  CHECK(response_to("permessage-foo; use_y, permessage-bar") == declined);
  CHECK(response_to("permessage-deflate; server_max_window_bits=16,"
                    "permessage-deflate; server_max_window_bits=8,"
                    "permessage-deflate; server_no_context_takeover; server_max_window_bits=11,"
                    "permessage-deflate") ==
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=11");
}

TEST_CASE("other names are declined and no header is answered",
          "[deflate_negotiation][rfc7692-9]") {
  for (const std::string_view other :
       {"x-webkit-deflate-frame", "perframe-deflate", "deflate-frame", "deflate-stream",
        "permessage-deflat", "permessage-deflate2", "Permessage-Deflate", "etalfed-egassemrep",
        "x-webkit-deflate-frame; no_context_takeover", "foo; permessage-deflate"}) {
    CAPTURE(other);
    CHECK(response_to(other) == declined);
  }
  CHECK(response_to("x-webkit-deflate-frame, permessage-deflate") == plain);
  CHECK(responses_to({}) == declined);
}

TEST_CASE("an offer with a wrong parameter is declined", "[deflate_negotiation][rfc7692-7]") {
  for (const std::string_view wrong : {"unknown",
                                       "unknown=1",
                                       "Server_No_Context_Takeover",
                                       "server_no_context_takeover=1",
                                       "server_no_context_takeover=true",
                                       "client_no_context_takeover=\"15\"",
                                       "server_max_window_bits",
                                       "server_max_window_bits=7",
                                       "server_max_window_bits=16",
                                       "server_max_window_bits=0",
                                       "server_max_window_bits=08",
                                       "server_max_window_bits=09",
                                       "server_max_window_bits=+9",
                                       "server_max_window_bits=-9",
                                       "server_max_window_bits=9.0",
                                       "server_max_window_bits=1e1",
                                       "server_max_window_bits=99",
                                       "server_max_window_bits=010",
                                       "server_max_window_bits=150",
                                       "server_max_window_bits=4294967305",
                                       "server_max_window_bits=x",
                                       "client_max_window_bits=7",
                                       "client_max_window_bits=16",
                                       "client_max_window_bits=08",
                                       "client_max_window_bits=+9",
                                       "client_max_window_bits=true",
                                       "server_no_context_takeover; server_no_context_takeover",
                                       "client_no_context_takeover; client_no_context_takeover",
                                       "server_max_window_bits=10; server_max_window_bits=10",
                                       "client_max_window_bits; client_max_window_bits",
                                       "client_max_window_bits; client_max_window_bits=9",
                                       "client_max_window_bits=9; unknown"}) {
    CAPTURE(wrong);
    const std::string offer = plain + "; " + std::string{wrong};
    CHECK(response_to(offer) == declined);
    CHECK(response_to(offer + ", permessage-deflate") == plain);
    CHECK(responses_to({offer, "permessage-deflate"}) == plain);
    CHECK(response_to("permessage-deflate, " + offer) == plain);
  }
}

TEST_CASE("a malformed header fails the handshake wherever it is malformed",
          "[deflate_negotiation][rfc6455-9.1]") {
  const std::string malformed{to_string(error::bad_extension_list)};
  CHECK(response_to("permessage-deflate; server_max_window_bits=") == malformed);
  CHECK(response_to("permessage-deflate, \"x") == malformed);
  CHECK(responses_to({"permessage-deflate", "a b"}) == malformed);
  CHECK(response_to("") == malformed);
  CHECK(error_of("") == error::bad_extension_list);
  CHECK(error_of("permessage-deflate;") == error::bad_extension_list);
}

TEST_CASE("a quoted value of a parameter is as good as a plain one",
          "[deflate_negotiation][rfc7692-5.1]") {
  CHECK(response_to(R"(permessage-deflate; server_max_window_bits="10")") ==
        "permessage-deflate; server_max_window_bits=10");
  CHECK(response_to(R"(permessage-deflate; server_max_window_bits="\1\0")") ==
        "permessage-deflate; server_max_window_bits=10");
  CHECK(response_to(R"(permessage-deflate; server_max_window_bits="08")") == declined);
}

TEST_CASE("a server answers the takeover of both sides",
          "[deflate_negotiation][rfc7692-7.1.1.1][rfc7692-7.1.1.2]") {
  CHECK(response_to("permessage-deflate; server_no_context_takeover") ==
        "permessage-deflate; server_no_context_takeover");
  CHECK(response_to("permessage-deflate; client_no_context_takeover") ==
        "permessage-deflate; client_no_context_takeover");
  CHECK(agreement_of("permessage-deflate; server_no_context_takeover") ==
        deflate_agreement{{false, 15}, {true, 15}});
  CHECK(agreement_of("permessage-deflate; client_no_context_takeover") ==
        deflate_agreement{{true, 15}, {false, 15}});
  // What a server wants itself it may answer without being asked.
  CHECK(response_to(plain, {.send = {.takeover = false}}) ==
        "permessage-deflate; server_no_context_takeover");
  CHECK(response_to(plain, {.receive = {.takeover = false}}) ==
        "permessage-deflate; client_no_context_takeover");
  CHECK(agreement_of(plain, {.send = {.takeover = false}, .receive = {.takeover = false}}) ==
        deflate_agreement{{false, 15}, {false, 15}});
}

TEST_CASE("a server never answers more window than was offered",
          "[deflate_negotiation][rfc7692-7.1.2.1]") {
  for (unsigned offered = 9; offered <= 15; ++offered) {
    for (std::uint8_t own = 9; own <= 15; ++own) {
      const std::string offer = plain + "; server_max_window_bits=" + std::to_string(offered);
      const auto least = std::min<unsigned>(offered, own);
      CAPTURE(offer, unsigned{own});
      CHECK(response_to(offer, {.send = {.window_bits = own}}) ==
            plain + "; server_max_window_bits=" + std::to_string(least));
      CHECK(agreement_of(offer, {.send = {.window_bits = own}}).send.window_bits == least);
    }
  }
  CHECK(response_to(plain, {.send = {.window_bits = 10}}) == plain);
  CHECK(agreement_of(plain, {.send = {.window_bits = 10}}).send.window_bits == 10);
}

TEST_CASE("a server that has no window of 256 bytes declines to use one",
          "[deflate_negotiation][rfc7692-7.1.2.1]") {
  const std::string eight = "permessage-deflate; server_max_window_bits=8";
  CHECK(response_to(eight) == declined);
  CHECK(response_to(eight + ", " + plain) == plain);
  CHECK(response_to(eight, {.min_send_bits = 8}) == eight);
}

TEST_CASE("a server limits the client's window only where it may",
          "[deflate_negotiation][rfc7692-7.1.2.2]") {
  const deflate_wishes small{.receive = {.window_bits = 10}};
  CHECK(response_to(plain, small) == plain);
  CHECK(agreement_of(plain, small).receive.window_bits == 15);
  CHECK(response_to(plain, {.receive = {.window_bits = 10}, .insists = true}) == declined);
  CHECK(response_to(plain, {.insists = true}) == plain);

  const std::string may = "permessage-deflate; client_max_window_bits";
  CHECK(response_to(may) == plain);
  CHECK(response_to(may, small) == may + "=10");
  CHECK(agreement_of(may, small).receive.window_bits == 10);
  CHECK(response_to(may, {.receive = {.window_bits = 10}, .insists = true}) == may + "=10");
  CHECK(response_to(may + "=9", small) == may + "=9");
  CHECK(response_to(may + "=12", small) == may + "=10");
  CHECK(response_to(may + "=8") == may + "=8");
  CHECK(response_to(may + "=15") == plain);
}

TEST_CASE("a client offers what it wishes, and less where it does not insist",
          "[deflate_negotiation][rfc7692-5]") {
  const auto offer = [](const deflate_wishes& own) {
    return std::string{make_deflate_offer(own).text()};
  };
  const std::string least = "permessage-deflate; client_max_window_bits";
  CHECK(offer({}) == least);
  CHECK(offer({.send = {.window_bits = 9}}) == least);
  CHECK(offer({.send = {.takeover = false}}) ==
        "permessage-deflate; client_no_context_takeover; client_max_window_bits");
  CHECK(offer({.receive = {.takeover = false}}) ==
        "permessage-deflate; server_no_context_takeover; client_max_window_bits, " + least);
  CHECK(offer({.receive = {.window_bits = 9}, .insists = true}) ==
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits");
  CHECK(offer({.send = {.takeover = false}, .receive = {false, 10}}) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10; client_max_window_bits, "
        "permessage-deflate; client_no_context_takeover; client_max_window_bits");
  CHECK(offer({.may_be_limited = false}) == "permessage-deflate");
  CHECK(offer({.receive = {.takeover = false}, .may_be_limited = false}) ==
        "permessage-deflate; server_no_context_takeover, permessage-deflate");
}

TEST_CASE("a client fails on a response that is not what it offered",
          "[deflate_negotiation][rfc7692-7][rfc6455-4.1]") {
  CHECK(error_of("permessage-foo") == error::extension_not_offered);
  CHECK(error_of("x-webkit-deflate-frame") == error::extension_not_offered);
  CHECK(error_of("permessage-deflate, foo") == error::extension_not_offered);
  CHECK(error_of("permessage-deflate, permessage-deflate") == error::extension_repeated);
  CHECK(result_of({"permessage-deflate", "permessage-deflate"}).error == error::extension_repeated);
  CHECK(error_of("permessage-deflate; unknown") == error::parameter_unknown);
  CHECK(error_of("permessage-deflate; client_max_window_bits") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; server_max_window_bits") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; server_max_window_bits=7") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; server_max_window_bits=08") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; client_max_window_bits=+9") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; client_max_window_bits=16") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; server_no_context_takeover=1") == error::parameter_invalid);
  CHECK(error_of("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9") ==
        error::parameter_repeated);
  CHECK(error_of("permessage-deflate; client_no_context_takeover; client_no_context_takeover") ==
        error::parameter_repeated);

  const deflate_wishes small{.receive = {.window_bits = 10}, .insists = true};
  CHECK(error_of("permessage-deflate", small) == error::parameters_not_offered);
  CHECK(error_of("permessage-deflate; server_max_window_bits=11", small) ==
        error::parameters_not_offered);
  CHECK(error_of("permessage-deflate; server_max_window_bits=10", small) == error::none);
  CHECK(error_of("permessage-deflate; server_max_window_bits=8", small) == error::none);
  CHECK(error_of("permessage-deflate", {.receive = {.takeover = false}, .insists = true}) ==
        error::parameters_not_offered);
  CHECK(error_of("permessage-deflate; client_max_window_bits=15", {.may_be_limited = false}) ==
        error::parameters_not_offered);
}

TEST_CASE("a client keeps to the response", "[deflate_negotiation][rfc7692-7]") {
  CHECK_FALSE(result_of({}).is_accepted);
  CHECK(result_of({}).error == error::none);
  const auto agreed = [](std::string_view response, const deflate_wishes& own = {}) {
    const deflate_result result = result_of({response}, own);
    CHECK(result.is_accepted);
    return result.agreement;
  };
  CHECK(agreed("permessage-deflate") == deflate_agreement{{true, 15}, {true, 15}});
  CHECK(agreed("permessage-deflate; client_no_context_takeover") ==
        deflate_agreement{{false, 15}, {true, 15}});
  CHECK(agreed("permessage-deflate; server_no_context_takeover; server_max_window_bits=8") ==
        deflate_agreement{{true, 15}, {false, 8}});
  CHECK(agreed("permessage-deflate; client_max_window_bits=8") ==
        deflate_agreement{{true, 8}, {true, 15}});
  CHECK(agreed("permessage-deflate; client_max_window_bits=\"1\\2\"", {.send = {false, 10}}) ==
        deflate_agreement{{false, 10}, {true, 15}});
}

TEST_CASE("what a client offers a server answers, and both mean the same",
          "[deflate_negotiation]") {
  for (const deflate_wishes& client : all_wishes()) {
    const deflate_text offer = make_deflate_offer(client);
    for (const deflate_wishes& server : all_wishes()) {
      const std::vector<header> request = fields_of({offer.text()});
      const deflate_answer answer = select_deflate(request, server);
      CAPTURE(offer.text());
      REQUIRE(answer.error == error::none);
      if (!answer.is_accepted) {
        CHECK(client.insists);
        CHECK(client.receive.window_bits == 8);
        continue;
      }
      const deflate_text response{answer.response};
      CAPTURE(response.text());
      const deflate_result result = result_of({response.text()}, client);
      REQUIRE(result.error == error::none);
      REQUIRE(result.is_accepted);
      const deflate_agreement& near = answer.agreement;
      const deflate_agreement& far = result.agreement;
      // No end sends what the other does not expect.
      CHECK((far.receive.takeover || !near.send.takeover));
      CHECK((near.receive.takeover || !far.send.takeover));
      CHECK(near.send.window_bits <= far.receive.window_bits);
      CHECK(far.send.window_bits <= near.receive.window_bits);
      CHECK(near.send.window_bits <= server.send.window_bits);
      CHECK(near.send.window_bits >= server.min_send_bits);
      if (server.insists) CHECK(near.receive.window_bits <= server.receive.window_bits);
      if (client.insists) CHECK(far.receive.window_bits <= client.receive.window_bits);
    }
  }
}

static_assert(select_deflate({{"Sec-WebSocket-Extensions", "permessage-deflate"}}, {}).is_accepted);
