#include <attune/array.h>
#include <attune/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "../catch.h"
#include "../scratch.h"

using attune::IoError;
using attune::io::write_atomically;

TEST_CASE("a file appears when all of it is written, under its own name only") {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  write_atomically(path, [&](const auto& append) {
    append("one ");
    append("two");
    CHECK_FALSE(std::filesystem::exists(path));
  });
  CHECK(read_all(path) == "one two");
  CHECK(folder.files() == 1);
}

TEST_CASE("of two threads that write one file, one wins whole") {
  const ScratchFolder folder;
  const auto write = [&](char letter) {
    for (int i = 0; i < 50; ++i) write_atomically(folder / "a", std::string(100'000, letter));
  };
  std::thread other(write, 'b');
  write('a');
  other.join();
  const std::string content = read_all(folder / "a");
  CHECK(content == std::string(100'000, content.at(0)));
  CHECK(folder.files() == 1);
}

TEST_CASE("a writer that fails leaves the old file and nothing else") {
  const ScratchFolder folder;
  write_all(folder / "a", "old");
  const auto broken = [](const auto& append) {
    append("new");
    throw std::runtime_error("stop");
  };
  CHECK_THROWS_AS(write_atomically(folder / "a", broken), std::runtime_error);
  CHECK(read_all(folder / "a") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("a full disk leaves the old file") {
  const ScratchFolder folder;
  write_all(folder / "a", "old");
  {
    const FileSizeLimit limit(1000);
    CHECK_THROWS_AS(write_atomically(folder / "a", std::string(5000, 'x')), IoError);
  }
  CHECK(read_all(folder / "a") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("what cannot be written is an IoError that says where and why") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(write_atomically(folder / "missing/a", "x"),
                    Catch::Matchers::ContainsSubstring("missing/a"));
  CHECK_THROWS_AS(write_atomically(folder / ".", "x"), IoError);
}

TEST_CASE("a pipe is no file, and is not waited for") {
  const ScratchFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(attune::io::read_file(path),
                    Catch::Matchers::ContainsSubstring("not a regular file"));
  CHECK_THROWS_AS(attune::io::load_safetensors(path), IoError);
}

TEST_CASE("a link keeps pointing at the file that is replaced") {
  const ScratchFolder folder;
  write_all(folder / "target", "old");
  std::filesystem::create_symlink("target", folder / "link");
  write_atomically(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_all(folder / "target") == "new");
}

TEST_CASE("a link to what is not there yet makes it, and a file keeps its rights") {
  const ScratchFolder folder;
  std::filesystem::create_symlink("target", folder / "middle");
  std::filesystem::create_symlink("middle", folder / "link");
  write_atomically(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(std::filesystem::is_symlink(folder / "middle"));
  CHECK(read_all(folder / "target") == "new");
  std::filesystem::create_symlink("itself", folder / "itself");
  CHECK_THROWS_AS(write_atomically(folder / "itself", "new"), IoError);
  const auto mine = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  std::filesystem::permissions(folder / "target", mine);
  write_atomically(folder / "target", "newer");
  CHECK(std::filesystem::status(folder / "target").permissions() == mine);
}

// A pipe stands for every special file: a broken write could not be tried on /dev/null.
TEST_CASE("a pipe is written to, never replaced") {
  const ScratchFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  write_atomically(path, "through");
  char text[8] = {};
  CHECK(::read(reader, text, sizeof text) == 7);
  CHECK(std::string(text) == "through");
  CHECK(std::filesystem::is_fifo(path));
  ::close(reader);
}

TEST_CASE("a pipe that nobody reads is not waited for, and one without a name is written to") {
  const ScratchFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(write_atomically(path, "x"),
                    Catch::Matchers::ContainsSubstring("a pipe that nobody reads"));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  write_atomically("/proc/self/fd/" + std::to_string(ends[1]), "through");
  char text[8] = {};
  CHECK(::read(ends[0], text, sizeof text) == 7);
  for (const int end : ends) ::close(end);
}

TEST_CASE("whether a file can be written is known without writing it") {
  const ScratchFolder folder;
  write_all(folder / "file", "old");
  attune::io::check_writable(folder / "file");
  attune::io::check_writable(folder / "new");
  attune::io::check_writable("/dev/null");
  CHECK(read_all(folder / "file") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 1);
  CHECK_THROWS_AS(attune::io::check_writable(folder / "missing/a"), IoError);
  CHECK_THROWS_AS(attune::io::check_writable(folder / "."), IoError);
}
