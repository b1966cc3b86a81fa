#include <attune/array.h>
#include <attune/train.h>

#include <algorithm>
#include <set>

#include "../catch.h"

using namespace attune;
using namespace attune::train;
using Catch::Matchers::ContainsSubstring;

namespace {

LabelledTexts from(const std::string& csv) {
  return LabelledTexts::from_csv(io::parse_csv(csv, "t.csv"));
}

}  // namespace

TEST_CASE("texts and labels of a table, whatever the order of its columns") {
  const auto data = from("id,label,text\n1,no,\"a, b\"\n2,yes,c\n3,no,\n");
  CHECK(data.texts == std::vector<std::string>{"a, b", "c", ""});
  CHECK(data.label_names == std::vector<std::string>{"no", "yes"});
  CHECK(data.labels == std::vector<int64_t>{0, 1, 0});
  const auto numbers = from("text,label\na,10\nb,2\nc,0\n");
  CHECK(numbers.label_names == std::vector<std::string>{"0", "2", "10"});
  CHECK(numbers.labels == std::vector<int64_t>{2, 1, 0});
}

TEST_CASE("a table that cannot be learned from is refused") {
  CHECK_THROWS_WITH(from("text,label\na,x\n\nb,\n"),
                    ContainsSubstring("t.csv, line 4: the label is empty"));
  CHECK_THROWS_WITH(from("text,label\na,x\nb,x\n"), ContainsSubstring("2 rows with 1 different"));
  CHECK_THROWS_WITH(from("text,class\na,x\n"), ContainsSubstring("no column is named \"label\""));
  CHECK_THROWS_AS(from("text,label\n"), ValueError);
}

TEST_CASE("a split keeps every text once, in an order of the seed") {
  LabelledTexts data{.texts = {}, .labels = {}, .label_names = {"even", "odd"}};
  for (int64_t i = 0; i < 20; ++i) {
    data.texts.push_back(std::to_string(i));
    data.labels.push_back(i % 2);
  }
  const auto [learn, test] = data.split(0.1, 3);
  CHECK(learn.texts.size() == 18);
  CHECK(test.texts.size() == 2);
  CHECK(test.label_names == data.label_names);
  std::set<std::string> seen(learn.texts.begin(), learn.texts.end());
  seen.insert(test.texts.begin(), test.texts.end());
  CHECK(seen.size() == 20);
  for (size_t i = 0; i < learn.texts.size(); ++i)
    CHECK(learn.labels[i] == std::stoll(learn.texts[i]) % 2);
  CHECK(data.split(0.1, 3).first.texts == learn.texts);
  CHECK(data.split(0.1, 4).first.texts != learn.texts);
  CHECK(data.split(0.001, 0).second.texts.size() == 1);
  for (double share : {0.0, 1.0, -1.0}) CHECK_THROWS_AS(data.split(share, 0), ValueError);
}

TEST_CASE("batches by length, longest first, hold every item once") {
  const std::vector<int64_t> lengths{3, 9, 1, 9, 5};
  CHECK(batches_by_length(lengths, 2) == std::vector<std::vector<int64_t>>{{1, 3}, {4, 0}, {2}});
  CHECK(batches_by_length({}, 2).empty());
  CHECK_THROWS_AS(batches_by_length(lengths, 0), ValueError);
}

TEST_CASE("training batches by length visit each item once an epoch, alike ones together") {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 400; ++i) lengths.push_back(i);
  LengthBatches batches(lengths, 4, 1), same(lengths, 4, 1);
  std::set<int64_t> seen;
  int64_t widest = 0;
  for (int i = 0; i < 100; ++i) {
    const auto items = batches.next();
    CHECK(same.next() == items);
    REQUIRE(items.size() == 4);
    seen.insert(items.begin(), items.end());
    const auto [low, high] = std::minmax_element(items.begin(), items.end());
    widest = std::max(widest, *high - *low);
  }
  CHECK(seen.size() == 400);
  CHECK(widest < 40);
  CHECK_THROWS_AS(LengthBatches({}, 1, 0), ValueError);
  CHECK_THROWS_AS(LengthBatches({1}, 0, 0), ValueError);
}
