#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::io {

struct CsvRow {
  std::vector<std::string> fields;
  int64_t line = 0;  // of the file, counted from 1, where the row begins
};

// Comma-separated values with a first row that names the columns. Every row has a field for each.
struct CsvTable {
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;
  std::string source;  // the file's name, for messages

  // Where the column of this name stands. FormatError, listing those there are, if there is none or
  // more than one.
  size_t column(std::string_view name) const;
};

// Reads a table as RFC 4180 describes it: fields in double quotes may hold commas, line breaks and,
// doubled, quotes. Lines end with LF, CRLF or CR; empty ones are skipped, and so is a byte order
// mark. Bytes that are no UTF-8 are left as they are. FormatError names the source and the line of
// an unfinished or misplaced quote, or of a row with more or fewer fields than columns.
CsvTable parse_csv(std::string_view text, const std::string& source = "csv");

// The same from a file. IoError if it cannot be read.
CsvTable read_csv(const std::string& path);

}  // namespace attune::io
