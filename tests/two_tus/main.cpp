#include "two_tus/units.hpp"

#include <cstdio>
#include <string>

int main() {
  const std::string plain = exercise_plain();
  const std::string optimized = exercise_optimized();
  if (plain.empty() || plain != optimized) {
    std::printf("compiled plainly:\n%s\n\noptimized:\n%s\n", plain.c_str(), optimized.c_str());
    return 1;
  }
  std::printf("%zu characters of results, the same twice\n", plain.size());
  return 0;
}
