#include "two_tus/exercise.hpp"
#include "two_tus/units.hpp"

std::string exercise_optimized() { return exercise(); }
