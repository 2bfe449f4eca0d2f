#include "hawser/mask.hpp"
#include "peers/peer.hpp"

#include <cstddef>
#include <simdutf.h>

namespace bench {
namespace {

bool is_utf8(const std::byte* base, const piece* pieces, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* const text = reinterpret_cast<const char*>(base + pieces[i].offset);
    if (!simdutf::validate_utf8(text, pieces[i].size)) return false;
  }
  return true;
}

// The other pass is hawser's own: of all those that are measured it is the fastest.
bool unmask_utf8(std::byte* base, const piece* pieces, std::size_t count, const std::byte* key) {
  const auto wire_key = hawser::masking_key::from_bytes(key);
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const payload = base + pieces[i].offset;
    hawser::mask({payload, pieces[i].size}, wire_key);
    if (!simdutf::validate_utf8(reinterpret_cast<const char*>(payload), pieces[i].size)) {
      return false;
    }
  }
  return true;
}

}  // namespace

peer simdutf_peer() {
  peer self;
  self.name = "simdutf";
  self.lacks = "it is no WebSocket library";
  self.is_utf8 = is_utf8;
  self.unmask_utf8 = unmask_utf8;
  return self;
}

}  // namespace bench
