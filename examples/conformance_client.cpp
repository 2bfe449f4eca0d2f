// A client under test for the fuzzing server of the Autobahn test suite.
//
//     conformance_client URL AGENT
//
// It asks URL/getCaseCount how many cases there are, plays each (URL/runCase) by sending back what
// it gets, and has the report written (URL/updateReports). How each case went, the server knows;
// the exit status is 1 only where the server could not be reached or did not speak as expected.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/hawser.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// The suite sends messages of 16 MiB, and fragments that add up to as much.
const hawser::client_options large_messages{
    .limits = {.max_message_size = 64 << 20, .max_output_size = 65 << 20}};

struct outcome {
  bool opened = false;
  std::string text;  // the last message, where it was text
};

// One connection, until the server ends it, which it may do by a reset. The client never begins to
// close: the order in which both ends close is what some cases are about.
outcome run(const std::string& url, bool echoes) {
  outcome result;
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  if (!to || to->secure) return result;
  hawser::opened_socket opened = hawser::connect_tcp(to->host_without_brackets(), to->port,
                                                     std::chrono::steady_clock::now() + 10s);
  if (!opened) return result;

  hawser::client_endpoint endpoint{large_messages};
  hawser::client_stream<hawser::descriptor> server{
      endpoint, std::move(opened.socket), {.url = url}};
  while (const hawser::event event = server.receive()) {
    if (event.kind() == hawser::event_kind::open) result.opened = true;
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
  if (argument_count != 3) {
    std::cerr << "conformance_client URL AGENT\n";
    return 2;
  }
  std::string url = arguments[1];
  while (url.ends_with('/')) url.pop_back();
  const std::string agent = arguments[2];

  const outcome counted = run(url + "/getCaseCount", false);
  const int cases = std::atoi(counted.text.c_str());
  if (!counted.opened || cases <= 0) {
    std::cerr << "conformance_client: " << url << " does not say how many cases it has\n";
    return 1;
  }
  for (int number = 1; number <= cases; ++number) {
    std::cout << "case " << number << " of " << cases << '\n' << std::flush;
    const std::string target = "/runCase?case=" + std::to_string(number) + "&agent=" + agent;
    if (!run(url + target, true).opened) {
      std::cerr << "conformance_client: case " << number << " did not open\n";
      return 1;
    }
  }
  if (!run(url + "/updateReports?agent=" + agent, false).opened) {
    std::cerr << "conformance_client: the reports were not updated\n";
    return 1;
  }
}
