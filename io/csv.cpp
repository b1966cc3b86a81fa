#include "csv.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "../array/fail.h"
#include "file.h"

namespace attune::io {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr size_t most_columns = 100'000;

}  // namespace

// Fills a table.
class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& source) : text_(text) {
    table_.source_ = source;
    if (text_.size() > std::numeric_limits<uint32_t>::max())
      fail<FormatError>("csv", "{} has {} bytes; at most 4 GiB can be read", source, text_.size());
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    table_.text_.reserve(text_.size());
  }

  CsvTable parse() {
    if (!read_row())
      fail<FormatError>("csv", "{} is empty; its first line names the columns", table_.source_);
    name_columns();
    while (const std::optional<int64_t> line = read_row()) {
      const size_t fields = table_.ends_.size() - table_.size() * table_.columns_.size();
      if (fields != table_.columns_.size())
        fail<FormatError>("csv", "{}, line {}: {} fields for {} columns ({})", table_.source_,
                          *line, fields, table_.columns_.size(), table_.listed());
      table_.lines_.push_back(static_cast<uint32_t>(*line));
    }
    return std::move(table_);
  }

 private:
  // The row that was read names the columns.
  void name_columns() {
    if (table_.ends_.size() > most_columns)
      fail<FormatError>("csv", "{} has {} columns; at most {} can be read", table_.source_,
                        table_.ends_.size(), most_columns);
    for (size_t i = 0; i < table_.ends_.size(); ++i) table_.columns_.emplace_back(table_.piece(i));
    table_.text_.clear();
    table_.ends_.clear();
  }

  // Reads the next row that is no empty line, and tells its line; none at the end of the text.
  std::optional<int64_t> read_row() {
    while (at_ < text_.size() && at_line_end()) end_line();
    if (at_ == text_.size()) return {};
    const int64_t line = line_;
    do {
      text_.substr(at_, 1) == "\"" ? quoted_field() : plain_field();
      table_.ends_.push_back(static_cast<uint32_t>(table_.text_.size()));
    } while (accept(','));
    if (at_ < text_.size()) end_line();
    return line;
  }

  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  bool accept(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // One line break, of one byte or two.
  void end_line() {
    if (!accept('\r') || text_.substr(at_, 1) == "\n") ++at_;
    ++line_;
  }

  void plain_field() {
    const size_t end = std::min(text_.find_first_of(",\"\r\n", at_), text_.size());
    if (text_.substr(end, 1) == "\"")
      refuse(line_, "a quote inside a field without quotes; put the field in quotes and double it");
    table_.text_ += text_.substr(at_, end - at_);
    at_ = end;
  }

  void quoted_field() {
    const int64_t opened = line_;
    ++at_;
    for (;;) {
      const size_t quote = text_.find('"', at_);
      if (quote == text_.npos) refuse(opened, "a quote is opened and never closed");
      copy_lines(text_.substr(at_, quote - at_));
      at_ = quote + 1;
      if (!accept('"')) break;
      table_.text_ += '"';
    }
    if (at_ < text_.size() && text_[at_] != ',' && !at_line_end())
      refuse(line_, "text after a closing quote; a quote inside a field is written twice");
  }

  void copy_lines(std::string_view piece) {
    for (size_t i = 0; i < piece.size(); ++i)
      line_ += piece[i] == '\n' || (piece[i] == '\r' && piece.substr(i + 1, 1) != "\n");
    table_.text_ += piece;
  }

  [[noreturn]] void refuse(int64_t line, const char* what) const {
    fail<FormatError>("csv", "{}, line {}: {}", table_.source_, line, what);
  }

  std::string_view text_;
  CsvTable table_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::string CsvTable::listed() const {
  return one_line(fmt::format("{}", fmt::join(columns_, ", ")));
}

size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end() || std::find(found + 1, columns_.end(), name) != columns_.end())
    fail<FormatError>("csv", "{}: {} column is named \"{}\" in the first line, which has: {}",
                      source_, found == columns_.end() ? "no" : "more than one", name, listed());
  return static_cast<size_t>(found - columns_.begin());
}

void CsvTable::check_row(size_t row) const {
  if (row >= size())
    fail<IndexError>("csv", "{}: there is no row {}, but {} from 0", source_, row, size());
}

int64_t CsvTable::line(size_t row) const {
  check_row(row);
  return lines_[row];
}

std::string_view CsvTable::field(size_t row, size_t column) const {
  check_row(row);
  if (column >= columns_.size())
    fail<IndexError>("csv", "{}: there is no column {}, but {} from 0", source_, column,
                     columns_.size());
  return piece(row * columns_.size() + column);
}

std::string_view CsvTable::piece(size_t at) const {
  const uint32_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::string_view(text_).substr(begin, ends_[at] - begin);
}

CsvTable parse_csv(std::string_view text, const std::string& source) {
  return CsvParser(text, source).parse();
}

CsvTable read_csv(const std::string& path) { return parse_csv(read_file(path), path); }

}  // namespace attune::io
