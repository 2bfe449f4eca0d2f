#pragma once

#include <cstddef>
#include <cstdio>
#include <initializer_list>

// Counts what does not hold, and tells the first few.
class failures {
 public:
  // `where`: the numbers that name the case, in the order that the check has its loops in.
  void expect(bool holds, const char* what, std::initializer_list<std::size_t> where) {
    ++checked_;
    if (holds) return;
    if (++failed_ > 10) return;
    std::printf("this does not hold: %s, at", what);
    for (const std::size_t number : where) std::printf(" %zu", number);
    std::printf("\n");
  }

  [[nodiscard]] std::size_t checked() const noexcept { return checked_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  std::size_t checked_ = 0;
  std::size_t failed_ = 0;
};
