#include "tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "../array/fail.h"
#include "tokenizer/implementation.h"
#include "tokenizer/truncate.h"
#include "tokenizer/unicode.h"

namespace attune::io {
namespace {

// One row for each encoding: a member of it, and padding behind.
Tensor padded(const std::vector<Encoding>& encodings, std::vector<int64_t> Encoding::*member,
              int64_t length, int64_t padding) {
  Array array({static_cast<int64_t>(encodings.size()), length}, int64);
  int64_t* out = array.output<int64_t>();
  for (const Encoding& encoding : encodings) {
    const std::vector<int64_t>& row = encoding.*member;
    std::fill(std::copy(row.begin(), row.end(), out), out + length, padding);
    out += length;
  }
  return Tensor(array);
}

constexpr std::string_view replacement = tokenizers::unicode::replacement_character;

// Takes off what may be the start of a character: a replacement character, or, where each byte is a
// token, up to three.
void drop_unfinished(std::string& text) {
  for (int i = 0; i < 3 && text.ends_with(replacement); ++i)
    text.resize(text.size() - replacement.size());
}

size_t replacements(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(replacement, at)) != text.npos; at += replacement.size())
    ++count;
  return count;
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {
  if (!implementation_) fail<ValueError>("Tokenizer", "its implementation is undefined");
}

int64_t Tokenizer::size() const { return implementation_->size(); }

std::string Tokenizer::token(int64_t id) const {
  if (id < 0 || id >= size())
    fail<IndexError>("Tokenizer", "token {} is outside the vocabulary of {}", id, size());
  return std::string(implementation_->token(id));
}

std::optional<int64_t> Tokenizer::id(std::string_view token) const {
  return implementation_->id(token);
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return (*this)(text, options).ids;
}

Encoding Tokenizer::operator()(std::string_view text, const EncodeOptions& options) const {
  return encode_both(text, nullptr, options);
}

Encoding Tokenizer::operator()(std::string_view text, std::string_view second,
                               const EncodeOptions& options) const {
  return encode_both(text, &second, options);
}

Encoding Tokenizer::encode_both(std::string_view text, const std::string_view* second,
                                const EncodeOptions& options) const {
  const auto tokenize = [&](std::string_view one) {
    if (one.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
      fail<ValueError>("Tokenizer", "a text of {} bytes; encode at most 2 GiB at once", one.size());
    tokenizers::Tokens tokens;
    tokens.traced = options.offsets;
    implementation_->tokenize(one, tokens);
    return tokens;
  };
  tokenizers::Tokens first = tokenize(text), other;
  if (second) other = tokenize(*second);
  const auto& processor = implementation_->post_processor;
  const int64_t added = options.add_special_tokens ? processor.added(second != nullptr) : 0;
  tokenizers::truncate(first, second ? &other : nullptr, added, options);
  return processor.process(first, second ? &other : nullptr, options.add_special_tokens);
}

Batch Tokenizer::encode_batch(const std::vector<std::string>& texts,
                              const EncodeOptions& options) const {
  std::vector<Encoding> encodings;
  for (const std::string& text : texts) encodings.push_back((*this)(text, options));
  return pad(encodings, options.pad_to_multiple_of);
}

Batch Tokenizer::encode_pairs(const std::vector<std::string>& texts,
                              const std::vector<std::string>& seconds,
                              const EncodeOptions& options) const {
  if (seconds.size() != texts.size())
    fail<ValueError>("Tokenizer", "{} texts with {} second texts", texts.size(), seconds.size());
  std::vector<Encoding> encodings;
  for (size_t i = 0; i < texts.size(); ++i)
    encodings.push_back((*this)(texts[i], seconds[i], options));
  return pad(encodings, options.pad_to_multiple_of);
}

Batch Tokenizer::pad(const std::vector<Encoding>& encodings, int64_t multiple) const {
  if (multiple < 1) fail<ValueError>("Tokenizer", "pad_to_multiple_of is {}", multiple);
  Batch batch;
  int64_t longest = 0;
  for (const Encoding& encoding : encodings) {
    batch.lengths.push_back(static_cast<int64_t>(encoding.ids.size()));
    longest = std::max(longest, batch.lengths.back());
  }
  if (longest > 0) longest = ((longest - 1) / multiple + 1) * multiple;
  batch.ids = padded(encodings, &Encoding::ids, longest, pad_id());
  batch.type_ids = padded(encodings, &Encoding::type_ids, longest, 0);
  return batch;
}

std::string Tokenizer::decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  for (const int64_t id : ids) {
    std::string one = token(id);
    if (!skip_special_tokens || !is_special(id)) tokens.push_back(std::move(one));
  }
  return implementation_->decode(std::move(tokens));
}

std::optional<int64_t> Tokenizer::special_id(const std::string& role) const {
  const auto found = implementation_->special_ids.find(role);
  if (found == implementation_->special_ids.end()) return std::nullopt;
  return found->second;
}

bool Tokenizer::is_special(int64_t id) const { return implementation_->is_special(id); }

int64_t Tokenizer::pad_id() const { return special_id("pad_token").value_or(0); }

void Tokenizer::save(const std::string& folder) const { implementation_->save(folder); }

StreamDecoder::StreamDecoder(Tokenizer tokenizer, bool skip_special_tokens)
    : tokenizer_(std::move(tokenizer)), skip_special_tokens_(skip_special_tokens) {}

std::string StreamDecoder::decode(size_t count) const {
  const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count);
  return tokenizer_.decode({ids_.begin(), end}, skip_special_tokens_);
}

// Decoders look at what stands before a token (a first token has no space before it), so the ids
// settled last stay in front of the new ones. Their text has changed only where bytes turn out to
// be no UTF-8.
std::string StreamDecoder::added_text(size_t count) const {
  const std::string text = decode(count);
  const auto differs =
      std::mismatch(text.begin(), text.end(), settled_text_.begin(), settled_text_.end());
  auto begin = static_cast<size_t>(differs.first - text.begin());
  while (begin > 0 && begin < text.size() && (text[begin] & 0xC0) == 0x80) --begin;
  return text.substr(begin);
}

std::string StreamDecoder::next(int64_t id) {
  constexpr size_t most_unsettled = 64;
  tokenizer_.token(id);  // an id that is outside leaves this as it was
  if (skip_special_tokens_ && tokenizer_.is_special(id)) return {};
  ids_.push_back(id);
  std::string text = added_text(ids_.size());
  if (!text.empty() && !text.ends_with(replacement)) return settle(ids_.size(), std::move(text));
  if (ids_.size() - settled_ <= most_unsettled) return {};
  const size_t count = whole_characters();
  return settle(count, added_text(count));
}

// How many ids end where a character does, if any of the last four do: where a token is a byte, all
// of a row are replaced if its last character is not whole.
size_t StreamDecoder::whole_characters() const {
  size_t best = ids_.size(), fewest = replacements(added_text(best));
  for (size_t count = ids_.size() - 3; count < ids_.size(); ++count)
    if (const size_t replaced = replacements(added_text(count)); replaced < fewest) {
      best = count;
      fewest = replaced;
    }
  return best;
}

std::string StreamDecoder::settle(size_t count, std::string added) {
  drop_unfinished(added);
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(settled_));
  settled_ = count - settled_;
  settled_text_ = decode(settled_);
  drop_unfinished(settled_text_);
  return added;
}

std::string StreamDecoder::finish() {
  std::string text = added_text(ids_.size());
  ids_.clear();
  settled_ = 0;
  settled_text_.clear();
  return text;
}

}  // namespace attune::io
