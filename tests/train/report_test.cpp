#include <attune/train.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "../catch.h"
#include "../scratch.h"

using namespace attune::train;
using attune::IoError;
using attune::ShapeError;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

const std::string hostile = "</script><!--<script>\"'&\\ \xff\xc3 \x01\n\xe2\x80\xa8 end";

// The JSON that the page carries in its script element `id`.
json embedded(const std::string& html, const std::string& id) {
  const std::string open = "<script type=\"application/json\" id=\"" + id + "\">";
  const std::size_t begin = html.find(open) + open.size();
  return json::parse(html.substr(begin, html.find("</script", begin) - begin));
}
json data_of(const Report& report) { return embedded(report.html(), "data"); }
json sections_of(const Report& report) { return embedded(report.html(), "sections"); }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

// Levels of 1/4000 out of the page's base 64.
int decoded(const std::string& text, std::size_t i) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return static_cast<int>(digits.find(text[2 * i]) * 64 + digits.find(text[2 * i + 1]));
}

}  // namespace

TEST_CASE("a report carries what it was given") {
  Report report("A run", "What it is.");
  report.config("layers", 4);
  report.config("parameters", 809025);
  report.config("rate", 3e-4);
  report.config("tied", true);
  report.config("text", "a.txt");
  report.point({.step = 1, .train_loss = 4.0, .lr = 1e-3, .tokens_per_second = 1000});
  report.point({.step = 2, .train_loss = 3.0, .val_loss = 2.0, .tokens_per_second = 12345});
  report.tile("Accuracy", "98 %", "of the copied half");
  report.sample(2, "  some text\n");
  const json data = data_of(report);
  CHECK(data["title"] == "A run");
  CHECK(data["config"] == json::parse(R"([["layers","4"],["parameters","809,025"],["rate","0.0003"],
                                          ["tied","yes"],["text","a.txt"]])"));
  CHECK(data["run"]["step"] == json{1, 2});
  CHECK(data["run"]["train"] == json{4, 3});
  CHECK(data["run"]["val"] == json{nullptr, 2});
  CHECK(data["run"]["broken"].is_null());
  CHECK(data["samples"][0]["text"] == "  some text\n");
  CHECK(data["tiles"][0][1] == "2.000");
  CHECK(data["tiles"][2][1] == "7.39");
  CHECK(data["tiles"][3][1] == "12,345");
  CHECK(data["tiles"][4][0] == "Accuracy");
}

TEST_CASE("headlines stay short and count right") {
  const auto tiles = [](double loss) {
    Report report("A run");
    report.point({.step = 1, .train_loss = loss});
    return data_of(report)["tiles"];
  };
  CHECK(tiles(1e31)[0][1] == "1e+31");
  CHECK(tiles(1e31).size() == 1);
  CHECK(tiles(0)[1][2] == "as unsure as a fair pick among 1 token");
  CHECK(tiles(1)[1][2] == "as unsure as a fair pick among 2.72 tokens");
}

TEST_CASE("an empty report is a page too") {
  Report report("Empty");
  report.attention({"a", "b"}, {});
  CHECK_THROWS_AS(report.attention({}, {attune::train::AttentionMap{}}), attune::ShapeError);
  CHECK_THROWS_AS(report.cross_attention({"a"}, {}, {attune::train::AttentionMap{}}),
                  attune::ShapeError);
  CHECK(sections_of(report) == json::array());
  CHECK_FALSE(data_of(report).contains("run"));
}

TEST_CASE("no text can leave its place") {
  Report report(hostile, hostile);
  report.config(hostile, hostile);
  report.tile(hostile, hostile, hostile);
  report.sample(1, hostile);
  report.text(hostile, hostile);
  report.chart({.title = hostile, .series = {{.name = hostile, .x = {1}, .y = {1}}}});
  report.attention({hostile},
                   {{.weights = {1.f}, .statistics = {{hostile, 1, hostile}}, .label = hostile}},
                   hostile, hostile);
  const std::string html = report.html();
  CHECK(count(html, "<script") == 3);
  CHECK(count(html, "</script>") == 3);
  CHECK(count(html, "<!--") == 0);
  CHECK_THAT(html, ContainsSubstring("<title>&lt;/script&gt;"));
  const std::string expected =
      "</script><!--<script>\"'&\\ \xef\xbf\xbd\xef\xbf\xbd \x01\n\xe2\x80\xa8 end";
  CHECK(data_of(report)["samples"][0]["text"] == expected);
  CHECK(data_of(report)["config"][0][0] == expected);
  CHECK(sections_of(report)[0]["body"] == expected);
  CHECK(sections_of(report)[1]["series"][0]["name"] == expected);
  CHECK(sections_of(report)[2]["tokens"][0] == expected);
}

