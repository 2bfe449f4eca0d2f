#pragma once

#include <cstdlib>
#include <cstring>

// What every echo server here is called with: `server --port P [--deflate MODE]`.

// The value of an option; `otherwise` where it is not there.
inline const char* option_from(int count, char** arguments, const char* name,
                               const char* otherwise) {
  for (int i = 1; i + 1 < count; ++i) {
    if (std::strcmp(arguments[i], name) == 0) return arguments[i + 1];
  }
  return otherwise;
}

inline int port_from(int count, char** arguments) {
  return std::atoi(option_from(count, arguments, "--port", "9001"));
}

// How messages are compressed: `takeover`, as the library has it by default with windows that go on
// from message to message; `shared`, without. Not at all where it is not asked for.
enum class deflate_mode { none, shared, takeover };

inline deflate_mode deflate_from(int count, char** arguments) {
  const char* const mode = option_from(count, arguments, "--deflate", "");
  if (std::strcmp(mode, "shared") == 0) return deflate_mode::shared;
  if (std::strcmp(mode, "takeover") == 0) return deflate_mode::takeover;
  return deflate_mode::none;
}
