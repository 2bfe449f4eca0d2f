#pragma once

/// As hawser/src.hpp, which the program includes too, for connections that compress by libdeflate.

#include "hawser/codecs/libdeflate.hpp"

#if defined(HAWSER_HAS_SRC)
namespace hawser::inline v0 {
HAWSER_INSTANTIATE_DEFLATE(, libdeflate_codec);
}  // namespace hawser::inline v0
#endif
