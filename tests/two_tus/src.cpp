#include "hawser/src.hpp"
