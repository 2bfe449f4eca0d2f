#pragma once

#include "hawser/version.hpp"

#include <cstddef>
#include <new>

namespace hawser::inline v0 {

/// Where the buffers of open connections come from: the global `operator new`, unless an endpoint
/// is given other functions. The opening handshake of a client uses the global `operator new`.
///
/// `allocate` returns memory aligned for any fundamental type and never null: where there is none
/// it throws, and the exception passes through the call that needed it, which did nothing; or it
/// ends the program. `deallocate` is told the size that was asked for.
struct memory {
  void* context = nullptr;
  void* (*allocate)(void* context, std::size_t size) = [](void*, std::size_t size) {
    return ::operator new(size);
  };
  void (*deallocate)(void* context, void* pointer, std::size_t size) =
      [](void*, void* pointer, std::size_t) { ::operator delete(pointer); };
};

}  // namespace hawser::inline v0
