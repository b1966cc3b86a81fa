#include <attune/array.h>
#include <attune/io.h>

#include <functional>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;
using Rows = std::vector<std::vector<std::string>>;

namespace {

Rows rows_of(const io::CsvTable& table) {
  Rows rows{table.columns()};
  for (size_t row = 0; row < table.size(); ++row) {
    rows.emplace_back();
    for (size_t column = 0; column < table.columns().size(); ++column)
      rows.back().emplace_back(table.field(row, column));
  }
  return rows;
}

std::string refusal_of(const std::function<void()>& read) {
  try {
    read();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace

TEST_CASE("csv: fields, quotes and line ends of RFC 4180") {
  const std::vector<std::pair<std::string, Rows>> cases = {
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r1,2\r", {{"a", "b"}, {"1", "2"}}},
      {"\xef\xbb\xbf\"a\",b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"\n\r\na\n\n1\n\r\n\n", {{"a"}, {"1"}}},
      {"a,b\n,\n", {{"a", "b"}, {"", ""}}},
      {"a\n\"\"\n", {{"a"}, {""}}},
      {"a,b\n \"x\n", {}},
      {"a,b\n\"x, y\",\"say \"\"no\"\"\"\n", {{"a", "b"}, {"x, y", "say \"no\""}}},
      {"a,b\n\"two\nlines\",\"two\r\nmore\"\r\n", {{"a", "b"}, {"two\nlines", "two\r\nmore"}}},
      {"a,b\n\"\"\"\",\"\"", {{"a", "b"}, {"\"", ""}}},
      {"a\n  spaces  \n", {{"a"}, {"  spaces  "}}},
      {std::string("a\nx\0y\n", 6), {{"a"}, {std::string("x\0y", 3)}}},
      {"a\ncaf\xe9\n", {{"a"}, {"caf\xe9"}}},
  };
  for (const auto& [text, rows] : cases) {
    INFO(text);
    if (rows.empty()) {
      CHECK_THROWS_AS(io::parse_csv(text), FormatError);
    } else {
      CHECK(rows_of(io::parse_csv(text)) == rows);
    }
  }
}

TEST_CASE("csv: a row knows the line it begins on, and errors name theirs") {
  const io::CsvTable table = io::parse_csv("a,b\n\"x\n\ny\",1\r\n\r\nz,2\rw,3\n");
  REQUIRE(table.size() == 3);
  CHECK(table.line(0) == 2);
  CHECK(table.line(1) == 6);
  CHECK(table.line(2) == 7);

  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"", "t.csv is empty"},
      {"\xef\xbb\xbf\n\n", "t.csv is empty"},
      {"a,b\n1,2\n\n1,2,3\n", "t.csv, line 4: 3 fields for 2 columns (a, b)"},
      {"a,b\n\"x\ny\"\n", "t.csv, line 2: 1 fields for 2 columns"},
      {"a,b\nx,\"y\nz\n", "t.csv, line 2: a quote is opened and never closed"},
      {"a,b\n\"x\ny\"z,1\n", "t.csv, line 3: text after a closing quote"},
      {std::string(100'000, ','), "t.csv has 100001 columns; at most 100000 can be read"},
      {"a,b\nx,5\" wide\n", "t.csv, line 2: a quote inside a field without quotes"},
  };
  for (const auto& [content, message] : mistakes) {
    const auto& text = content;  // C++20 lets a lambda capture a binding, Clang 14 does not
    INFO(text);
    CHECK_THAT(refusal_of([&] { io::parse_csv(text, "t.csv"); }), ContainsSubstring(message));
  }
}

TEST_CASE("csv: columns by name, files by path") {
  const ScratchFolder folder;
  write_all(folder / "t.csv", "text,label,label\nx,1,2\n");
  const io::CsvTable table = io::read_csv(folder / "t.csv");
  CHECK(table.column("text") == 0);
  CHECK_THAT(refusal_of([&] { table.column("label"); }), ContainsSubstring("more than one column"));
  CHECK_THAT(refusal_of([&] { table.column("Text"); }),
             ContainsSubstring("t.csv: no column is named \"Text\" in the first line, which has: "
                               "text, label, label"));
  CHECK_THROWS_AS(io::read_csv(folder / "none.csv"), IoError);
}
