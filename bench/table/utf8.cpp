#include "peers/peer.hpp"
#include "support/buffer.hpp"
#include "support/measure.hpp"
#include "support/random.hpp"
#include "support/text.hpp"
#include "table/questions.hpp"
#include "table/report.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {
namespace {

// Flips the lowest bit of each byte: see text_of().
constexpr std::array key{std::byte{1}, std::byte{1}, std::byte{1}, std::byte{1}};
constexpr std::size_t header_size = 6;

// Messages out of a text that does not repeat, in a buffer that stays in the cache.
class messages {
 public:
  // Of at most `size` bytes each; 0: at random 1 to 125.
  messages(script kind, std::size_t size)
      : text_{text_of(kind)}, size_{size}, bytes_{room_for(size)} {}

  // Takes the next part of the text.
  void load() {
    pieces_.clear();
    payload_size_ = 0;
    std::size_t to = header_size;
    while (payload_size_ == 0 || payload_size_ + size_ <= chunk) {
      const std::size_t most = size_ != 0 ? size_ : 1 + numbers_.below(125);
      if (to + most > bytes_.size()) break;
      if (at_ + most > text_.size()) at_ = 0;
      const std::size_t end = cut_text(text_, at_, most);
      std::memcpy(bytes_.data() + to, text_.data() + at_, end - at_);
      pieces_.push_back({static_cast<std::uint32_t>(to), static_cast<std::uint32_t>(end - at_)});
      payload_size_ += end - at_;
      to += end - at_ + header_size;
      at_ = end;
    }
  }

  std::byte* bytes() { return bytes_.data(); }
  const std::vector<piece>& pieces() const { return pieces_; }
  double units(scale as) const {
    return static_cast<double>(as == scale::speed ? payload_size_ : pieces_.size());
  }

 private:
  static constexpr std::size_t chunk = 16384;

  static std::size_t room_for(std::size_t size) {
    const std::size_t smallest = size != 0 ? size : 63;
    return std::max(chunk, size) + (chunk / smallest + 2) * header_size;
  }

