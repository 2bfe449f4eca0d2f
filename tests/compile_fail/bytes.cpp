// What is no view of bytes.

#include "hawser/detail/bytes.hpp"

#include <string>
#include <vector>

const std::vector<char> constant(4);
std::vector<char> changeable(4);
const std::string text = "text";

hawser::byte_view read_constant = constant;
hawser::byte_view read_text = text;
hawser::mutable_byte_view write_changeable = changeable;

#ifdef HAWSER_CASE_1  // expect: no viable conversion|conversion from .* requested
// A literal's size counts the zero at its end.
hawser::byte_view literal = "text";
#endif

#ifdef HAWSER_CASE_2  // expect: no viable conversion|conversion from .* requested
hawser::mutable_byte_view write_constant = constant;
#endif

#ifdef HAWSER_CASE_3  // expect: no viable conversion|conversion from .* requested
std::vector<int> numbers(4);
hawser::byte_view read_numbers = numbers;
#endif

#ifdef HAWSER_CASE_4  // expect: no viable conversion|conversion from .* requested
hawser::mutable_byte_view write_view = read_constant;
#endif
