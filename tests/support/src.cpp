// What HAWSER_TESTS_SEPARATE asks for; else nothing.

#include "hawser/src.hpp"

#include "hawser/codecs/libdeflate_src.hpp"
#include "hawser/codecs/zlib_src.hpp"
