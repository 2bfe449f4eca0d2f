// "Any split = whole": the same bytes, whole and in pieces, give the same events, the same output
// and the same state. What is asserted stands in README.md.
//
// Input: the 8 or 12 bytes of support::drive_plan, of which the first is how many bytes of cuts
// follow and whose highest bit chooses the role; the cuts; then what the peer sends until it ends
// the stream.

#include "hawser/codecs/libdeflate.hpp"
#include "hawser/connection.hpp"
#include "support/drive_plan.hpp"
#include "support/fuzzing.hpp"
#include "support/output_reader.hpp"
#include "support/reference.hpp"
#include "support/watching_codec.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using support::require;

struct task {
  support::drive_plan plan;
  std::string_view cuts;
  std::string bytes;
  std::string_view wire;

  explicit task(support::fuzz_input in)
      : plan{in},
        cuts{in.take(plan.bytes[0] % 128)},
        bytes{plan.wire(plan.bytes[0] < 128, in.take_all())},
        wire{bytes} {}
  task(const task&) = delete;
  task& operator=(const task&) = delete;
};

// How an application may go about it.
struct manner {
  bool pauses = false;       // after each event it keeps rest(), and receives it again
  bool tells_early = false;  // the end of the stream, before the last bytes
};

struct outcome {
  support::fuzz_log log;
  std::string output;
  std::string state;
  std::string agreed;
};

template <hawser::role Role, class Extension>
class run {
 public:
  using connection_type = hawser::basic_connection<Role, Extension>;

  run(const task& todo, manner how)
      : plan_{todo.plan},
        how_{how},
        endpoint_(plan_.make_endpoint<Role, Extension>()),
        connection_{plan_.make_connection(endpoint_)} {}

  outcome feed(const std::vector<std::string_view>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (how_.tells_early && i + 1 == parts.size()) connection_->receive_eof();
      receive(parts[i]);
    }
    if constexpr (Role == hawser::role::server) {
      if (plan_.decision() == 0) static_cast<void>(connection_->accept());
    }
    connection_->receive_eof();
    receive({});
    take_output();
    return {record_.lines(), output_, describe(), agreed_text()};
  }

 private:
  void receive(std::string_view part) {
    const support::exact_copy all{part};
    std::span<std::byte> left = all.span();
    for (bool goes_on = true; goes_on;) {
      auto cursor = connection_->receive(hawser::mutable_byte_view{left});
      const hawser::event first = cursor.next();
      if (first) take(first);
      goes_on = static_cast<bool>(first) && how_.pauses;
      while (!how_.pauses && first) {
        const hawser::event found = cursor.next();
        if (!found) break;
        take(found);
      }
      left = cursor.rest();
      take_output();
    }
    require(left.empty(), "all bytes are used");
  }

  void take(const hawser::event& found) {
    record_.add(found, connection_->position_of_piece());
    if (found.kind() == hawser::event_kind::request) decide();
    if (found.is_message() && plan_.echoes()) static_cast<void>(connection_->send(found));
    take_output();
  }

  void decide() {
    if constexpr (Role == hawser::role::server) {
      switch (plan_.decision()) {
        case 0:
          return;  // at the end of the bytes
        case 1:
          static_cast<void>(connection_->accept("superchat", {}));
          return;
        case 2:
          static_cast<void>(connection_->reject(404, "nothing here"));
          return;
        case 3:
          static_cast<void>(connection_->respond(200, {}, "a body"));
          return;
        default:
          static_cast<void>(connection_->accept());
      }
    }
  }

  void take_output() {
    while (connection_->has_output()) {
      const std::string_view part = hawser::as_text(connection_->output().front());
      output_ += part;
      connection_->consume_output(part.size());
    }
  }

  std::string agreed_text() {
    if constexpr (Extension::is_used) {
      return std::string{connection_->extensions().text()};
    } else {
      return std::string{connection_->extensions()};
    }
  }

  std::string describe() {
    const auto number = [](auto value) {
      return std::to_string(static_cast<unsigned>(value)) + ' ';
    };
    std::string all = number(connection_->ready_state()) + number(connection_->wants_close()) +
                      number(connection_->wants_shutdown()) + number(connection_->was_clean()) +
                      number(connection_->close_code()) + number(connection_->error());
    all += std::string{connection_->close_reason()} + ' ' + std::string{connection_->protocol()};
    if constexpr (Role == hawser::role::client) {
      const hawser::response answer = connection_->response();
      all += ' ' + number(answer.status) + std::string{answer.reason};
      for (const hawser::header& each : answer.headers) {
        all += '\n' + std::string{each.name} + ':' + std::string{each.value};
      }
      all += '\n' + std::string{answer.body};
    }
    return all;
  }

  const support::drive_plan& plan_;
  manner how_;
  hawser::basic_endpoint<Role, Extension> endpoint_;
  std::unique_ptr<connection_type> connection_;
  support::event_record record_;
  std::string output_;
};

