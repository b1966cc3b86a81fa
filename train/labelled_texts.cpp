#include "labelled_texts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "../array/fail.h"
#include "../autograd/tensor.h"
#include "../io/tokenizer/unicode.h"
#include "../kernels/random.h"

namespace attune::train {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "2" before "10" where all are numbers.
void sort_labels(std::vector<std::string>& names) {
  const bool numbers = std::all_of(names.begin(), names.end(), is_number);
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return numbers && a.size() != b.size() ? a.size() < b.size() : a < b;
  });
}

}  // namespace

LabelledTexts LabelledTexts::from_csv(const io::CsvTable& table, const std::string& text_column,
                                      const std::string& label_column) {
  const size_t text = table.column(text_column), label = table.column(label_column);
  std::set<std::string> names;
  for (size_t row = 0; row < table.size(); ++row) {
    if (table.field(row, label).empty())
      fail<FormatError>("csv", "{}, line {}: the {} is empty", table.source(), table.line(row),
                        label_column);
    for (const size_t column : {text, label})
      if (!io::tokenizers::unicode::is_valid(table.field(row, column)))
        fail<FormatError>("csv",
                          "{}, line {}: the {} is not UTF-8; convert it (iconv -f latin1 -t utf-8)",
                          table.source(), table.line(row), table.columns()[column]);
    names.emplace(table.field(row, label));
  }
  if (names.size() < 2)
    fail<ValueError>("LabelledTexts", "{} has {} rows with {} different labels; it takes two",
                     table.source(), table.size(), names.size());
  LabelledTexts data;
  data.label_names.assign(names.begin(), names.end());
  sort_labels(data.label_names);
  data.texts.reserve(table.size());
  data.labels.reserve(table.size());
  std::map<std::string_view, int64_t> numbers;
  for (const std::string& name : data.label_names) numbers.emplace(name, std::ssize(numbers));
  for (size_t row = 0; row < table.size(); ++row) {
    data.texts.emplace_back(table.field(row, text));
    data.labels.push_back(numbers.at(table.field(row, label)));
  }
  return data;
}

std::pair<LabelledTexts, LabelledTexts> LabelledTexts::split(double share, uint64_t seed) const {
  const auto all = std::ssize(texts);
  if (!(share > 0 && share < 1) || all < 2)
    fail<ValueError>("LabelledTexts", "{} texts do not split with {} of them held out", all, share);
  const auto held = std::clamp<int64_t>(std::llround(share * static_cast<double>(all)), 1, all - 1);
  LabelledTexts learn{.texts = {}, .labels = {}, .label_names = label_names}, test = learn;
  const auto order = Tensor(random_permutation(all, {seed, 0})).to_vector<int64_t>();
  for (int64_t place = 0; place < all; ++place) {
    LabelledTexts& part = place < held ? test : learn;
    const auto row = static_cast<size_t>(order[static_cast<size_t>(place)]);
    part.texts.push_back(texts[row]);
    part.labels.push_back(labels[row]);
  }
  return {std::move(learn), std::move(test)};
}

}  // namespace attune::train