  std::string_view text_;
  std::size_t size_;
  std::size_t at_ = 0;
  random numbers_{11};
  buffer bytes_;
  std::vector<piece> pieces_;
  std::size_t payload_size_ = 0;
};

// `work(bytes, pieces, count)` is done to fresh messages.
template <class Work>
contender over_text(std::string name, script kind, std::size_t size, scale as, Work work) {
  const auto all = std::make_shared<messages>(kind, size);
  return {std::move(name),
          [=] {
            work(all->bytes(), all->pieces().data(), all->pieces().size());
            return all->units(as);
          },
          [=] { all->load(); }};
}

contender validating(const peer& who, script kind, std::size_t size, scale as) {
  return over_text(who.name, kind, size, as,
                   [check = who.is_utf8, name = std::string_view{who.name}](
                       const std::byte* bytes, const piece* pieces, std::size_t count) {
                     must_be_right(check(bytes, pieces, count), name, "is_utf8");
                   });
}

contender unmasking_text(const peer& who, std::string name, script kind, std::size_t size,
                         scale as) {
  return over_text(std::move(name), kind, size, as,
                   [both = who.unmask_utf8, library = std::string_view{who.name}](
                       std::byte* bytes, const piece* pieces, std::size_t count) {
                     must_be_right(both(bytes, pieces, count, key.data()), library, "unmask_utf8");
                   });
}

// Everybody takes what is right, and refuses what is wrong.
void check(const peer& who) {
  const auto accepts = [&](std::string_view text, bool unmask) {
    buffer bytes{text.size() + header_size};
    std::byte* const payload = bytes.data() + header_size;
    std::memcpy(payload, text.data(), text.size());
    const piece all{header_size, static_cast<std::uint32_t>(text.size())};
    if (!unmask) return who.is_utf8(bytes.data(), &all, 1);
    for (std::size_t i = 0; i < text.size(); ++i) payload[i] ^= key[i % 4];
    const bool right = who.unmask_utf8(bytes.data(), &all, 1, key.data());
    must_be_right(!right || std::memcmp(payload, text.data(), text.size()) == 0, who.name,
                  "unmask_utf8 leaves the text");
    return right;
  };
  for (const bool unmask : {false, true}) {
    if (unmask ? who.unmask_utf8 == nullptr : who.is_utf8 == nullptr) continue;
    const std::string_view what = unmask ? "unmask_utf8" : "is_utf8";
    for (const script kind : scripts) {
      const std::string_view text = text_of(kind);
      for (const std::size_t size : {1U, 16U, 125U, 1000U, 70000U}) {
        const std::string part{text.substr(0, cut_text(text, 0, std::max<std::size_t>(size, 4)))};
        must_be_right(accepts(part, unmask), who.name, what);
        must_be_right(!accepts(part + '\xFF', unmask), who.name, what);
        must_be_right(!accepts("\xC0\x80" + part, unmask), who.name, what);
        must_be_right(!accepts(part + "\xED\xA0\x80", unmask), who.name, what);
        must_be_right(!accepts(part + "\xE2\x82", unmask), who.name, what);
      }
    }
  }
}

void ask_validation(report& out) {
  const std::array peers{hawser_peer(), simdutf_peer(), uwebsockets_peer(), beast_peer(),
                         websocketpp_peer()};
  for (const peer& who : peers) check(who);
  for (const script kind : scripts) {
    for (const std::size_t size : {16U, 125U, 1024U, 16384U, 65536U, 1048576U}) {
      question ask{out,
                   "validate UTF-8, " + std::string{name_of(kind)} + ", " + size_in_words(size),
                   scale::speed, "utf8 " + std::string{name_of(kind)}, static_cast<double>(size)};
      for (const peer& who : peers) {
        if (who.is_utf8 != nullptr) {
          ask.add(validating(who, kind, size, scale::speed));
        } else {
          ask.add_missing(who.name, who.why_not != nullptr ? who.why_not : who.lacks);
        }
      }
      ask.run();
    }
  }
}

// How many times faster than two passes it should be.
double mark_for(script kind, std::size_t size) {
  if (kind == script::json) return size == std::size_t{1} << 20 ? 1.3 : 0.95;
  if (size <= 125) return 1.6;
  if (kind == script::ascii) return size >= 65536 ? 1.4 : 0;
  return size >= 16384 ? 1.2 : 0;
}

void ask_fused(report& out) {
  const peer self = hawser_peer();
  const peer two_passes = hawser_two_passes();
  const peer simd = simdutf_peer();
  for (const peer& who : {self, two_passes, simd}) check(who);
  for (const script kind : scripts) {
    for (const std::size_t size : {0U, 16U, 125U, 1024U, 16384U, 65536U, 1048576U}) {
      const scale as = size <= 125 ? scale::time : scale::speed;
      const std::string words = size == 0 ? "random 1-125 B" : size_in_words(size);
      question ask{out, "unmask + validate, " + std::string{name_of(kind)} + ", " + words, as,
                   size == 0 ? "" : "unmask utf8 " + std::string{name_of(kind)},
                   static_cast<double>(size)};
      ask.add(unmasking_text(self, self.name, kind, size, as));
      const double mark = mark_for(kind, size);
      if (simd.unmask_utf8 != nullptr) {
        ask.add(unmasking_text(simd, "two passes, unmask then simdutf", kind, size, as), mark);
        ask.add(unmasking_text(two_passes, two_passes.name, kind, size, as));
      } else {
        ask.add(unmasking_text(two_passes, two_passes.name, kind, size, as), mark);
        ask.add_missing(simd.name, simd.why_not, mark);
      }
      ask.add(
          over_text("unmask alone", kind, size, as,
                    [mask = self.mask](std::byte* bytes, const piece* pieces, std::size_t count) {
                      mask(bytes, pieces, count, key.data());
                    }),
          kind == script::ascii && size >= 65536 ? 0.95 : 0);
      ask.run();
    }
  }
}

}  // namespace

void ask_utf8(report& out) {
  ask_validation(out);
  ask_fused(out);
}

}  // namespace bench
