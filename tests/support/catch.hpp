#pragma once

// Catch2, version 2 (Debian's) or 3: the assertion macros, generators and matchers of whichever is
// there. Tests include this file only, and use what both versions name alike: of the matchers on
// text that is `Equals`, `StartsWith` and `EndsWith`.

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
