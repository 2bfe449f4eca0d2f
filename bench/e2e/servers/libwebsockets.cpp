// An echo server over libwebsockets, in one thread: messages wait in a queue for the turns in which
// the library lets them be written, one in each.

#include "port.hpp"

#include <cstddef>
#include <deque>
#include <libwebsockets.h>
#include <new>
#include <utility>
#include <vector>

namespace {

struct message {
  std::vector<unsigned char> bytes;  // behind the room for a header that the library asks for
  lws_write_protocol type = LWS_WRITE_BINARY;
};

struct session {
  message coming;
  std::deque<message>* waiting;  // null while nothing waits: a deque is no small thing
};

void receive(::lws* peer, session& self, const unsigned char* at, std::size_t size) {
  if (self.coming.bytes.empty()) self.coming.bytes.resize(LWS_PRE);
  self.coming.bytes.insert(self.coming.bytes.end(), at, at + size);
  if (!::lws_is_final_fragment(peer)) return;
  self.coming.type = ::lws_frame_is_binary(peer) != 0 ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  if (self.waiting == nullptr) self.waiting = new std::deque<message>;
  self.waiting->push_back(std::exchange(self.coming, {}));
  ::lws_callback_on_writable(peer);
}

int write(::lws* peer, session& self) {
  if (self.waiting == nullptr) return 0;
  message next = std::move(self.waiting->front());
  self.waiting->pop_front();
  const std::size_t size = next.bytes.size() - LWS_PRE;
  if (::lws_write(peer, next.bytes.data() + LWS_PRE, size, next.type) < 0) return -1;
  if (!self.waiting->empty()) {
    ::lws_callback_on_writable(peer);
  } else {
    delete std::exchange(self.waiting, nullptr);
  }
  return 0;
}

int on_event(::lws* peer, ::lws_callback_reasons reason, void* user, void* in, std::size_t size) {
  auto* self = static_cast<session*>(user);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
      new (self) session{};
      return 0;
    case LWS_CALLBACK_CLOSED:
      delete self->waiting;
      self->~session();
      return 0;
    case LWS_CALLBACK_RECEIVE:
      receive(peer, *self, static_cast<const unsigned char*>(in), size);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return write(peer, *self);
    default:
      return ::lws_callback_http_dummy(peer, reason, user, in, size);
  }
}

}  // namespace

int main(int count, char** arguments) {
  ::lws_set_log_level(LLL_ERR, nullptr);
  const ::lws_protocols protocols[] = {
      {"echo", on_event, sizeof(session), std::size_t{64} << 10, 0, nullptr, 0},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  ::lws_context_creation_info info{};
  info.port = port_from(count, arguments);
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.gid = static_cast<decltype(info.gid)>(-1);
  info.uid = static_cast<decltype(info.uid)>(-1);
  info.pt_serv_buf_size = 64 << 10;
  ::lws_context* context = ::lws_create_context(&info);
  if (context == nullptr) return 1;
  while (::lws_service(context, 0) >= 0) {
  }
  ::lws_context_destroy(context);
}
