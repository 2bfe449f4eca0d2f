// Numbers from the wire become names by an explicit step only.

#include "hawser/rfc6455.hpp"

#include <cstdint>

hawser::opcode named = hawser::opcode::text;
std::uint16_t on_the_wire = 1000;
auto code = static_cast<hawser::close_code>(on_the_wire);

#ifdef HAWSER_CASE_1  // expect: cannot initialize|cannot convert
hawser::opcode numbered = 1;
#endif

#ifdef HAWSER_CASE_2  // expect: cannot initialize|cannot convert
hawser::close_code unchecked = on_the_wire;
#endif

#ifdef HAWSER_CASE_3  // expect: invalid operands|comparison of two values|no match for .operator
bool same = named == code;
#endif
