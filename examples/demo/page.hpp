#pragma once

#include "demo/session.hpp"
#include "demo_files.hpp"  // made of the files beside this one when the program is built

namespace demo {

/// Answers a request over HTTP with one of the page's files. The library has turned away all that
/// is not GET or HEAD, and leaves the body out for HEAD.
template <class Peer>
void serve_page(Peer& peer) {
  for (const file& each : files) {
    if (each.path != peer->request().path()) continue;
    peer->respond(
        200,
        {{"Content-Type", each.type},
         // Only what came from here runs or is shown; 'self' covers this host's ws and wss.
         {"Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'"},
         {"X-Content-Type-Options", "nosniff"},
         {"Referrer-Policy", "no-referrer"},
         {"Cache-Control", "no-store"}},  // it changes with the program
        each.content);
    return;
  }
  peer->reject(404, "There is nothing here. The page is at /");
}

}  // namespace demo
