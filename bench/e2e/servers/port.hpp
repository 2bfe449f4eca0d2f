#pragma once

#include <cstdlib>
#include <cstring>

// What every echo server here is called with: `server --port P`. 9001 where it says nothing.
inline int port_from(int count, char** arguments) {
  for (int i = 1; i + 1 < count; ++i) {
    if (std::strcmp(arguments[i], "--port") == 0) return std::atoi(arguments[i + 1]);
  }
  return 9001;
}