TEST_CASE("the page asks nothing of the network") {
  const std::string html = Report("Page").html();
  CHECK(count(html, "://") == count(html, "http://www.w3.org/2000/svg"));
  CHECK(count(html, "url(") == 0);
  CHECK(count(html, "src=") == 0);
  CHECK_THAT(html, ContainsSubstring("default-src 'none'"));
}

TEST_CASE("a loss that is not a number is named, and the page stays readable") {
  Report report("Diverged");
  report.point({.step = 1, .train_loss = 2.0});
  report.point({.step = 2, .train_loss = std::nan("")});
  report.point({.step = 3, .train_loss = std::numeric_limits<double>::infinity()});
  const json data = data_of(report);
  CHECK(data["run"]["broken"] == 2);
  CHECK(data["run"]["train"] == json{2, nullptr, nullptr});
  CHECK(data["tiles"][0][1] == "not a number");
}

TEST_CASE("a long run is averaged down, its last step kept") {
  Report report("Long");
  for (int step = 1; step <= 10000; ++step) {
    report.point({.step = step, .train_loss = static_cast<double>(step)});
  }
  const json run = data_of(report)["run"];
  CHECK(run["bucket"] == 3);
  CHECK(run["step"].size() == 3334);
  CHECK(run["step"][0] == 3);
  CHECK(run["train"][0] == 2);
  CHECK(run["step"].back() == 10000);
}

TEST_CASE("attention weights keep three decimals, and what is wrong with them shows") {
  Report report("Heads");
  const float nan = std::nanf("");
  report.attention({"a", "b"}, {{.layer = 1, .head = 2, .weights = {1.f, 0.f, 0.123f, nan}},
                                {.weights = {-1.f, 7.f, 0.f, 0.f}}});
  const json section = sections_of(report)[0];
  CHECK(section["maps"][0]["layer"] == 1);
  CHECK(section["maps"][0]["head"] == 2);
  const std::string first = section["maps"][0]["weights"];
  CHECK(decoded(first, 0) == 4000);
  CHECK(decoded(first, 1) == 0);
  CHECK(decoded(first, 2) == 492);
  CHECK(decoded(first, 3) == 4095);
  const std::string second = section["maps"][1]["weights"];
  CHECK(decoded(second, 0) == 0);
  CHECK(decoded(second, 1) == 4000);
}

TEST_CASE("cross-attention has a row for each query and a column for each key") {
  Report report("Alignment");
  const std::vector<std::string> queries{"1", "9"}, keys{"a", "b", "c"};
  report.cross_attention(queries, keys, {{.weights = {1, 0, 0, 0, 0.5f, 0.5f}}}, "Alignment",
                         "A note.");
  const json section = sections_of(report)[0];
  CHECK(section["kind"] == "attention");
  CHECK(section["title"] == "Alignment");
  CHECK(section["tokens"] == json(queries));
  CHECK(section["keys"] == json(keys));
  CHECK(decoded(section["maps"][0]["weights"], 0) == 4000);
  CHECK(decoded(section["maps"][0]["weights"], 5) == 2000);
  CHECK_THROWS_WITH(report.cross_attention(keys, queries, {{.weights = {1.f}}}),
                    ContainsSubstring("the tokens need 3 x 2 = 6"));
}

TEST_CASE("144 heads over 64 tokens stay below 2 MB") {
  Report report("Large");
  const std::vector<std::string> tokens(64, "t");
  std::vector<AttentionMap> maps;
  for (int i = 0; i < 144; ++i) {
    const std::vector<float> weights(64 * 64, 1.f / 64);
    maps.push_back({i / 12, i % 12, weights, {{"entropy", 6, "bits"}}, "induction"});
  }
  report.attention(tokens, maps);
  CHECK(report.html().size() < 2'000'000);
}

TEST_CASE("shapes that do not fit are refused") {
  Report report("Bad");
  CHECK_THROWS_AS(report.attention({"a", "b"}, {{.weights = {1.f}}}), ShapeError);
  CHECK_THROWS_AS(report.chart({.title = "c", .series = {{.name = "s", .x = {1, 2}, .y = {1}}}}),
                  ShapeError);
  CHECK(sections_of(report).empty());
}

TEST_CASE("a page that cannot be written is an IoError, and the old one stays") {
  const ScratchFolder folder;
  const Report report("Page");
  report.write(folder / "report.html");
  CHECK(read_all(folder / "report.html") == report.html());
  write_all(folder / "report.html", "old");
  {
    const FileSizeLimit limit(1000);
    CHECK_THROWS_AS(report.write(folder / "report.html"), IoError);
  }
  CHECK(read_all(folder / "report.html") == "old");
  CHECK(folder.files() == 1);
  CHECK_THROWS_AS(report.write(folder / "missing/report.html"), IoError);
}
