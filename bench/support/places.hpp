#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace bench {

/// A row of objects that keep their places and can be neither copied nor moved.
template <class T>
class places {
 public:
  /// `make()` gives each of them.
  template <class Make>
  places(std::size_t size, Make make) : storage_{std::make_unique<place[]>(size)}, size_{size} {
    for (std::size_t i = 0; i < size; ++i) new (storage_[i].bytes) T(make());
  }
  places(const places&) = delete;
  places& operator=(const places&) = delete;
  ~places() {
    for (std::size_t i = 0; i < size_; ++i) (*this)[i].~T();
  }

  T& operator[](std::size_t index) {
    return *std::launder(reinterpret_cast<T*>(storage_[index].bytes));
  }

 private:
  struct place {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  std::unique_ptr<place[]> storage_;
  std::size_t size_;
};

}  // namespace bench
