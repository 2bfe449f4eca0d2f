// Somebody else's program: a client and a server say hello without a socket between them. It prints
// the version.

#include <hawser/hawser.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

// Carries what waits at one end to the other, and hands on the events that come of it.
template <class From, class To, class Take>
void carry(From& from, To& to, Take take) {
  while (from.has_output()) {
    const auto sent = from.output().front();
    std::vector<std::byte> bytes(sent.begin(), sent.end());
    from.consume_output(bytes.size());
    auto events = to.receive(bytes);
    while (auto event = events.next()) take(event);
  }
}

int main() {
  hawser::server_endpoint server_side;
  hawser::client_endpoint client_side;
  hawser::server_connection server{server_side};
  hawser::client_connection client{client_side, {.url = "ws://localhost/hello"}};

  std::string answer;
  for (int turn = 0; turn < 4; ++turn) {
    carry(client, server, [&](const hawser::event& event) {
      if (event.is_message()) server.send(event);
    });
    carry(server, client, [&](const hawser::event& event) {
      if (event.kind() == hawser::event_kind::open) client.send_text("ahoy");
      if (event.is_message()) answer = event.text();
      if (event.is_message()) client.close();
    });
  }

  if (answer != "ahoy" || !client.was_clean() || !server.was_clean()) return 1;
  std::printf("%d.%d.%d\n", HAWSER_VERSION_MAJOR, HAWSER_VERSION_MINOR, HAWSER_VERSION_PATCH);
  return 0;
}
