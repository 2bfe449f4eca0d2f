#pragma once

/// hawser: the WebSocket protocol without I/O. This header is all of the core; adapters for sockets
/// and libraries stand beside it in hawser/adapters/.

#include "hawser/connection.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/memory_bound.hpp"
