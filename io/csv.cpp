#include "csv.h"

#include <algorithm>
#include <optional>

#include "../array/fail.h"
#include "file.h"

namespace attune::io {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& source) : text_(text), source_(source) {
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  // The next row that is no empty line; none at the end of the text.
  std::optional<CsvRow> next_row() {
    while (at_ < text_.size() && at_line_end()) end_line();
    if (at_ == text_.size()) return {};
    CsvRow row{.fields = {}, .line = line_};
    do {
      row.fields.push_back(text_.substr(at_, 1) == "\"" ? quoted_field() : plain_field());
    } while (accept(','));
    if (at_ < text_.size()) end_line();
    return row;
  }

 private:
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

  std::string plain_field() {
    const size_t end = std::min(text_.find_first_of(",\"\r\n", at_), text_.size());
    if (text_.substr(end, 1) == "\"")
      refuse(line_, "a quote inside a field without quotes; put the field in quotes and double it");
    std::string field(text_.substr(at_, end - at_));
    at_ = end;
    return field;
  }

  std::string quoted_field() {
    const int64_t opened = line_;
    std::string field;
    ++at_;
    for (;;) {
      const size_t quote = text_.find('"', at_);
      if (quote == text_.npos) refuse(opened, "a quote is opened and never closed");
      copy_lines(field, text_.substr(at_, quote - at_));
      at_ = quote + 1;
      if (!accept('"')) break;
      field += '"';
    }
    if (at_ < text_.size() && text_[at_] != ',' && !at_line_end())
      refuse(line_, "text after a closing quote; a quote inside a field is written twice");
    return field;
  }

  void copy_lines(std::string& field, std::string_view piece) {
    for (size_t i = 0; i < piece.size(); ++i)
      line_ += piece[i] == '\n' || (piece[i] == '\r' && piece.substr(i + 1, 1) != "\n");
    field += piece;
  }

  [[noreturn]] void refuse(int64_t line, const char* what) const {
    fail<FormatError>("csv", "{}, line {}: {}", source_, line, what);
  }

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end() || std::find(found + 1, columns.end(), name) != columns.end())
    fail<FormatError>("csv", "{}: {} column is named \"{}\" in the first line, which has: {}",
                      source, found == columns.end() ? "no" : "more than one", name,
                      fmt::join(columns, ", "));
  return static_cast<size_t>(found - columns.begin());
}

CsvTable parse_csv(std::string_view text, const std::string& source) {
  CsvParser parser(text, source);
  CsvTable table{.columns = {}, .rows = {}, .source = source};
  std::optional<CsvRow> row = parser.next_row();
  if (!row) fail<FormatError>("csv", "{} is empty; its first line names the columns", source);
  table.columns = std::move(row->fields);
  while ((row = parser.next_row())) {
    if (row->fields.size() != table.columns.size())
      fail<FormatError>("csv", "{}, line {}: {} fields for {} columns ({})", source, row->line,
                        row->fields.size(), table.columns.size(), fmt::join(table.columns, ", "));
    table.rows.push_back(std::move(*row));
  }
  return table;
}

CsvTable read_csv(const std::string& path) { return parse_csv(read_file(path), path); }

}  // namespace attune::io
