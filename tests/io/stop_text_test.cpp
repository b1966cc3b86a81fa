#include <attune/array.h>
#include <attune/io.h>

#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

struct Passed {
  std::string text;
  bool stopped;
};

// A text passed on in pieces of `size` bytes.
Passed passed(const std::string& text, const std::vector<std::string>& stops, size_t size) {
  io::StopText stop(stops);
  Passed result{{}, false};
  for (size_t at = 0; at < text.size(); at += size) result.text += stop.next(text.substr(at, size));
  result.text += stop.finish();
  result.stopped = stop.stopped();
  return result;
}

}  // namespace

TEST_CASE("a text ends before the first stop text, however it comes in pieces") {
  struct Case {
    std::string text;
    std::vector<std::string> stops;
    std::string expected;
    bool stopped;
  };
  const std::vector<Case> cases = {
      {"one two three", {}, "one two three", false},
      {"one two three", {"two"}, "one ", true},
      {"one two three", {"three", "two"}, "one ", true},
      {"one two three", {"one"}, "", true},
      {"one two three", {"three."}, "one two three", false},
      {"aaab", {"aab"}, "a", true},
      {"a\n\nb\n\nc", {"\n\n"}, "a", true},
      {"xabcy", {"abc", "b"}, "x", true},
      {"xabdy", {"abc", "b"}, "xa", true},
      {"xab", {"abc", "b"}, "xa", true},
      {"", {"x"}, "", false},
  };
  for (const Case& c : cases)
    for (size_t size : std::vector<size_t>{1, 2, 3, 100}) {
      INFO(c.text << " in pieces of " << size);
      const Passed result = passed(c.text, c.stops, size);
      CHECK(result.text == c.expected);
      CHECK(result.stopped == c.stopped);
    }
}

TEST_CASE("what cannot begin a stop text is passed on at once") {
  io::StopText stop({"\nEnd", "\n\n"});
  CHECK(stop.next("a\n") == "a");
  CHECK(stop.next("En") == "");
  CHECK(stop.next("g\n") == "\nEng");
  CHECK(stop.next("b") == "\nb");
  CHECK(stop.next("\n\nmore") == "");
  CHECK(stop.stopped());
  CHECK(stop.next("more") == "");
  CHECK(stop.finish() == "");
  CHECK_THROWS_AS(io::StopText({"a", ""}), ValueError);
}
