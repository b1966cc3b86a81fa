#include <attune/train.h>

#include <algorithm>

#include "../catch.h"

using attune::train::format_duration;
using attune::train::Progress;
using Catch::Matchers::ContainsSubstring;

namespace {

// A stream whose text can be read back, a clock that moves when told, and an environment of its
// own.
struct Stage {
  Stage() {
    for (const char* name : {"NO_COLOR", "LC_ALL"}) ::unsetenv(name);
    ::setenv("LC_ALL", "C", 1);
  }
  ~Stage() { std::fclose(file); }

  Progress::Options terminal(int columns) {
    return {.label = "train",
            .stream = file,
            .terminal = [] { return true; },
            .columns = [columns] { return columns; },
            .clock = [this] { return now; }};
  }
  Progress::Options pipe() {
    return {.stream = file, .clock = [this] { return now; }};
  }
  std::string text() const {
    std::string all(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    all.resize(std::fread(all.data(), 1, all.size(), file));
    return all;
  }

  std::FILE* file = std::tmpfile();
  double now = 0;
};

// What a terminal shows of the last line: what follows the last erasure, without colours.
std::string shown(const std::string& text) {
  const std::size_t erased = text.rfind("\r\x1b[K");
  std::string line = text.substr(erased == std::string::npos ? 0 : erased + 4);
  for (std::size_t at; (at = line.find('\x1b')) != std::string::npos;) {
    line.erase(at, line.find('m', at) - at + 1);
  }
  return line;
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("a terminal shows one line with all there is to know") {
  Stage stage;
  Progress progress(200, stage.terminal(100));
  stage.now = 10;
  progress.update(50, "loss 1.85");
  const std::string line = shown(stage.text());
  for (const char* part :
       {"train", "25%", "50/200", "5.0 steps/s", "30 s left", "loss 1.85", "##"}) {
    CHECK_THAT(line, ContainsSubstring(part));
  }
  CHECK(lines(stage.text()) == 0);
}

TEST_CASE("a line never reaches the terminal's last column") {
  for (int columns = 1; columns <= 120; ++columns) {
    Stage stage;
    Progress progress(200, stage.terminal(columns));
    stage.now = 10;
    progress.update(50, "loss 1.85\n\x1b[5m");
    const std::string line = shown(stage.text());
    CAPTURE(columns, line);
    CHECK((static_cast<int>(line.size()) < columns || line == " 25%"));
    CHECK_THAT(line, ContainsSubstring("25%"));
    CHECK(lines(stage.text()) == 0);
  }
}

TEST_CASE("the line is erased when the bar goes away, and replaced by a summary when it is done") {
  Stage stage;
  {
    Progress progress(10, stage.terminal(80));
    stage.now = 1;
    progress.update(5);
    CHECK_FALSE(shown(stage.text()).empty());
  }
  CHECK(shown(stage.text()).empty());
  {
    Progress progress(10, stage.terminal(80));
    stage.now = 6;
    progress.update(10, "loss 1.5");
    progress.finish();
    progress.update(10);
  }
  CHECK(shown(stage.text()) == "train  10 steps in 5.0 s  2.0 steps/s  loss 1.5\n");
  Stage short_stage;
  Progress one(1, short_stage.terminal(80));
  one.update(1);
  one.finish();
  CHECK_THAT(shown(short_stage.text()), ContainsSubstring("1 step in"));
}

TEST_CASE("drawing is rare, however often the work reports") {
  Stage stage;
  Progress progress(100000, stage.terminal(80));
  for (int step = 0; step < 10000; ++step) {
    stage.now += 1e-4;
    progress.update(step);
  }
  const std::string text = stage.text();
  CHECK(std::count(text.begin(), text.end(), '\r') <= 17);
}

TEST_CASE("text printed meanwhile stands above the bar") {
  Stage stage;
  Progress progress(10, stage.terminal(80));
  progress.update(5);
  progress.print("val 2.0");
  CHECK_THAT(stage.text(), ContainsSubstring("\r\x1b[Kval 2.0\n"));
  CHECK_THAT(shown(stage.text()), ContainsSubstring("50%"));
}

TEST_CASE("colour obeys NO_COLOR") {
  for (const char* value : {"", "1"}) {
    Stage stage;
    ::setenv("NO_COLOR", value, 1);
    Progress progress(10, stage.terminal(80));
    progress.update(5);
    const bool colourful = stage.text().find("\x1b[32m") != std::string::npos;
    CHECK(colourful == (*value == '\0'));
  }
}

TEST_CASE("a pipe gets plain lines: at every tenth, and when it has been quiet for long") {
  Stage stage;
  {
    Progress progress(1000, stage.pipe());
    for (int step = 1; step <= 1000; ++step) {
      stage.now += 0.01;
      progress.update(step, "loss 2");
    }
  }
  CHECK(lines(stage.text()) == 10);
  CHECK(stage.text().find_first_of("\r\x1b") == std::string::npos);
  CHECK_THAT(stage.text(), ContainsSubstring("100%  1000/1000  100 steps/s  loss 2\n"));

  Stage slow;
  Progress progress(1000, slow.pipe());
  for (int step = 1; step <= 4; ++step) {
    slow.now += 10;
    progress.update(step);
  }
  CHECK(lines(slow.text()) == 2);
}

TEST_CASE("a resumed run counts only its own steps for the rate") {
  Stage stage;
  Progress::Options options = stage.terminal(100);
  options.first = 900;
  Progress progress(1000, options);
  stage.now = 10;
  progress.update(950);
  CHECK_THAT(shown(stage.text()), ContainsSubstring("5.0 steps/s  10 s left"));
}

TEST_CASE("a slow first step counts for the time it took, not for ten seconds") {
  Stage stage;
  Progress progress(1000, stage.terminal(100));
  stage.now = 0.5;
  progress.update(1);
  for (int step = 2; step <= 101; ++step) {
    stage.now += 0.01;
    progress.update(step);
  }
  const std::string line = shown(stage.text());
  INFO(line);
  const size_t end = line.find(" steps/s");
  REQUIRE(end != std::string::npos);
  CHECK(std::stod(line.substr(line.rfind(' ', end - 1))) == Approx(101 / 1.5).epsilon(0.1));
}

TEST_CASE("a stream that cannot be written stops nothing") {
  std::FILE* full = std::fopen("/dev/full", "w");
  {
    Progress progress(2, {.stream = full, .terminal = [] { return true; }});
    progress.update(1);
    progress.update(2);
    progress.finish();
  }
  std::fclose(full);
}

TEST_CASE("nonsense counts are refused") {
  CHECK_THROWS_AS(Progress(0), attune::ValueError);
  CHECK_THROWS_AS(Progress(5, {.first = 6}), attune::ValueError);
}

TEST_CASE("durations read as people say them") {
  CHECK(format_duration(0.42) == "0.42 s");
  CHECK(format_duration(3.26) == "3.3 s");
  CHECK(format_duration(59.4) == "59 s");
  CHECK(format_duration(59.6) == "1 min 00 s");
  CHECK(format_duration(185) == "3 min 05 s");
  CHECK(format_duration(3600 * 50 + 61) == "50 h 01 min");
  CHECK(format_duration(1e300 * 1e300) == "?");
}
