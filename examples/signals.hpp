#pragma once

#include "hawser/adapters/descriptor.hpp"

#include <cerrno>
#include <cstdint>
#include <functional>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

// SIGINT and SIGTERM as something that a loop watches.
template <class Loop>
class signals final : private Loop::source_type {
 public:
  signals(Loop& loop, std::function<void()> task) : loop_{loop}, task_{std::move(task)} {
    ::sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int each : {SIGINT, SIGTERM}) ::sigaddset(&wanted, each);
    ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    source_ = hawser::descriptor{::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC)};
    if (!source_ || !loop_.watch(*this, source_.value(), EPOLLIN)) {
      throw std::system_error{errno, std::system_category(), "signalfd"};
    }
  }
  ~signals() { loop_.remove(*this, source_.value()); }
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

 private:
  void on_ready(std::uint32_t /*events*/) override {
    ::signalfd_siginfo came{};
    while (::read(source_.value(), &came, sizeof came) > 0) task_();
  }
  void on_deadline() override {}
  void on_flush() override {}
  void on_retired() override {}

  Loop& loop_;
  std::function<void()> task_;
  hawser::descriptor source_;
};
