#pragma once

#include <string>

// The same exercise (exercise.hpp), compiled twice.
std::string exercise_plain();
std::string exercise_optimized();
