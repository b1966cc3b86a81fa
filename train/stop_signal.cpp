#include "stop_signal.h"

#include <atomic>
#include <csignal>

#include "../array/fail.h"

namespace attune::train {
namespace {

constexpr int signals[] = {SIGINT, SIGTERM};

std::atomic<bool> installed{false};
std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);  // else not for a handler
struct sigaction before[std::size(signals)];

void remember(int signal) { received = signal; }

}  // namespace

StopSignal::StopSignal() {
  if (installed.exchange(true)) fail<ValueError>("StopSignal", "there is one already");
  received = 0;
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  for (size_t i = 0; i < std::size(signals); ++i) {
    ::sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &before[i], nullptr);
  installed = false;
}

int StopSignal::signal() const { return received; }

}  // namespace attune::train
