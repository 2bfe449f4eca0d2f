// Times and spans of time cannot be mistaken for numbers, nor for each other.

#include "hawser/time.hpp"

#include <chrono>

using namespace std::chrono_literals;

hawser::duration five_seconds = 5s;
hawser::time_point now = std::chrono::steady_clock::now();
hawser::duration since = now - (now + five_seconds);

#ifdef HAWSER_CASE_1  // expect: no viable conversion|conversion from .* requested
// Five of what?
hawser::duration five = 5;
#endif

#ifdef HAWSER_CASE_2  // expect: no viable conversion|conversion from .* requested
hawser::time_point at_a_duration = 5s;
#endif

#ifdef HAWSER_CASE_3  // expect: no viable conversion|conversion from .* requested
hawser::duration a_point = std::chrono::steady_clock::now();
#endif

#ifdef HAWSER_CASE_4  // expect: invalid operands|no match for .operator
auto both = now + now;
#endif
