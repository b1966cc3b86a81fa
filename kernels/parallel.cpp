#include "parallel.h"

#include <pthread.h>

#include <atomic>

#include "../array/fail.h"

namespace attune {
namespace {

std::atomic<int> threads_{omp_get_max_threads()};

std::atomic<bool> forked{false};
const int on_fork = pthread_atfork(nullptr, nullptr, [] {
  forked.store(true);
  threads_.store(1);
});

}  // namespace

int num_threads() { return threads_.load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  if (threads < 1 || threads > 1024)
    fail<ValueError>("set_num_threads", "{} threads; use 1 to 1024", threads);
  if (forked.load() && threads > 1)
    fail<ValueError>("set_num_threads", "{} threads in a forked process, which works on one",
                     threads);
  threads_.store(threads, std::memory_order_relaxed);
}

}  // namespace attune
