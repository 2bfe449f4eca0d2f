// A server's connection, driven by the input: what comes, how it is cut, what the application does
// in between. What is asserted stands in README.md, the form of an input in support/driven.hpp.

#include "support/driven.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  support::drive<hawser::role::server>(support::fuzz_input{data, size});
  return 0;
}
