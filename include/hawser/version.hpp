#pragma once

/// The version of the headers, as numbers for the preprocessor. CMake and pkg-config read them
/// here.
#define HAWSER_VERSION_MAJOR 0
#define HAWSER_VERSION_MINOR 1
#define HAWSER_VERSION_PATCH 0

/// Everything lives in an inline namespace that carries the major version, so that two versions of
/// the headers in one program never share a symbol.
namespace hawser::inline v0 {

/// The version of the headers: `major * 10000 + minor * 100 + patch`.
inline constexpr unsigned version =
    HAWSER_VERSION_MAJOR * 10000 + HAWSER_VERSION_MINOR * 100 + HAWSER_VERSION_PATCH;

}  // namespace hawser::inline v0