// Where messages are inflated as a whole, what is wrong with one is told at its end: what came
// before it, whole, is the same, and without a fault all is.
void require_same_messages(support::fuzz_log found, support::fuzz_log expected) {
  const auto ends_well = [](const support::fuzz_log& log) {
    return !log.back().starts_with("failed") ||
           log.back() == support::line_of_failure(hawser::error::end_of_stream);
  };
  const bool is_good = ends_well(found) && ends_well(expected);
  for (support::fuzz_log* log : {&found, &expected}) {
    std::erase_if(*log, [&](const std::string& line) {
      const bool is_message = line.starts_with("text ") || line.starts_with("binary ");
      return is_good ? line.starts_with("unfinished ") : !is_message;
    });
  }
  if (!is_good) {
    const std::size_t size = std::min(found.size(), expected.size());
    found.resize(size);
    expected.resize(size);
  }
  support::require_same(found, expected, "what is told is what the RFC says, message by message");
}

// What a connection that was adopted tells is what the RFC says of the bytes.
template <hawser::role Role, class Extension>
void compare_with_reference(const task& todo, const outcome& found) {
  const hawser::basic_endpoint<Role> endpoint{todo.plan.options_for<Role>()};
  support::reference_receiver reference{
      {.is_server = Role == hawser::role::server,
       .is_whole = endpoint.options().delivery == hawser::delivery::whole,
       .strictness = endpoint.options().strictness,
       .limits = endpoint.options().limits}};
  if (!found.agreed.empty()) reference.agree(found.agreed);
  reference.feed(todo.wire);
  support::fuzz_log expected = reference.lines();
  expected.insert(expected.begin(), "open");
  if (!reference.has_ended()) {
    expected.push_back(support::line_of_failure(hawser::error::end_of_stream));
  }
  if constexpr (std::is_same_v<Extension, hawser::libdeflate_deflate>) {
    // An agreement that it cannot keep to opens nothing.
    if (!found.agreed.empty()) require_same_messages(found.log, std::move(expected));
  } else {
    support::require_same(found.log, expected, "what is told is what the RFC says");
  }
}

[[nodiscard]] bool has_ratio(const task& todo) { return todo.plan.deflate().max_ratio != 0; }

template <hawser::role Role, class Extension>
void check(const task& todo) {
  using run = run<Role, Extension>;
  const outcome whole = run{todo, {}}.feed({todo.wire});
  support::output_reader output{{.is_server = Role == hawser::role::server,
                                 .has_handshake = todo.plan.begins_with_handshake(),
                                 .checks_text = !todo.plan.bit(1, 3)}};
  output.agree(whole.agreed);
  output.feed(whole.output);
  output.finish();
  // What a peer is let do with more window than was agreed on depends on how it is cut.
  if (support::watching_codec::has_gone_too_far) return;
  if (!todo.plan.begins_with_handshake() && (!Extension::is_used || !has_ratio(todo))) {
    compare_with_reference<Role, Extension>(todo, whole);
  }

  const std::vector<std::vector<std::string_view>> ways = {
      {todo.wire}, support::cut_by(todo.wire, todo.cuts), support::cut_each(todo.wire)};
  for (const auto& parts : ways) {
    for (const manner how : {manner{}, manner{.pauses = true}, manner{.tells_early = true}}) {
      const outcome other = run{todo, how}.feed(parts);
      if (support::watching_codec::has_gone_too_far) return;
      support::require_same(other.log, whole.log, "the same events");
      require(other.output == whole.output, "the same output");
      support::require_same({other.state}, {whole.state}, "the same state");
    }
  }
}

template <hawser::role Role>
void check_either(const task& todo) {
  support::watching_codec::has_gone_too_far = false;
  if (todo.plan.compresses_whole()) {
    check<Role, hawser::libdeflate_deflate>(todo);
  } else if (todo.plan.compresses()) {
    check<Role, support::watching_deflate>(todo);
  } else {
    check<Role, hawser::no_extension>(todo);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const task todo{support::fuzz_input{data, size}};
  if (todo.plan.bytes[0] < 128) {
    check_either<hawser::role::server>(todo);
  } else {
    check_either<hawser::role::client>(todo);
  }
  return 0;
}
