#include "hawser/simd/dispatch.hpp"
#include "peers/peer.hpp"
#include "support/bound.hpp"
#include "support/buffer.hpp"
#include "support/measure.hpp"
#include "support/random.hpp"
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
#include <vector>

namespace bench {
namespace {

constexpr std::array key{std::byte{0x9A}, std::byte{0x3C}, std::byte{0xE1}, std::byte{0x57}};
constexpr std::size_t header_size = 6;

// Payloads behind their headers, as in a receive buffer.
constexpr std::size_t packed_size = 8192;

// Messages of the given sizes, one behind the other, and again from the front where it is full.
std::vector<piece> pack(std::span<const std::uint32_t> sizes) {
  std::vector<piece> pieces;
  std::uint32_t at = header_size;
  for (const std::uint32_t size : sizes) {
    if (at + size > packed_size) at = header_size;
    pieces.push_back({at, size});
    at += size + static_cast<std::uint32_t>(header_size);
  }
  return pieces;
}

std::vector<piece> pack_fixed(std::uint32_t size) {
  return pack(std::vector<std::uint32_t>(packed_size / (size + header_size), size));
}

std::vector<piece> pack_random() {
  random numbers{7};
  std::vector<std::uint32_t> sizes(65536);
  for (std::uint32_t& each : sizes) each = static_cast<std::uint32_t>(1 + numbers.below(125));
  return pack(sizes);
}

std::vector<peer> who_masks() {
  return {hawser_peer(), uwebsockets_peer(), beast_peer(), websocketpp_peer(), wslay_peer()};
}

void check(const peer& who) {
  for (const std::uint32_t size : {0U, 1U, 3U, 16U, 33U, 125U, 126U, 1000U, 65537U}) {
    for (const std::size_t offset : {0U, 1U, 13U}) {
      buffer bytes{size, offset};
      std::vector<std::byte> expected(size);
      for (std::size_t i = 0; i < size; ++i) {
        bytes.data()[i] = static_cast<std::byte>(i * 7);
        expected[i] = bytes.data()[i] ^ key[i % 4];
      }
      const piece all{0, size};
      who.mask(bytes.data(), &all, 1, key.data());
      const std::byte* const found = bytes.data() - (size < 126 ? who.moves_small : 0);
      must_be_right(std::equal(expected.begin(), expected.end(), found), who.name, "mask");
    }
  }
}

contender masking(const peer& who, const std::vector<piece>& pieces, std::byte* base,
                  double units) {
  return {who.name, [=, &pieces, mask = who.mask] {
            mask(base, pieces.data(), pieces.size(), key.data());
            return units;
          }};
}

// A call of the library's function for each piece: its size is not known here.
contender copying(const std::vector<piece>& pieces, std::byte* to, const std::byte* from,
                  double units) {
  return {"memcpy", [=, &pieces] {
            for (const piece& each : pieces) {
              std::memcpy(to + each.offset, from + each.offset, each.size);
              asm volatile("" : : : "memory");
            }
            return units;
          }};
}

void add_peers(question& ask, std::span<const peer> peers, const std::vector<piece>& pieces,
               std::byte* base, double units, std::span<const double> marks = {}) {
  for (std::size_t i = 1; i < peers.size(); ++i) {
    const double mark = i < marks.size() ? marks[i] : 0;
    const peer& who = peers[i];
    if (who.mask != nullptr) {
      ask.add(masking(who, pieces, base, units), mark);
    } else if (mark != 0) {
      ask.add_missing(who.name, who.why_not != nullptr ? who.why_not : who.lacks, mark);
    }
  }
}

void ask_large(report& out, std::span<const peer> peers) {
  const double mark = hawser::simd::current_tier().name == "avx512" ? 0.9 : 0.7;
  for (const std::size_t size : {std::size_t{4} << 10, std::size_t{16} << 10, std::size_t{64} << 10,
                                 std::size_t{1} << 20, std::size_t{64} << 20}) {
    for (const std::size_t offset : {0U, 13U}) {
      const std::string text = "mask in place, " + size_in_words(size) +
                               (offset == 0 ? ", aligned" : ", 13 B behind alignment");
      if (!out.wants(text)) continue;
      buffer bytes{size, offset};
      buffer aligned{size};
      const std::vector<piece> all{{0, static_cast<std::uint32_t>(size)}};
      const auto units = static_cast<double>(size);
      question ask{out, text, scale::speed, offset == 0 ? "mask" : "", units};
      ask.add(masking(peers[0], all, bytes.data(), units));
      ask.add({"bound (" + std::string{widest_vectors()} + ")",
               [&] {
                 flip(aligned.data(), size);
                 return units;
               }},
              mark);
      add_peers(ask, peers, all, bytes.data(), units);
      ask.run();
    }
  }
}

void ask_middle(report& out, std::span<const peer> peers) {
  for (const std::uint32_t size : {16U, 64U, 125U, 256U, 1024U}) {
    buffer bytes{packed_size};
    buffer copy{packed_size};
    const std::vector<piece> pieces = pack_fixed(size);
    const double units = static_cast<double>(size) * static_cast<double>(pieces.size());
    question ask{out, "mask, packed frames of " + std::to_string(size) + " B", scale::speed, "mask",
                 static_cast<double>(size)};
    ask.add(masking(peers[0], pieces, bytes.data(), units));
    ask.add(copying(pieces, copy.data(), bytes.data(), units));
    add_peers(ask, peers, pieces, bytes.data(), units);
    ask.run();
  }
}

// By the least of all rounds, because the worst of 125 medians is the noisiest one.
void ask_each_size(report& out, const peer& self) {
  const std::string text = "mask, packed frames, the worst size of 1-125 B";
  if (!out.wants(text)) return;
  constexpr std::size_t sizes = 125;
  std::vector<double> ours(sizes + 2);
  std::vector<double> copies(sizes + 2);
  buffer bytes{packed_size};
  buffer copy{packed_size};
  for (std::size_t size = 1; size <= sizes; ++size) {
    const std::vector<piece> pieces = pack_fixed(static_cast<std::uint32_t>(size));
    const auto units = static_cast<double>(pieces.size());
    const std::array pair{masking(self, pieces, bytes.data(), units),
                          copying(pieces, copy.data(), bytes.data(), units)};
    const std::vector<figure> figures =
        measure(pair, {.rounds = out.effort().rounds, .round_milliseconds = 0.2});
    ours[size] = figures[0].least;
    copies[size] = figures[1].least;
    for (std::size_t i = 0; i < 2; ++i) {
      out.figure("mask each size", static_cast<double>(size), pair[i].name, scale::time,
                 figures[i]);
    }
  }
  std::size_t worst = 1;
  std::size_t steepest = 2;
  const auto neighbour = [&](std::size_t size) { return std::min(ours[size - 1], ours[size + 1]); };
  for (std::size_t size = 1; size <= sizes; ++size) {
    if (ours[size] / copies[size] > ours[worst] / copies[worst]) worst = size;
    if (size > 1 && size < sizes &&
        ours[size] / neighbour(size) > ours[steepest] / neighbour(steepest)) {
      steepest = size;
    }
  }
  out.line(text, 1 / 1.3, in_words(ours[worst], scale::time) + " at " + size_in_words(worst),
           "memcpy " + in_words(copies[worst], scale::time), copies[worst] / ours[worst]);
  out.line(text, 0.5, in_words(ours[steepest], scale::time) + " at " + size_in_words(steepest),
           "its neighbour " + in_words(neighbour(steepest), scale::time),
           neighbour(steepest) / ours[steepest]);
}

void ask_random(report& out, std::span<const peer> peers) {
  buffer bytes{packed_size};
  buffer copy{packed_size};
  const std::vector<piece> pieces = pack_random();
  const auto units = static_cast<double>(pieces.size());
  question ask{out, "mask, packed frames of random 1-125 B", scale::time, "mask random", 0};
  ask.add(masking(peers[0], pieces, bytes.data(), units));
  add_peers(ask, peers, pieces, bytes.data(), units, std::array{0.0, 2.0, 2.0});
  ask.add(copying(pieces, copy.data(), bytes.data(), units));
  ask.run();
}

}  // namespace

void ask_mask(report& out) {
  const std::vector<peer> peers = who_masks();
  for (const peer& who : peers) {
    if (who.mask != nullptr) check(who);
  }
  ask_large(out, peers);
  ask_middle(out, peers);
  ask_each_size(out, peers[0]);
  ask_random(out, peers);
}

}  // namespace bench
