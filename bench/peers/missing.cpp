// Stands for each peer that this build has not: BENCH_NO_<PEER> is why.

#include "peers/peer.hpp"

namespace bench {
namespace {

[[maybe_unused]] peer missing(const char* name, const char* why) {
  peer self;
  self.name = name;
  self.why_not = why;
  return self;
}

}  // namespace

#ifdef BENCH_NO_BEAST
peer beast_peer() { return missing("Beast", BENCH_NO_BEAST); }
#endif
#ifdef BENCH_NO_WEBSOCKETPP
peer websocketpp_peer() { return missing("websocketpp", BENCH_NO_WEBSOCKETPP); }
#endif
#ifdef BENCH_NO_WSLAY
peer wslay_peer() { return missing("wslay", BENCH_NO_WSLAY); }
#endif
#ifdef BENCH_NO_SIMDUTF
peer simdutf_peer() { return missing("simdutf", BENCH_NO_SIMDUTF); }
#endif
#ifdef BENCH_NO_UWEBSOCKETS
peer uwebsockets_peer() { return missing("uWebSockets", BENCH_NO_UWEBSOCKETS); }
#endif

// Its parser is part of a connection that cannot be without a socket of its own event loop.
peer libwebsockets_peer() {
  return missing("libwebsockets", "its engine cannot be called without a socket; bench/e2e has it");
}

}  // namespace bench
