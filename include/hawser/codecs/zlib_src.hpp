#pragma once

/// As hawser/src.hpp, which the program includes too, for connections that compress by zlib.

#include "hawser/codecs/zlib.hpp"

#if defined(HAWSER_HAS_SRC)
namespace hawser::inline v0 {
HAWSER_INSTANTIATE_DEFLATE(, zlib_codec);
}  // namespace hawser::inline v0
#endif
