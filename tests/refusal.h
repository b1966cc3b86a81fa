// Calls that must be refused, and what they must leave as it was.
#pragma once

#include <array/pool.h>
#include <array/random.h>
#include <array/scope.h>
#include <attune/autograd.h>
#include <kernels/copy.h>
#include <kernels/random.h>
#include <kernels/threads.h>

#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace attune::test {

struct BadInput {
  std::function<void()> call;
  std::function<bool(const Error&)> is_right_type;
};

// A call that must throw E.
template <class E>
BadInput bad(std::function<void()> call) {
  return {std::move(call), [](const Error& e) { return dynamic_cast<const E*>(&e) != nullptr; }};
}

// The state of this thread, and the memory that is live.
struct Surroundings {
  RandomState random = random_state();
  int64_t live_bytes = memory_stats().live_bytes;
  bool recording = grad_enabled(), looking_for_anomalies = anomaly_enabled();
  MatmulPrecision precision = float32_matmul_precision();
  Path path = current_path();
  std::string operation = outermost_operation("none");
  int threads = num_threads();

  friend bool operator==(const Surroundings&, const Surroundings&) = default;
};

// Arrays that a call may read only, each with a copy of what it holds. All that watched() gets
// while one lives is added to it.
class Watch {
 public:
  Watch() { current() = this; }
  ~Watch() { current() = nullptr; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  static Watch*& current() {
    thread_local Watch* watch = nullptr;
    return watch;
  }
  void add(const Array& array) { seen_.emplace_back(array, kernels::clone(array)); }
  bool unchanged() const {
    for (const auto& [array, copy] : seen_)
      if (array.storage().written() > 1 ||
          std::memcmp(array.raw_data(), copy.raw_data(), copy.storage().bytes()) != 0)
        return false;
    return true;
  }

 private:
  std::vector<std::pair<Array, Array>> seen_;
};

// A dense input of a call that must not change it.
inline Tensor watched(Tensor x) {
  if (Watch* watch = Watch::current()) watch->add(x.array());
  return x;
}

// float64 between 1 and 2, for bad inputs: some(2, 3) is [2, 3].
template <class... Sizes>
Tensor some(Sizes... sizes) {
  return watched(Tensor(random_uniform(Shape{sizes...}, float64, 1, 2, RandomState{1, 0})));
}
// int64, all 1.
template <class... Sizes>
Tensor whole(Sizes... sizes) {
  return watched(ones({sizes...}, int64));
}

// Whether the text tells a value that did not fit: a number or shape, a dtype, or a name.
inline bool shows_a_value(const std::string& text) {
  if (text.find_first_of("0123456789\"[") != std::string::npos) return true;
  for (const char* word : {"bool", "float", "scalar"})
    if (text.find(word) != std::string::npos) return true;
  return false;
}

// Makes the call. What is wrong with how it is refused, in a line; empty if nothing is: the error
// is of the right type, begins so, says what it must and shows a value; inputs and surroundings are
// as before.
inline std::string refuse(const BadInput& input, const std::string& begins,
                          const std::string& says = {}) {
  std::string text;
  const auto call = [&]() -> std::string {
    try {
      input.call();
    } catch (const Error& e) {
      text = e.what();
      if (!input.is_right_type(e)) return "the wrong type of error: " + text;
      if (text.rfind(begins, 0) != 0) return "it does not begin with \"" + begins + "\": " + text;
      if (text.find(says) == text.npos) return "it does not say \"" + says + "\": " + text;
      const bool about_an_input = dynamic_cast<const ShapeError*>(&e) ||
                                  dynamic_cast<const DTypeError*>(&e) ||
                                  dynamic_cast<const IndexError*>(&e);
      if (about_an_input && !shows_a_value(text.substr(begins.size())))
        return "it shows no value: " + text;
      return {};
    } catch (const std::exception& e) {
      return std::string("an error that is not attune's: ") + e.what();
    }
    return "a bad input is accepted";
  };
  {
    const Watch watch;
    if (const std::string fault = call(); !fault.empty()) return fault;
    if (!watch.unchanged()) return "an input was changed: " + text;
  }
  // Once more, because the first call may have made what stays, such as tables.
  const Surroundings before;
  call();
  if (Surroundings() == before) return {};
  return "it changed the state of the thread or kept memory: " + text;
}

}  // namespace attune::test
