#pragma once

#include "demo/session.hpp"
#include "hawser/event.hpp"
#include "hawser/rfc6455.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace demo {

/// The chat. A message is a few lines of text, the first of which says what it is:
///
///     a page sends    join  NAME         come in, or take another name
///                     say   TEXT         the text may have lines of its own
///     it gets         you   NAME         you are in, and have this name
///                     here  NAME...      all who are, at every change
///                     joined  NAME
///                     left    NAME
///                     renamed OLD NEW
///                     said    NAME TEXT
///                     no      REASON     what you sent was not taken
///
/// What somebody wrote goes to the others as it came: that it is text, and not HTML, is the page's
/// affair.
class chat {
 public:
  static constexpr std::size_t longest_name = 60;    // bytes: 20 characters, or more
  static constexpr std::size_t longest_text = 3000;  // bytes: 1000 characters, or more
  static constexpr std::size_t most_members = 64;

  template <class Peer>
  static void on_message(Peer& peer, const hawser::event& message) {
    const std::string_view line = message.text();
    const std::size_t end = line.find('\n');
    const std::string_view what = line.substr(0, end);
    const std::string_view rest = end == line.npos ? std::string_view{} : line.substr(end + 1);
    if (!message.is_text() || (what != "join" && what != "say")) {
      peer->close(hawser::close_code::unsupported_data, "the chat knows only join and say");
    } else if (!peer.session().writes.take(peer.group().loop().now())) {
      refuse(peer, "That was too fast. Wait a moment, and send it again.");
    } else if (what == "join") {
      join(peer, rest);
    } else {
      say(peer, rest);
    }
  }

  template <class Peer>
  static void on_close(Peer& peer) {
    if (peer.session().name.empty()) return;
    tell_all(peer, "left\n" + peer.session().name);
    tell_who_is_here(peer);
  }

 private:
  template <class Peer>
  static void join(Peer& peer, std::string_view wish) {
    if (!is_name(wish)) return refuse(peer, "A name has 1 to 20 characters.");
    std::string& name = peer.session().name;
    if (wish == name) return;
    std::size_t members = 0;
    for_each_member(peer, [&](auto&) { ++members; });
    if (name.empty() && members >= most_members) return refuse(peer, "The chat is full.");

    const std::string before = std::exchange(name, {});
    name = free_name(peer, wish);
    peer->send_text("you\n" + name);
    tell_all(peer, before.empty() ? "joined\n" + name : "renamed\n" + before + '\n' + name);
    tell_who_is_here(peer);
  }

  template <class Peer>
  static void say(Peer& peer, std::string_view text) {
    if (peer.session().name.empty()) return refuse(peer, "Join first.");
    if (text.empty()) return;
    if (text.size() > longest_text) return refuse(peer, "A message has at most 1000 characters.");
    tell_all(peer, "said\n" + peer.session().name + '\n' + std::string{text});
  }

  template <class Peer>
  static void refuse(Peer& peer, std::string_view why) {
    peer->send_text("no\n" + std::string{why});
  }

  static bool is_name(std::string_view name) {
    if (name.empty() || name.size() > longest_name) return false;
    if (name.front() == ' ' || name.back() == ' ') return false;
    return std::none_of(name.begin(), name.end(),
                        [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
  }

  // The name, or where somebody has it "name 2", "name 3" and so on.
  template <class Peer>
  static std::string free_name(Peer& peer, std::string_view wish) {
    std::string name{wish};
    for (int number = 2; is_taken(peer, name); ++number) {
      name = std::string{wish} + ' ' + std::to_string(number);
    }
    return name;
  }
  template <class Peer>
  static bool is_taken(Peer& peer, std::string_view name) {
    bool found = false;
    for_each_member(peer, [&](auto& other) { found = found || other.session().name == name; });
    return found;
  }

  template <class Peer>
  static void tell_who_is_here(Peer& peer) {
    std::string line = "here";
    for_each_member(peer, [&](auto& member) { line += '\n' + member.session().name; });
    tell_all(peer, line);
  }

  // Every line is owed to everybody. Who does not read would make the server keep them all: let
  // them come again.
  template <class Peer>
  static void tell_all(Peer& peer, std::string_view line) {
    constexpr std::size_t most_unread = std::size_t{256} << 10;
    for_each_member(peer, [&](auto& member) {
      if (member->buffered_amount() > most_unread) {
        member->close(hawser::close_code::policy_violation, "this page does not read its messages");
      } else {
        member->send_text(line);
      }
    });
  }

  template <class Peer, class Visitor>
  static void for_each_member(Peer& peer, Visitor visit) {
    peer.group().for_each([&](auto& other) {
      if (!other.session().name.empty()) visit(other);
    });
  }
};

}  // namespace demo
