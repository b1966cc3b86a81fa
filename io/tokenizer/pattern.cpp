#include "pattern.h"

#include <memory>
#include <utility>

#include "../../array/fail.h"
#include "regex_parser.h"

namespace attune::io::tokenizers {
namespace {

constexpr size_t no_match = std::string_view::npos;
using Kind = RegexNode::Kind;

// One step of a compiled expression; what follows it stands at `next`.
struct Step {
  RegexNode node;
  std::vector<size_t> branches;
  size_t next = 0;
  CharacterSet::Ascii first;  // the ASCII characters that a match from here can start with
};

class Program {
 public:
  explicit Program(std::string_view pattern) {
    Step accept;
    accept.first.set();
    steps_.push_back(std::move(accept));
    start_ = compile(parse_regex(pattern), 0);
  }

  std::optional<Span> find(std::string_view text, size_t from, size_t& left) const {
    for (size_t at = from; at <= text.size(); ++at) {
      if (at < text.size() && !may_start(steps_[start_], text[at])) continue;
      const size_t end = match(start_, text, at, left);
      if (end != no_match) return Span{at, end};
    }
    return std::nullopt;
  }

 private:
  // False for bytes inside a character too.
  static bool may_start(const Step& step, char byte) {
    const auto c = static_cast<unsigned char>(byte);
    return c < 128 ? step.first[c] : (c & 0xC0) != 0x80;
  }

  // Adds the steps of a sequence and then what stands at next; returns where it starts. Written
  // from the end, so that what follows a step is there before it.
  size_t compile(std::vector<RegexNode> nodes, size_t next) {
    for (; !nodes.empty(); nodes.pop_back()) next = compile(std::move(nodes.back()), next);
    return next;
  }

  size_t compile(RegexNode node, size_t next) {
    Step step;
    step.next = next;
    step.first = steps_[next].first;
    const bool look = node.kind == Kind::ahead || node.kind == Kind::not_ahead;
    if (node.kind == Kind::character) {
      step.first = node.set.ascii() | (node.min == 0 ? step.first : CharacterSet::Ascii{});
    } else if (!node.alternatives.empty()) {
      for (auto& alternative : node.alternatives)
        step.branches.push_back(compile(std::move(alternative), look ? 0 : next));
      if (node.min == 0) step.branches.push_back(next);
      if (!look) step.first.reset();
      for (const size_t branch : step.branches)
        if (!look) step.first |= steps_[branch].first;
    }
    node.alternatives.clear();
    step.node = std::move(node);
    steps_.push_back(std::move(step));
    return steps_.size() - 1;
  }

  // The end of the match of step `pc` and all that follow it, at a place in the text. FormatError
  // when no steps are left.
  size_t match(size_t pc, std::string_view text, size_t at, size_t& left) const {
    while (pc != 0) {
      if (left-- == 0)
        fail<FormatError>("Tokenizer", "a regular expression takes more than {} steps a byte",
                          steps_per_byte);
      const Step& step = steps_[pc];
      switch (step.node.kind) {
        case Kind::character: {
          if (step.node.repeat == Repeat::lazy) return match_lazily(step, text, at, left);
          const size_t fewest = take(step.node, step.node.min, text, at, left);
          if (fewest == no_match) return no_match;
          const size_t most = take_all(step.node, text, fewest, left);
          if (step.node.repeat == Repeat::greedy && step.next != 0 && most != fewest)
            return match_backwards(step, text, fewest, most, left);
          at = most;
          break;
        }
        case Kind::group:
          return match_branch(step, text, at, left);
        case Kind::ahead:
        case Kind::not_ahead:
          if ((match_branch(step, text, at, left) != no_match) != (step.node.kind == Kind::ahead))
            return no_match;
          break;
        case Kind::line_start:
          if (at != 0 && (text[at - 1] != '\n' || at == text.size())) return no_match;
          break;
        case Kind::line_end:
          if (at != text.size() && text[at] != '\n') return no_match;
          break;
      }
      pc = step.next;
    }
    return at;
  }

  size_t match_branch(const Step& step, std::string_view text, size_t at, size_t& left) const {
    for (const size_t branch : step.branches) {
      if (at < text.size() && !may_start(steps_[branch], text[at])) continue;
      const size_t end = match(branch, text, at, left);
      if (end != no_match) return end;
    }
    return no_match;
  }

  // Moves over `count` characters of the set.
  static size_t take(const RegexNode& node, size_t count, std::string_view text, size_t at,
                     size_t& left) {
    for (; count > 0; --count) {
      left -= left > 0;
      if (at == text.size() || !node.set.contains(unicode::next(text, at))) return no_match;
    }
    return at;
  }

  // Moves over as many as are left between min and max.
  static size_t take_all(const RegexNode& node, std::string_view text, size_t at, size_t& left) {
    for (size_t count = node.max - node.min; count > 0 && at < text.size(); --count) {
      size_t after = at;
      left -= left > 0;
      if (!node.set.contains(unicode::next(text, after))) break;
      at = after;
    }
    return at;
  }

  size_t match_backwards(const Step& step, std::string_view text, size_t fewest, size_t most,
                         size_t& left) const {
    for (size_t at = most;; at = unicode::previous(text, at)) {
      const size_t end = match(step.next, text, at, left);
      if (end != no_match || at == fewest) return end;
    }
  }

  size_t match_lazily(const Step& step, std::string_view text, size_t at, size_t& left) const {
    at = take(step.node, step.node.min, text, at, left);
    for (size_t more = step.node.max - step.node.min; at != no_match; --more) {
      const size_t end = match(step.next, text, at, left);
      if (end != no_match || more == 0) return end;
      at = take(step.node, 1, text, at, left);
    }
    return no_match;
  }

  std::vector<Step> steps_;
  size_t start_ = 0;
};

}  // namespace

Pattern literal(std::string searched) {
  return [searched = std::move(searched)](std::string_view text, size_t from,
                                          size_t&) -> std::optional<Span> {
    const size_t at = searched.empty() ? text.npos : text.find(searched, from);
    if (at == text.npos) return std::nullopt;
    return Span{at, at + searched.size()};
  };
}

Pattern regex(std::string_view pattern) {
  const auto program = std::make_shared<const Program>(pattern);
  return [program](std::string_view text, size_t from, size_t& steps) {
    return program->find(text, from, steps);
  };
}

}  // namespace attune::io::tokenizers
