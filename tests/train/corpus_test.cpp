#include <attune/io.h>
#include <attune/train.h>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;
using namespace attune::train;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a corpus keeps the last tenth of its text for testing") {
  const CharCorpus corpus("abcdefghijklmnopqrsü");
  CHECK(corpus.tokenizer.decode(corpus.training) == "abcdefghijklmnopqr");
  CHECK(corpus.tokenizer.decode(corpus.held_out) == "sü");
  CHECK(CharCorpus("01234567890").held_out.size() == 2);
}

TEST_CASE("a text too short for a corpus is refused") {
  CHECK_THROWS_WITH(CharCorpus("0123456789"), ContainsSubstring("10 tokens; it takes 11"));
  CHECK_THROWS_AS(CharCorpus(""), ValueError);
}

TEST_CASE("a corpus of several files") {
  const ScratchFolder folder;
  write_all(folder / "a", "first file\n");
  write_all(folder / "b", "second");
  const CharCorpus corpus = CharCorpus::from_files({folder / "a", folder / "b"});
  CHECK(corpus.tokenizer.decode(corpus.training) == "first file\nseco");
  CHECK_THROWS_AS(CharCorpus::from_files({folder / "a", folder / "missing"}), IoError);
  write_all(folder / "latin1", "a caf\xE9 and more");
  CHECK_THROWS_WITH(CharCorpus::from_files({folder / "latin1"}), ContainsSubstring("not UTF-8"));
  const io::Tokenizer letters = corpus.tokenizer;
  CHECK_THROWS_AS(TokenCorpus::from_files({folder / "latin1"}, letters, {}), FormatError);
}

TEST_CASE("a corpus of any tokenizer's tokens parts its files") {
  const ScratchFolder folder;
  write_all(folder / "a", "abcab");
  write_all(folder / "b", "cabcab");
  const auto letters = io::CharTokenizer::from_text("abc");
  const std::vector<std::string> files{folder / "a", folder / "b", folder / "a"};
  const auto parted = TokenCorpus::from_files(files, letters, 7);
  CHECK(parted.training.size() == 16);
  CHECK(parted.training[5] == 7);
  CHECK(parted.training[12] == 7);
  CHECK(parted.held_out == std::vector<int64_t>{0, 1});
  CHECK(TokenCorpus::from_files(files, letters, {}).training[5] == 2);
}

TEST_CASE("the opening is the first whole paragraph of the held-out part") {
  const std::string training(900, 'x');
  const auto text_of = [&](const std::string& held_out, int64_t length) {
    const CharCorpus corpus(training + held_out);
    REQUIRE(corpus.held_out.size() == held_out.size());
    return corpus.tokenizer.decode(opening(corpus, length));
  };
  const std::string rest(100 - 24, '.');
  CHECK(text_of("the end.\n\n\nA new begin. " + rest, 6) == "A new ");
  CHECK(text_of("the end.\n\n\nA new begin. " + rest, 1000) == "A new begin. " + rest);
  CHECK(text_of(std::string(98, 'y') + "\n\n", 5) == "yyyyy");
  CHECK(text_of(std::string(100, 'z'), 5) == "zzzzz");
}
