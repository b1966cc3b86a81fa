#include "regex_parser.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "../../array/error.h"

namespace attune::io::tokenizers {
namespace {

constexpr size_t no_limit = std::numeric_limits<size_t>::max();
constexpr char32_t last_character = 0x10FFFF;
constexpr int deepest = 50;  // groups and brackets inside each other
constexpr size_t longest_shown = 300;
constexpr int most_parts = 500;  // matching recurses once for each

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  RegexNode parse() {
    if (constexpr size_t longest = 16'384; pattern_.size() > longest)
      refuse(fmt::format("more than {} bytes", longest));
    RegexNode whole;
    whole.kind = RegexNode::Kind::group;
    whole.alternatives = alternatives(false);
    if (!at_end()) refuse("a ')' without its '('");
    return whole;
  }

 private:
  using Kind = RegexNode::Kind;

  bool at_end() const { return at_ == pattern_.size(); }
  bool sees(std::string_view text) const { return pattern_.substr(at_, text.size()) == text; }
  bool take(std::string_view text) {
    if (!sees(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t take_character() {
    if (at_end()) refuse("it ends too early");
    return unicode::next(pattern_, at_);
  }
  [[noreturn]] void refuse(std::string_view reason) const {
    throw FormatError(fmt::format("the regular expression has {} at byte {}: {}", reason, at_,
                                  pattern_.size() <= longest_shown ? pattern_ : "a long one"));
  }

  void enter() {
    if (++depth_ > deepest) refuse("groups nested too deeply");
  }

  std::vector<std::vector<RegexNode>> alternatives(bool ignore_case) {
    std::vector<std::vector<RegexNode>> found;
    do found.push_back(sequence(ignore_case));
    while (take("|"));
    return found;
  }

  std::vector<RegexNode> sequence(bool ignore_case) {
    std::vector<RegexNode> nodes;
    while (!at_end() && !sees("|") && !sees(")")) {
      nodes.push_back(item(ignore_case));
      quantify(nodes.back());
    }
    return nodes;
  }

  RegexNode item(bool ignore_case) {
    if (++parts_ > most_parts) refuse("more parts than are supported");
    RegexNode node;
    if (take("(")) return group(ignore_case);
    if (take("^")) {
      node.kind = Kind::line_start;
    } else if (take("$")) {
      node.kind = Kind::line_end;
    } else if (take("[")) {
      node.set = bracket(ignore_case);
    } else if (take(".")) {
      node.set.add_range('\n', '\n', false);
      node.set.negate();
    } else if (sees("*") || sees("+") || sees("?")) {
      refuse("a quantifier with nothing before it");
    } else {
      const auto single = set_or_character(node.set);
      if (single) add_range(node.set, *single, *single, ignore_case);
    }
    node.set.close();
    return node;
  }

  RegexNode group(bool ignore_case) {
    RegexNode node;
    node.kind = Kind::group;
    if (take("?=")) {
      node.kind = Kind::ahead;
    } else if (take("?!")) {
      node.kind = Kind::not_ahead;
    } else if (take("?i:")) {
      ignore_case = true;
    } else if (!take("?:") && sees("?")) {
      refuse("a kind of group that is not supported");
    }
    enter();
    node.alternatives = alternatives(ignore_case);
    --depth_;
    if (!take(")")) refuse("a '(' without its ')'");
    return node;
  }

  void add_range(CharacterSet& set, char32_t first, char32_t last, bool ignore_case) {
    static const unicode::Categories cased = unicode::categories_named("Lu") |
                                             unicode::categories_named("Ll") |
                                             unicode::categories_named("Lt");
    const bool may_have_cases = first < last || (unicode::category(last) & cased) != 0;
    if (ignore_case && last >= 128 && may_have_cases)
      refuse("a (?i:) of letters beyond ASCII, which is not supported");
    set.add_range(first, last, ignore_case);
  }

  // What stands between brackets; the opening one is taken.
  CharacterSet bracket(bool ignore_case) {
    enter();
    CharacterSet set;
    if (take("^")) set.negate();
    for (bool first = true; !sees("]") || first; first = false) {
      if (sees("&&") || sees("[:")) refuse("a kind of class that is not supported");
      if (take("[")) {
        set.add(bracket(ignore_case));
        continue;
      }
      const auto low = set_or_character(set);
      if (!low) continue;
      char32_t high = *low;
      if (sees("-") && !sees("-]")) {
        take("-");
        CharacterSet unused;
        const auto end = set_or_character(unused);
        if (!end || *end < *low) refuse("a range of characters that is none");
        high = *end;
      }
      add_range(set, *low, high, ignore_case);
    }
    take("]");
    --depth_;
    return set;
  }

  // A character, maybe escaped; or a class such as \s, which is added to the set.
  std::optional<char32_t> set_or_character(CharacterSet& set) {
    const char32_t c = take_character();
    if (c != '\\') return c;
    const char32_t escaped = take_character();
    switch (escaped) {
      case 'n':
        return U'\n';
      case 'r':
        return U'\r';
      case 't':
        return U'\t';
      case 'f':
        return U'\f';
      case 'v':
        return U'\v';
      case 'x':
        return take("{") ? hexadecimal(1, 6, true) : hexadecimal(1, 2, false);
      case 'u':
        return hexadecimal(4, 4, false);
      case 'p':
      case 'P':
        add_property(set, escaped == 'P');
        return std::nullopt;
      default:
        break;
    }
    if (escaped < 128 && set.add_escape(static_cast<char>(escaped))) return std::nullopt;
    if ((escaped >= '0' && escaped <= '9') || (escaped | 32) - 'a' < 26)
      refuse("an escape that is not supported");
    return escaped;
  }

  char32_t hexadecimal(size_t fewest, size_t most, bool in_braces) {
    char32_t value = 0;
    size_t digits = 0;
    for (; digits < most && !at_end(); ++digits, ++at_) {
      const char c = pattern_[at_], lower = static_cast<char>(c | 32);
      if (c >= '0' && c <= '9')
        value = value * 16 + static_cast<char32_t>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        value = value * 16 + static_cast<char32_t>(lower - 'a' + 10);
      else
        break;
    }
    if (digits < fewest || value > last_character || (in_braces && !take("}")))
      refuse("a character code that is none");
    return value;
  }

  void add_property(CharacterSet& set, bool negated) {
    if (!take("{")) refuse("a \\p without braces");
    const bool outside = take("^") != negated;
    const size_t end = pattern_.find('}', at_);
    const std::string_view name = pattern_.substr(at_, end == pattern_.npos ? 0 : end - at_);
    const unicode::Categories categories = unicode::categories_named(name);
    if (categories == 0) refuse("a property that is not supported");
    at_ = end + 1;
    CharacterSet property;
    property.add_categories(categories);
    if (outside) property.negate();
    set.add(std::move(property));
  }

  void quantify(RegexNode& node) {
    if (take("?")) {
      node.min = 0;
    } else if (take("*")) {
      node.min = 0;
      node.max = no_limit;
    } else if (take("+")) {
      node.max = no_limit;
    } else if (take("{")) {
      count(node);
      if (sees("+")) refuse("a quantifier of a quantifier");
      if (sees("?") && node.min == node.max) refuse("a lazy quantifier of one count");
    } else {
      return;
    }
    if (take("?"))
      node.repeat = Repeat::lazy;
    else if (take("+"))
      node.repeat = Repeat::possessive;
    if (sees("{")) refuse("a quantifier of a quantifier");
    if (node.kind == Kind::character) return;
    if (node.kind != Kind::group || node.max > 1 || node.repeat != Repeat::greedy)
      refuse("a repeated group, which is not supported");
  }

  void count(RegexNode& node) {
    node.min = sees(",") ? 0 : natural();
    node.max = !take(",") ? node.min : sees("}") ? no_limit : natural();
    if (!take("}") || node.max < node.min) refuse("a quantifier that is none");
  }

  size_t natural() {
    constexpr size_t largest = 100'000;
    size_t value = 0;
    const size_t begin = at_;
    for (; !at_end() && pattern_[at_] >= '0' && pattern_[at_] <= '9' && value <= largest; ++at_)
      value = value * 10 + static_cast<size_t>(pattern_[at_] - '0');
    if (at_ == begin || value > largest) refuse("a quantifier that is none");
    return value;
  }

  std::string_view pattern_;
  size_t at_ = 0;
  int depth_ = 0, parts_ = 0;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace attune::io::tokenizers
