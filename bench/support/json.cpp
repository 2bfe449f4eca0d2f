#include "support/json.hpp"

#include "support/random.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {
namespace {

using namespace std::string_view_literals;

// Words, the more frequent ones first.
constexpr std::array words{
    "the"sv,      "to"sv,       "and"sv,       "of"sv,      "a"sv,         "in"sv,
    "is"sv,       "you"sv,      "that"sv,      "it"sv,      "for"sv,       "on"sv,
    "was"sv,      "with"sv,     "are"sv,       "this"sv,    "be"sv,        "have"sv,
    "we"sv,       "not"sv,      "can"sv,       "at"sv,      "but"sv,       "as"sv,
    "if"sv,       "they"sv,     "will"sv,      "from"sv,    "so"sv,        "what"sv,
    "or"sv,       "there"sv,    "when"sv,      "your"sv,    "all"sv,       "my"sv,
    "do"sv,       "about"sv,    "just"sv,      "out"sv,     "up"sv,        "like"sv,
    "one"sv,      "get"sv,      "how"sv,       "then"sv,    "now"sv,       "me"sv,
    "time"sv,     "no"sv,       "see"sv,       "them"sv,    "who"sv,       "would"sv,
    "good"sv,     "been"sv,     "know"sv,      "could"sv,   "some"sv,      "think"sv,
    "more"sv,     "which"sv,    "make"sv,      "here"sv,    "work"sv,      "new"sv,
    "back"sv,     "over"sv,     "well"sv,      "want"sv,    "first"sv,     "only"sv,
    "today"sv,    "after"sv,    "down"sv,      "very"sv,    "should"sv,    "need"sv,
    "where"sv,    "right"sv,    "way"sv,       "look"sv,    "last"sv,      "still"sv,
    "because"sv,  "tomorrow"sv, "before"sv,    "off"sv,     "please"sv,    "take"sv,
    "thanks"sv,   "maybe"sv,    "really"sv,    "morning"sv, "again"sv,     "since"sv,
    "long"sv,     "another"sv,  "week"sv,      "little"sv,  "build"sv,     "never"sv,
    "question"sv, "server"sv,   "problem"sv,   "does"sv,    "already"sv,   "change"sv,
    "anything"sv, "release"sv,  "version"sv,   "idea"sv,    "open"sv,      "lunch"sv,
    "page"sv,     "check"sv,    "team"sv,      "between"sv, "answer"sv,    "without"sv,
    "under"sv,    "together"sv, "number"sv,    "wrong"sv,   "report"sv,    "several"sv,
    "train"sv,    "customer"sv, "half"sv,      "quiet"sv,   "window"sv,    "probably"sv,
    "kitchen"sv,  "paper"sv,    "meeting"sv,   "coffee"sv,  "yesterday"sv, "evening"sv,
    "rather"sv,   "station"sv,  "weather"sv,   "reason"sv,  "although"sv,  "measure"sv,
    "careful"sv,  "schedule"sv, "nobody"sv,    "bridge"sv,  "ticket"sv,    "enough"sv,
    "printer"sv,  "harbour"sv,  "expensive"sv, "elephant"sv};

constexpr std::array names{"maria"sv,  "tom"sv,     "yusuf"sv, "ingrid"sv,  "chen"sv,  "olga"sv,
                           "pierre"sv, "amara"sv,   "jonas"sv, "priya"sv,   "lucia"sv, "kenji"sv,
                           "fatima"sv, "william"sv, "noor"sv,  "hanna"sv,   "mateo"sv, "sofia"sv,
                           "dmitri"sv, "eleni"sv,   "tariq"sv, "bridget"sv, "akira"sv, "zeynep"sv};

constexpr std::array rooms{"general"sv, "support"sv, "random"sv, "sales"sv, "incidents"sv};

class writer {
 public:
  explicit writer(std::uint64_t seed) : numbers_{seed} {}

  [[nodiscard]] std::string message(std::size_t size) {
    constexpr std::size_t large = 512;
    std::string text;
    if (size < large) {
      add_line(text, size);
    } else {
      add_list(text, size);
    }
    return text;
  }

 private:
  static constexpr std::size_t line_size = 200;

  // A word of rank r comes about 1 / r as often as the first.
  [[nodiscard]] std::string_view word() {
    std::size_t end = words.size();
    while (end > 4 && numbers_.below(8) < 3) end /= 2;
    return words[numbers_.below(end)];
  }

  // A text that ends the line at `size` bytes of `out`.
  void add_text(std::string& out, std::size_t size) {
    out += R"(,"text":")";
    const std::size_t end = size - 2;
    while (out.size() < end) {
      if (numbers_.below(16) == 0) {
        out += std::to_string(numbers_.below(1000));
      } else {
        out += word();
      }
      out += numbers_.below(10) == 0 ? ", " : " ";
    }
    out.resize(end);
    out += R"("})";
  }

  // A line of a chat of exactly `size` bytes.
  void add_line(std::string& out, std::size_t size) {
    size += out.size();
    id_ += 1 + numbers_.below(40);
    at_ += numbers_.below(4000);
    out += R"({"type":"message","id":)" + std::to_string(id_) + R"(,"user":")";
    out += names[numbers_.below(names.size())];
    out += R"(","at":)" + std::to_string(at_);
    add_text(out, size);
  }

  // A longer line, with more fields.
  void add_entry(std::string& out, std::size_t size) {
    size += out.size();
    id_ += 1 + numbers_.below(40);
    at_ += numbers_.below(4000);
    out += R"({"id":)" + std::to_string(id_) + R"(,"room":")";
    out += rooms[numbers_.below(rooms.size())];
    out += R"(","user":{"name":")";
    out += names[numbers_.below(names.size())];
    out += R"(","id":)" + std::to_string(numbers_.below(100'000)) + R"(},"at":)" +
           std::to_string(at_) + R"(,"edited":)";
    out += numbers_.below(5) == 0 ? "true" : "false";
    add_text(out, size);
  }

  // A list of lines of many lengths.
  void add_list(std::string& out, std::size_t size) {
    out += R"({"type":"history","page":)" + std::to_string(numbers_.below(1000)) + R"(,"items":[)";
    const std::size_t end = size - 2;
    while (end - out.size() > 3 * line_size) {
      add_entry(out, line_size * 3 / 4 + numbers_.below(line_size));
      out += ',';
    }
    add_entry(out, end - out.size());
    out += "]}";
  }

  random numbers_;
  std::uint64_t id_ = 83'120'934;
  std::uint64_t at_ = 1'772'366'400'123;
};

}  // namespace

std::vector<std::string> json_messages(std::size_t size, std::size_t bytes, std::uint64_t seed) {
  writer from{seed};
  std::vector<std::string> all;
  all.reserve(bytes / size + 1);
  for (std::size_t made = 0; made < bytes; made += size) all.push_back(from.message(size));
  return all;
}

}  // namespace bench
