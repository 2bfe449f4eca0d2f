#pragma once

/// For programs of many files: all that the connections do, compiled once. Define
/// HAWSER_SEPARATE_COMPILATION for all files of the program, and include this header in exactly one
/// of them; the others then compile in less than half of the time. Where the macro is not defined
/// each file compiles what it uses, and this header adds nothing. A codec has one of its own, as
/// hawser/codecs/zlib_src.hpp.

#include "hawser/hawser.hpp"

#if defined(HAWSER_HAS_SRC)
namespace hawser::inline v0 {
template const simd::tier& simd::choose_tier<>() noexcept;
template class receiver<role::server>;
template class receiver<role::client>;
template class sender<role::server>;
template class sender<role::client>;
HAWSER_INSTANTIATE_CONNECTIONS(, no_extension);
}  // namespace hawser::inline v0
#endif
