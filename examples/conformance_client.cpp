// A client under test for the fuzzing server of the Autobahn test suite.
//
//     conformance_client [--no-deflate] URL AGENT
//
// It asks URL/getCaseCount how many cases there are, plays each (URL/runCase) by sending back what
// it gets, and has the report written (URL/updateReports). How each case went, the server knows;
// the exit status is 1 only where the server could not be reached or did not speak as expected.
// It offers to compress messages (--deflate), unless told not to.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

namespace {

// The suite sends messages of 16 MiB, and fragments that add up to as much.
const hawser::client_options large_messages{
    .limits = {.max_message_size = 64 << 20, .max_output_size = 65 << 20}};

struct outcome {
  bool opened = false;
  std::string failure;  // why not
  std::string text;     // the last message, where it was text
};

int fail(std::string_view why) {
  std::cerr << "conformance_client: " << why << '\n';
  return 1;
}

// One connection, until the server ends it, which it may do by a reset. The client never begins to
// close: the order in which both ends close is what some cases are about.
outcome run(const std::string& url, bool echoes, const hawser::deflate_options& deflate) {
  outcome result;
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  result.failure = to_string(to.error);
  if (!to) return result;
  result.failure = "wss needs TLS, which is not here";
  if (to->secure) return result;
  hawser::opened_socket opened = hawser::connect_tcp(to->host_without_brackets(), to->port,
                                                     std::chrono::steady_clock::now() + 10s);
  result.failure = opened.failure;
  if (!opened) return result;

  hawser::zlib::client_endpoint endpoint{large_messages, deflate};
  hawser::client_stream<hawser::descriptor, hawser::zlib_deflate> server{
      endpoint, std::move(opened.socket), {.url = url}};
  while (const hawser::event event = server.receive()) {
    if (event.kind() == hawser::event_kind::open) result.opened = true;
    if (event.kind() == hawser::event_kind::failed) result.failure = to_string(event.error());
    if (event.kind() == hawser::event_kind::refused) {
      const hawser::response answer = server.connection().response();
      result.failure = "refused with status " + std::to_string(answer.status);
    }
    if (!event.is_message()) continue;
    if (echoes) {
      server.send(event);
    } else {
      result.text = event.text();
    }
  }
  return result;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string_view first = argument_count > 1 ? arguments[1] : "";
  const bool is_told = first == "--deflate" || first == "--no-deflate";
  if (argument_count != (is_told ? 4 : 3)) {
    std::cerr << "conformance_client [--no-deflate] URL AGENT\n";
    return 2;
  }
  const hawser::deflate_options deflate{.is_enabled = first != "--no-deflate"};
  std::string url = arguments[argument_count - 2];
  while (url.ends_with('/')) url.pop_back();
  const std::string agent = arguments[argument_count - 1];

  const outcome counted = run(url + "/getCaseCount", false, deflate);
  if (!counted.opened) return fail(url + ": " + counted.failure);
  const int cases = std::atoi(counted.text.c_str());
  if (cases <= 0) return fail(url + " does not say how many cases it has");
  for (int number = 1; number <= cases; ++number) {
    std::cout << "case " << number << " of " << cases << '\n' << std::flush;
    const std::string target = "/runCase?case=" + std::to_string(number) + "&agent=" + agent;
    const outcome played = run(url + target, true, deflate);
    if (!played.opened) return fail("case " + std::to_string(number) + ": " + played.failure);
  }
  const outcome updated = run(url + "/updateReports?agent=" + agent, false, deflate);
  if (!updated.opened) return fail("the reports were not updated: " + updated.failure);
}
