#include <algorithm>
#include <map>
#include <string>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../record.h"
#include "linalg.h"
#include "reduce.h"
#include "shape.h"

namespace attune {
namespace {

// Dimensions are named by letters; those behind "..." by characters from '0' on, which is the
// last dimension.
struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

[[noreturn]] void refuse(const std::string& equation, const std::string& why) {
  fail<ShapeError>("einsum", "\"{}\": {}", equation, why);
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Replaces "..." in a term by one character, never a letter, for each dimension it stands for.
std::string spell_out(const std::string& equation, const std::string& term, int64_t ellipsis) {
  const size_t at = term.find("...");
  std::string digits;
  for (int64_t i = ellipsis; i-- > 0;) digits += static_cast<char>('0' + i);
  std::string spelled =
      at == std::string::npos ? term : term.substr(0, at) + digits + term.substr(at + 3);
  for (char c : at == std::string::npos ? term : term.substr(0, at) + term.substr(at + 3))
    if (!is_letter(c)) refuse(equation, fmt::format("'{}' is not a letter", c));
  return spelled;
}

Equation parse(const std::string& text, const std::vector<Tensor>& operands) {
  const std::string equation = without_spaces(text);
  const size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  Equation parsed;
  int64_t widest = 0;
  for (size_t begin = 0;;) {
    const size_t comma = left.find(',', begin);
    const std::string term = left.substr(begin, comma - begin);
    const size_t index = parsed.inputs.size();
    if (index >= operands.size()) refuse(text, "more terms than operands");
    const bool open = term.find("...") != std::string::npos;
    const int64_t letters = static_cast<int64_t>(term.size()) - (open ? 3 : 0);
    const int64_t rest = operands[index].dim() - letters;
    if (rest < 0 || (rest > 0 && !open))
      refuse(text, fmt::format("term \"{}\" does not fit operand {} of shape {}", term, index,
                               to_string(operands[index].shape())));
    widest = std::max(widest, rest);
    parsed.inputs.push_back(spell_out(text, term, rest));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  if (parsed.inputs.size() != operands.size()) refuse(text, "fewer terms than operands");
  if (arrow != std::string::npos) {
    parsed.output = spell_out(text, equation.substr(arrow + 2), widest);
  } else {
    std::map<char, int> seen;
    for (const auto& term : parsed.inputs)
      for (char c : term) ++seen[c];
    for (int64_t i = widest; i-- > 0;) parsed.output += static_cast<char>('0' + i);
    for (auto [c, count] : seen)
      if (count == 1 && is_letter(c)) parsed.output += c;
  }
  return parsed;
}

// Repeated letters within one operand become one dimension, its diagonal.
Tensor take_diagonals(Tensor x, std::string& names, const std::string& equation) {
  for (size_t i = 0; i < names.size(); ++i) {
    size_t j;
    while ((j = names.find(names[i], i + 1)) != std::string::npos) {
      const auto first = static_cast<int64_t>(i), second = static_cast<int64_t>(j);
      if (x.size(first) != x.size(second))
        refuse(equation,
               fmt::format("'{}' is both {} and {}", names[i], x.size(first), x.size(second)));
      x = diagonal(x, 0, first, second);
      const char name = names[i];
      names.erase(j, 1);
      names.erase(i, 1);
      names += name;
      i = 0;
    }
  }
  return x;
}

// x with dimensions as in `names`, reordered and padded with size 1 to those of `all`.
Tensor align(const Tensor& x, const std::string& names, const std::string& all) {
  Shape order;
  for (char c : all)
    if (size_t at = names.find(c); at != std::string::npos)
      order.push_back(static_cast<int64_t>(at));
  Tensor aligned = permute(x, order);
  for (size_t i = 0; i < all.size(); ++i)
    if (names.find(all[i]) == std::string::npos)
      aligned = unsqueeze(aligned, static_cast<int64_t>(i));
  return aligned;
}

int64_t product(const Tensor& x, size_t begin, size_t end) {
  int64_t n = 1;
  for (size_t i = begin; i < end; ++i) n *= x.size(static_cast<int64_t>(i));
  return n;
}

// x with the dimensions that nothing else needs summed away.
Tensor sum_unneeded(const Tensor& x, std::string& names, const std::string& needed) {
  Shape dims;
  std::string kept;
  for (size_t i = 0; i < names.size(); ++i) {
    if (needed.find(names[i]) == std::string::npos) {
      dims.push_back(static_cast<int64_t>(i));
    } else {
      kept += names[i];
    }
  }
  names = kept;
  return dims.empty() ? x : sum(x, dims);
}

// The product of two operands, summed over what is in both and not needed later; one batched
// matmul.
Tensor contract(const Tensor& a, const std::string& a_names, const Tensor& b,
                const std::string& b_names, const std::string& needed, std::string& names) {
  std::string batch, left, right, inner;
  auto in = [](const std::string& set, char c) { return set.find(c) != std::string::npos; };
  for (char c : a_names) {
    if (!in(b_names, c))
      left += c;
    else if (in(needed, c))
      batch += c;
    else
      inner += c;
  }
  for (char c : b_names)
    if (!in(a_names, c)) right += c;
  Tensor x = align(a, a_names, batch + left + inner);
  Tensor y = align(b, b_names, batch + inner + right);
  // Sizes 1 broadcast against the other operand's.
  Shape x_shape = x.shape(), y_shape = y.shape();
  for (size_t i = 0; i < batch.size() + inner.size(); ++i) {
    const auto at = static_cast<int64_t>(i < batch.size() ? i : i + left.size());
    const auto bt = static_cast<int64_t>(i);
    const int64_t size = x_shape[at] == 1 ? y_shape[bt] : x_shape[at];
    x_shape[at] = y_shape[bt] = size;
  }
  x = expand(x, x_shape);
  y = expand(y, y_shape);
  Shape shape;
  names = batch + left + right;
  for (size_t i = 0; i < batch.size() + left.size(); ++i)
    shape.push_back(x.size(static_cast<int64_t>(i)));
  for (size_t i = batch.size() + inner.size(); i < b_names.size(); ++i)
    shape.push_back(y.size(static_cast<int64_t>(i)));
  const size_t b0 = batch.size();
  const int64_t n = product(x, 0, b0), k = product(y, b0, b0 + inner.size());
  const Tensor flat_x = reshape(x, {n, product(x, b0, b0 + left.size()), k});
  const Tensor flat_y =
      reshape(y, {n, k, product(y, b0 + inner.size(), b0 + inner.size() + right.size())});
  return reshape(bmm(flat_x, flat_y), shape);
}

void check_sizes(const std::string& equation, const std::vector<std::string>& terms,
                 const std::vector<Tensor>& operands) {
  std::map<char, int64_t> sizes;
  for (size_t i = 0; i < terms.size(); ++i)
    for (size_t d = 0; d < terms[i].size(); ++d) {
      const int64_t size = operands[i].size(static_cast<int64_t>(d));
      int64_t& known = sizes.try_emplace(terms[i][d], size).first->second;
      if (known == 1) known = size;
      if (size != known && size != 1)
        refuse(equation, fmt::format("'{}' is both {} and {}", terms[i][d], known, size));
    }
}

}  // namespace

Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  const OperationScope scope("einsum");
  if (operands.empty()) refuse(equation, "no operands");
  Equation parsed = parse(equation, operands);
  check_sizes(equation, parsed.inputs, operands);
  for (char c : parsed.output) {
    bool known = false;
    for (const auto& term : parsed.inputs) known |= term.find(c) != std::string::npos;
    if (!known || std::count(parsed.output.begin(), parsed.output.end(), c) > 1)
      refuse(equation, fmt::format("'{}' of the result must occur once, and in an operand", c));
  }
  std::string names = parsed.inputs[0];
  Tensor result = take_diagonals(operands[0], names, equation);
  auto needed_from = [&](size_t i) {
    std::string needed = parsed.output;
    for (; i < operands.size(); ++i) needed += parsed.inputs[i];
    return needed;
  };
  result = sum_unneeded(result, names, needed_from(1));
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string next_names = parsed.inputs[i];
    Tensor next = take_diagonals(operands[i], next_names, equation);
    next = sum_unneeded(next, next_names, needed_from(i + 1) + names);
    std::string joined;
    result = contract(result, names, next, next_names, needed_from(i + 1), joined);
    names = joined;
  }
  Shape order;
  for (char c : parsed.output) order.push_back(static_cast<int64_t>(names.find(c)));
  return permute(result, order);
}

}  // namespace attune
