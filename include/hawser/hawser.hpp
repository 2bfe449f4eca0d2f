#pragma once

/// hawser: the WebSocket protocol without I/O. This header is all of the core; adapters for sockets
/// and libraries stand beside it in hawser/adapters/.

#include "hawser/connection.hpp"
#include "hawser/memory_bound.hpp"
#include "hawser/permessage_deflate.hpp"
