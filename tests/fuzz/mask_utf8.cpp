// The kernels over bytes, of every tier that this machine can run, at any alignment and cut
// anywhere, against loops over single bytes.
//
// Input: alignment (1 byte), masking key (4), how many bytes of cuts (1), the cuts, then a payload.

#include "hawser/mask.hpp"
#include "hawser/utf8.hpp"
#include "support/fuzzing.hpp"
#include "support/reference.hpp"
#include "support/tiers.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using support::require;

struct task {
  std::size_t alignment = 0;
  std::array<unsigned char, 4> key = {};
  std::string_view cuts = {};
  std::string_view payload = {};
};

task read_task(const std::uint8_t* data, std::size_t size) {
  support::fuzz_input in{data, size};
  task result;
  result.alignment = in.byte() % 64;
  for (unsigned char& byte : result.key) byte = static_cast<unsigned char>(in.byte());
  result.cuts = in.take(in.byte());
  result.payload = in.take_all();
  return result;
}

hawser::masking_key key_of(const task& todo) {
  return hawser::masking_key::from_bytes(std::as_bytes(std::span{todo.key}).data());
}

std::string masked(const task& todo) {
  std::string result;
  for (std::size_t i = 0; i < todo.payload.size(); ++i) {
    result += support::reference_mask(todo.payload[i], i, todo.key);
  }
  return result;
}

// The payload somewhere in memory, with known bytes in front and nothing behind.
class placed {
 public:
  explicit placed(const task& todo)
      : before_(todo.alignment, '\x5A'), all_{before_ + std::string{todo.payload}} {}

  [[nodiscard]] std::span<std::byte> span() const { return all_.span().subspan(before_.size()); }
  [[nodiscard]] std::string_view text() const { return all_.text().substr(before_.size()); }
  [[nodiscard]] bool is_front_untouched() const { return all_.text().starts_with(before_); }

 private:
  std::string before_;
  support::exact_copy all_;
};

void check_mask(const task& todo, const std::vector<std::string_view>& parts) {
  const std::string expected = masked(todo);
  const placed in_place{todo};
  const support::exact_copy copied{std::string(todo.payload.size(), '\0')};
  hawser::masking_key key = key_of(todo);
  hawser::masking_key copy_key = key;
  std::size_t done = 0;
  for (const std::string_view part : parts) {
    const placed source{{.alignment = (todo.alignment + 1) % 64, .payload = part}};
    copy_key = hawser::mask_copy(copied.span().data() + done, source.span(), copy_key);
    key = hawser::mask(in_place.span().subspan(done, part.size()), key);
    done += part.size();
    require(source.text() == part, "the source of a copy is not changed");
    require(key == copy_key && key == key_of(todo).rotated(done), "the key for what follows");
  }
  require(in_place.text() == expected, "masked in place");
  require(in_place.is_front_untouched(), "nothing in front is touched");
  require(copied.text() == expected, "masked while it is copied");
  hawser::mask(in_place.span(), key_of(todo));
  require(in_place.text() == todo.payload, "masked twice is unmasked");
}

// How many bytes can stand, and whether the text may end there.
struct verdict {
  std::size_t valid = 0;
  bool is_complete = true;

  friend bool operator==(const verdict&, const verdict&) = default;
};

verdict expected_verdict(std::string_view text) {
  support::reference_text state;
  std::size_t valid = 0;
  while (valid < text.size() && state.add(static_cast<unsigned char>(text[valid]))) ++valid;
  return {valid, valid == text.size() && state.is_complete()};
}

// Unmasks one part of a text into a copy and in place; what validation said of it must be said
// again.
void check_unmask(const task& todo, std::string_view part, std::size_t done,
                  const hawser::utf8_state& before, std::size_t valid,
                  const hawser::utf8_state& after) {
  const hawser::masking_key key = key_of(todo).rotated(done);
  std::string covered;
  for (std::size_t i = 0; i < part.size(); ++i) {
    covered += support::reference_mask(part[i], done + i, todo.key);
  }
  const auto is_same = [&](std::size_t found, const hawser::utf8_state& state) {
    return found == valid && (valid != part.size() || state == after);
  };

  const placed payload{{.alignment = (todo.alignment + done) % 64, .payload = covered}};
  const support::exact_copy copied{std::string(part.size(), '\0')};
  hawser::utf8_state state = before;
  hawser::masking_key next = key;
  require(is_same(hawser::unmask_utf8(state, copied.span().data(), payload.span(), next), state),
          "UTF-8 while it is unmasked into a copy");
  require(copied.text() == part, "unmasked into a copy, whatever it is");
  require(payload.text() == covered, "the source of a copy is not changed");
  require(next == key.rotated(part.size()), "the key for what follows");

  state = before;
  next = key;
  require(is_same(hawser::unmask_utf8(state, payload.span().data(), payload.span(), next), state),
          "UTF-8 while it is unmasked in place");
  require(payload.text() == part, "unmasked in place, whatever it is");
  require(payload.is_front_untouched(), "nothing in front is touched");
  require(next == key.rotated(part.size()), "the key for what follows");
}

verdict verdict_on(const task& todo, const std::vector<std::string_view>& parts) {
  hawser::utf8_state state;
  std::size_t done = 0;
  for (const std::string_view part : parts) {
    const placed text{{.alignment = todo.alignment, .payload = part}};
    const hawser::utf8_state before = state;
    const std::size_t here = hawser::validate_utf8(state, text.span());
    require(here <= part.size(), "no more stands than there is");
    require(text.text() == part, "a text is only read");
    check_unmask(todo, part, done, before, here, state);
    done += here;
    if (here != part.size()) return {done, false};
  }
  return {done, state.is_complete()};
}

void check_parts(const task& todo, const std::vector<std::string_view>& parts,
                 const verdict& expected) {
  check_mask(todo, parts);
  require(verdict_on(todo, parts) == expected, "UTF-8, as RFC 3629");
}

void check_whole(const task& todo, bool is_text) {
  const std::string covered = masked(todo);
  const placed text{{.alignment = todo.alignment, .payload = covered}};
  require(hawser::unmask_text(text.span(), key_of(todo)) == is_text, "a whole text is unmasked");
  require(text.text() == (is_text ? todo.payload : std::string_view{covered}),
          "and what is none is as it was");
  require(text.is_front_untouched(), "nothing in front is touched");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const task todo = read_task(data, size);
  const verdict expected = expected_verdict(todo.payload);
  const support::tier_keeper keeper;
  for (const hawser::simd::tier& tier : hawser::simd::usable_tiers()) {
    hawser::simd::use_tier(tier);
    check_parts(todo, {todo.payload}, expected);
    check_parts(todo, support::cut_by(todo.payload, todo.cuts), expected);
    const placed whole{todo};
    require(hawser::is_utf8(std::span<const std::byte>{whole.span()}) == expected.is_complete,
            "UTF-8 of the whole");
    check_whole(todo, expected.is_complete);
  }
  // Single bytes reach no kernel, whatever the tier, and take long.
  if (todo.payload.size() <= 256) check_parts(todo, support::cut_each(todo.payload), expected);
  return 0;
}
