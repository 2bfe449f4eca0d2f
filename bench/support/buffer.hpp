#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace bench {

/// Memory that begins `offset` bytes behind a boundary of 64, with 64 spare bytes on either side
/// that some peers read or write. Starts out as zeros.
class buffer {
 public:
  explicit buffer(std::size_t size, std::size_t offset = 0)
      : storage_(size + offset + 3 * 64), size_{size} {
    void* place = storage_.data() + 64;
    std::size_t space = storage_.size() - 64;
    place = std::align(64, size + offset, place, space);
    data_ = static_cast<std::byte*>(place) + offset;
  }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;

  std::byte* data() noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::vector<std::byte> storage_;
  std::byte* data_;
  std::size_t size_;
};

}  // namespace bench
