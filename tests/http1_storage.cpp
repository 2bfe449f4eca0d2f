#include "hawser/http1_storage.hpp"

#include "hawser/detail/bytes.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

using hawser::fixed_head_storage;
using hawser::header;
using hawser::heap_head_storage;

template <class Storage>
void add_line(Storage& storage, std::string_view name, std::string_view value) {
  const std::size_t begin = storage.bytes().size();
  for (const std::string_view part : {name, value}) {
    storage.reserve(part.size(), 1);
    storage.append(hawser::byte_view{part});
  }
  const std::string_view line = storage.bytes().substr(begin);
  storage.add_field({line.substr(0, name.size()), line.substr(name.size())});
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

template <class Storage>
void check_lines(const Storage& storage, std::size_t count) {
  REQUIRE(storage.fields().size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    const header& field = storage.fields()[i];
    REQUIRE(field == header{"name" + std::to_string(i), std::string(i, 'v')});
    REQUIRE(is_inside(field.name, storage.bytes()));
    REQUIRE(is_inside(field.value, storage.bytes()));
  }
}

}  // namespace

TEST_CASE("fields on the heap stay right while the bytes grow and move", "[http1][storage]") {
  heap_head_storage storage{1 << 20, 200};
  for (std::size_t i = 0; i < 200; ++i) {
    add_line(storage, "name" + std::to_string(i), std::string(i, 'v'));
    check_lines(storage, i + 1);
  }
}

TEST_CASE("fields on the heap stay right when the storage is moved", "[http1][storage]") {
  heap_head_storage storage{1000, 10};
  for (std::size_t i = 0; i < 3; ++i) {
    add_line(storage, "name" + std::to_string(i), std::string(i, 'v'));
  }
  heap_head_storage other{std::move(storage)};
  check_lines(other, 3);
  heap_head_storage third{1, 1};
  third = std::move(other);
  check_lines(third, 3);
  CHECK(third.max_size() == 1000);
  CHECK(third.max_fields() == 10);
}

TEST_CASE("a cleared storage is empty and as large as before", "[http1][storage]") {
  heap_head_storage heap{64, 4};
  add_line(heap, "name0", "");
  heap.clear();
  CHECK(heap.bytes().empty());
  CHECK(heap.fields().empty());
  CHECK(heap.max_size() == 64);
  CHECK(heap.max_fields() == 4);

  fixed_head_storage<64, 4> fixed{64, 4};
  add_line(fixed, "name0", "");
  fixed.clear();
  add_line(fixed, "name0", "");
  check_lines(fixed, 1);
}

TEST_CASE("a fixed storage is never larger than its arrays", "[http1][storage]") {
  const fixed_head_storage<64, 4> storage{1000, 10};
  CHECK(storage.max_size() == 64);
  CHECK(storage.max_fields() == 4);
  const fixed_head_storage<64, 4> smaller{10, 2};
  CHECK(smaller.max_size() == 10);
  CHECK(smaller.max_fields() == 2);
}

TEST_CASE("views into a storage cannot be left behind by a copy", "[http1][storage]") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<heap_head_storage>);
  STATIC_REQUIRE(!std::is_copy_assignable_v<heap_head_storage>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<heap_head_storage>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<heap_head_storage>);
  using fixed = fixed_head_storage<8, 1>;
  STATIC_REQUIRE(!std::is_copy_constructible_v<fixed>);
  STATIC_REQUIRE(!std::is_move_constructible_v<fixed>);
  STATIC_REQUIRE(!std::is_move_assignable_v<fixed>);
}

TEST_CASE("the most heap that a head takes is known at compile time", "[http1][storage]") {
  STATIC_REQUIRE(heap_head_storage::max_heap_size(16384, 100) ==
                 2 * (16384 + 100 * sizeof(header)));
  // Where the number of fields is not bounded, the bytes bound it.
  STATIC_REQUIRE(heap_head_storage::max_heap_size(1000, static_cast<std::size_t>(-1)) ==
                 2 * (1000 + 1016 * sizeof(header)));
}
