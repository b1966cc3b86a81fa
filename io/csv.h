#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace attune::io {

// Comma-separated values with a first row that names the columns. Every row has a field for each.
// Fields lie in one block of text, so that a table takes a few times its file even if it is made of
// empty fields.
class CsvTable {
 public:
  const std::string& source() const { return source_; }  // the file's name, for messages
  const std::vector<std::string>& columns() const { return columns_; }
  // Where the column of this name stands. FormatError, listing those there are, if there is none or
  // more than one.
  size_t column(std::string_view name) const;

  // Rows. They count from 0, as columns do; IndexError if there is no such one.
  size_t size() const { return lines_.size(); }
  std::string_view field(size_t row, size_t column) const;
  // Of the file, counted from 1, where the row begins.
  int64_t line(size_t row) const;

 private:
  friend class CsvParser;
  std::string listed() const;  // the columns, for messages
  void check_row(size_t row) const;
  std::string_view piece(size_t at) const;  // a field by its place among all

  std::string source_;
  std::vector<std::string> columns_;
  std::string text_;            // of all fields, row by row
  std::deque<uint32_t> ends_;   // of each field in it
  std::deque<uint32_t> lines_;  // of each row
};

// Reads a table as RFC 4180 describes it: fields in double quotes may hold commas, line breaks and,
// doubled, quotes. Lines end with LF, CRLF or CR; empty ones are skipped, and so is a byte order
// mark. Bytes that are no UTF-8 are left as they are. FormatError names the source and the line of
// an unfinished or misplaced quote, or of a row with more or fewer fields than columns, and refuses
// more than 4 GiB or 100,000 columns.
CsvTable parse_csv(std::string_view text, const std::string& source = "csv");

// The same from a file. IoError if it cannot be read.
CsvTable read_csv(const std::string& path);

}  // namespace attune::io
