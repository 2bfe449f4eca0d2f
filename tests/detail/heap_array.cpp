#include "hawser/detail/heap_array.hpp"

#include "support/catch.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

using hawser::detail::heap_array;

std::string_view text_of(const heap_array<char>& array) { return {array.data(), array.size()}; }

heap_array<char> array_of(std::string_view text) {
  heap_array<char> array;
  array.append_growing(text);
  return array;
}

}  // namespace

TEST_CASE("a new array on the heap is empty and holds no memory", "[heap_array]") {
  const heap_array<char> array;
  CHECK(array.data() == nullptr);
  CHECK(array.size() == 0);
  CHECK(array.capacity() == 0);
}

TEST_CASE("an array on the heap keeps what it has when it grows", "[heap_array]") {
  heap_array<std::size_t> array;
  std::size_t growths = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    if (array.size() == array.capacity()) {
      array.grow(2 * array.capacity() + 1);
      ++growths;
    }
    array.append_one(i);
  }
  REQUIRE(array.size() == 1000);
  CHECK(growths == 10);
  for (std::size_t i = 0; i < 1000; ++i) REQUIRE(array.data()[i] == i);
}

TEST_CASE("an array on the heap grows by doubling, or to what is needed", "[heap_array]") {
  heap_array<char> array = array_of("abc");
  CHECK(array.capacity() == 3);
  array.append_growing(std::string_view{"d"});
  CHECK(array.capacity() == 6);
  array.append_growing(std::string_view{"0123456789"});
  CHECK(array.capacity() == 14);
  array.append_growing({});
  CHECK(text_of(array) == "abcd0123456789");
}

TEST_CASE("an array on the heap that is cleared keeps its memory", "[heap_array]") {
  heap_array<char> array = array_of("abc");
  array.clear();
  CHECK(array.size() == 0);
  CHECK(array.capacity() == 3);
  array.append(std::string_view{"xyz"});
  CHECK(text_of(array) == "xyz");
}

TEST_CASE("an array on the heap is moved with its memory, and not copied", "[heap_array]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<heap_array<char>>);
  heap_array<char> first = array_of("abc");
  const char* const place = first.data();
  heap_array<char> second{std::move(first)};
  CHECK(second.data() == place);
  heap_array<char> third = array_of("replaced");
  third = std::move(second);
  CHECK(third.data() == place);
  CHECK(text_of(third) == "abc");
  heap_array<char>& same = third;
  third = std::move(same);
  CHECK(text_of(third) == "abc");
}
