#include <attune/train.h>

#include <sys/stat.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "../catch.h"
#include "../scratch.h"

using attune::IoError;
using attune::train::RunLog;
using nlohmann::json;

namespace {

std::vector<json> lines_of(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(read_all(path));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("a log line holds what was measured, at once") {
  const ScratchFolder folder;
  RunLog log(folder / "log.jsonl");
  log.write({.step = 10, .train_loss = 2.5, .lr = 3e-4, .tokens_per_second = 12345.678});
  const auto first = lines_of(folder / "log.jsonl");
  REQUIRE(first.size() == 1);
  CHECK(first[0] ==
        json{{"step", 10}, {"train_loss", 2.5}, {"lr", 3e-4}, {"tokens_per_second", 12345.68}});
  log.write({.step = 20, .train_loss = 2.25, .val_loss = 2.375});
  CHECK(lines_of(folder / "log.jsonl").at(1) ==
        json{{"step", 20}, {"train_loss", 2.25}, {"val_loss", 2.375}});
}

TEST_CASE("what JSON has no number for is null") {
  const ScratchFolder folder;
  RunLog log(folder / "log.jsonl");
  log.write({.step = 1,
             .train_loss = std::nan(""),
             .val_loss = std::numeric_limits<double>::infinity(),
             .lr = 1e-300});
  const json line = lines_of(folder / "log.jsonl").at(0);
  CHECK(line["train_loss"].is_null());
  CHECK(line["val_loss"].is_null());
  CHECK(line["lr"] == 1e-300);
}

TEST_CASE("a new log starts empty") {
  const ScratchFolder folder;
  write_all(folder / "log.jsonl", "old\n");
  const RunLog log(folder / "log.jsonl");
  CHECK(read_all(folder / "log.jsonl").empty());
}

TEST_CASE("a log that cannot be written is an IoError") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(RunLog(folder / "missing/log.jsonl"),
                    Catch::Matchers::ContainsSubstring("missing/log.jsonl: No such file"));
  RunLog full("/dev/full");
  CHECK_THROWS_AS(full.write({.step = 1}), IoError);

  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(RunLog(folder / "pipe"), Catch::Matchers::ContainsSubstring("pipe: "));
  CHECK_THROWS_WITH(RunLog(""), Catch::Matchers::ContainsSubstring("the path is empty"));
  CHECK_THROWS_WITH(RunLog((folder / "a") + std::string("\0b", 2)),
                    Catch::Matchers::ContainsSubstring("no zero byte"));
  CHECK_THROWS_WITH(RunLog(folder / "no\nline/a"),
                    Catch::Matchers::ContainsSubstring("no line/a: No such file"));
}

TEST_CASE("a disk that fills up cuts no line in half") {
  const ScratchFolder folder;
  RunLog log(folder / "log.jsonl");
  {
    const FileSizeLimit limit(100);
    const auto fill = [&] {
      for (int step = 0; step < 10; ++step) log.write({.step = step, .train_loss = 1.5});
    };
    CHECK_THROWS_AS(fill(), IoError);
  }
  const auto before = lines_of(folder / "log.jsonl").size();
  CHECK(before > 0);
  log.write({.step = 99});
  CHECK(lines_of(folder / "log.jsonl").size() == before + 1);
}

TEST_CASE("a resumed log keeps the lines up to its step, and drops the rest and half a line") {
  const ScratchFolder folder;
  const std::string path = folder / "log.jsonl";
  const auto lines = [&](int64_t from, int64_t to, RunLog& log) {
    for (int64_t step = from; step <= to; ++step)
      log.write({.step = step, .train_loss = 0.5 * static_cast<double>(step)});
  };
  {
    RunLog log(path);
    lines(1, 4, log);
  }
  const std::string whole = read_all(path);
  write_all(path, whole + "{\"step\": 5, \"tr");
  {
    RunLog log(path, 2);
    REQUIRE(log.earlier().size() == 2);
    CHECK(log.earlier()[1].step == 2);
    CHECK(log.earlier()[1].train_loss == 1.0);
    CHECK_FALSE(log.earlier()[1].val_loss);
    lines(3, 4, log);
  }
  CHECK(read_all(path) == whole);
  CHECK(RunLog(path, 100).earlier().size() == 4);
  CHECK(RunLog(folder / "none", 3).earlier().empty());
}
