#include "report.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"
#include "../io/file.h"
#include "report/curves.h"
#include "report/page.h"
#include "report/weights.h"

namespace attune::train {
namespace {

using json = nlohmann::ordered_json;

// JSON that may stand inside a <script>: no byte sequence in it can end the element or open a
// comment, since "<" occurs only inside strings. Bytes that are not UTF-8 become U+FFFD.
std::string embeddable(const json& value) {
  const std::string text = repaired_json_text(value);
  std::string safe;
  safe.reserve(text.size());
  for (char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string escape_html(std::string_view text) {
  // Through JSON once, which replaces what is not UTF-8.
  const std::string valid = parse_json<json>(repaired_json_text(json(text)));
  std::string escaped;
  for (char c : valid) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// In groups of three from 10,000 on: years and step counts are easier without.
std::string with_separators(int64_t value) {
  const std::string digits = fmt::format("{}", value);
  if (value > -10000 && value < 10000) return digits;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') text += ',';
    text += digits[i];
  }
  return text;
}

std::string statistic_text(const Statistic& statistic) {
  if (!std::isfinite(statistic.value)) return "not a number";
  if (statistic.unit == "%") return fmt::format("{:.0f} %", statistic.value * 100);
  const std::string number = fmt::format("{:.2f}", statistic.value);
  return statistic.unit.empty() ? number : number + " " + statistic.unit;
}

json maps_json(const std::vector<AttentionMap>& maps, std::size_t queries, std::size_t keys) {
  if (queries == 0 || keys == 0)
    fail<ShapeError>("Report::attention", "{} maps of no tokens", maps.size());
  json heads = json::array();
  for (const AttentionMap& map : maps) {
    if (map.weights.size() != queries * keys) {
      fail<ShapeError>("Report::attention",
                       "layer {} head {} has {} weights, the tokens need {} x {} = {}", map.layer,
                       map.head, map.weights.size(), queries, keys, queries * keys);
    }
    json statistics = json::array();
    for (const Statistic& statistic : map.statistics) {
      statistics.push_back({statistic.name, statistic_text(statistic)});
    }
    heads.push_back({{"layer", map.layer},
                     {"head", map.head},
                     {"label", map.label},
                     {"statistics", std::move(statistics)},
                     {"weights", page::encode_weights(map.weights)}});
  }
  return heads;
}

// NaN becomes null.
json run_json(const page::Curves& curves) {
  json run{{"bucket", curves.bucket}, {"step", curves.step}, {"train", curves.train},
           {"val", curves.val},       {"lr", curves.lr},     {"speed", curves.speed}};
  run["broken"] = curves.broken ? json(*curves.broken) : json(nullptr);
  return run;
}

std::optional<double> last(const std::vector<Metrics>& points,
                           std::optional<double> Metrics::*value) {
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    if ((*point).*value) return (*point).*value;
  }
  return {};
}

std::optional<double> median(const std::vector<Metrics>& points,
                             std::optional<double> Metrics::*value) {
  std::vector<double> found;
  for (const Metrics& point : points) {
    if (point.*value && std::isfinite(*(point.*value))) found.push_back(*(point.*value));
  }
  if (found.empty()) return {};
  const auto middle = found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2);
  std::nth_element(found.begin(), middle, found.end());
  return *middle;
}

}  // namespace

Report::Report(std::string title, std::string lead)
    : title_(std::move(title)), lead_(std::move(lead)) {}

void Report::config(std::string_view key, std::string_view value) {
  config_.emplace_back(key, value);
}

void Report::config_integer(std::string_view key, int64_t value) {
  config(key, with_separators(value));
}

void Report::config_real(std::string_view key, double value) {
  config(key, fmt::format("{:.6g}", value));
}

void Report::tile(std::string_view name, std::string_view value, std::string_view meaning) {
  tiles_.push_back({std::string(name), std::string(value), std::string(meaning)});
}

void Report::point(const Metrics& metrics) { points_.push_back(metrics); }

void Report::sample(int64_t step, std::string_view text) {
  samples_.push_back({step, std::string(text)});
}

void Report::attention(const std::vector<std::string>& tokens,
                       const std::vector<AttentionMap>& maps, std::string_view title,
                       std::string_view note) {
  if (maps.empty()) return;
  json section{{"kind", "attention"}, {"title", title}, {"note", note}, {"tokens", tokens}};
  section["maps"] = maps_json(maps, tokens.size(), tokens.size());
  sections_.push_back(embeddable(section));
}

void Report::cross_attention(const std::vector<std::string>& queries,
                             const std::vector<std::string>& keys,
                             const std::vector<AttentionMap>& maps, std::string_view title,
                             std::string_view note) {
  if (maps.empty()) return;
  json section{{"kind", "attention"}, {"title", title}, {"note", note}, {"tokens", queries}};
  section["keys"] = keys;
  section["maps"] = maps_json(maps, queries.size(), keys.size());
  sections_.push_back(embeddable(section));
}

void Report::chart(const Chart& chart) {
  json section{{"kind", "chart"},
               {"title", chart.title},
               {"note", chart.note},
               {"x_label", chart.x_label},
               {"y_label", chart.y_label}};
  json& lines = section["series"] = json::array();
  for (const Series& series : chart.series) {
    if (series.x.size() != series.y.size()) {
      fail<ShapeError>("Report::chart", "series \"{}\" has {} x and {} y", series.name,
                       series.x.size(), series.y.size());
    }
    lines.push_back({{"name", series.name}, {"x", series.x}, {"y", series.y}});
  }
  sections_.push_back(embeddable(section));
}

void Report::text(std::string_view title, std::string_view body) {
  sections_.push_back(embeddable({{"kind", "text"}, {"title", title}, {"body", body}}));
}

std::vector<Report::Tile> Report::headline() const {
  std::vector<Tile> tiles;
  const auto train = last(points_, &Metrics::train_loss);
  const auto val = last(points_, &Metrics::val_loss);
  const auto number = [](double value) {
    if (!std::isfinite(value)) return std::string("not a number");
    return std::abs(value) < 1e6 ? fmt::format("{:.3f}", value) : fmt::format("{:.4g}", value);
  };
  if (val)
    tiles.push_back({"Validation loss", number(*val), "nats a " + item_ + ", on unseen text"});
  if (train)
    tiles.push_back({"Training loss", number(*train), "nats a " + item_ + ", at the last step"});
  if (const auto loss = val ? val : train;
      loss && std::isfinite(*loss) && std::isfinite(std::exp(*loss)) && item_ == "token") {
    const std::string choices = fmt::format("{:.3g}", std::exp(*loss));
    tiles.push_back(
        {"Perplexity", choices,
         "as unsure as a fair pick among " + choices + (choices == "1" ? " token" : " tokens")});
  }
  if (const auto speed = median(points_, &Metrics::tokens_per_second)) {
    tiles.push_back(
        {"Tokens a second", with_separators(std::llround(*speed)), "median over the training run"});
  }
  tiles.insert(tiles.end(), tiles_.begin(), tiles_.end());
  return tiles;
}

std::string Report::html() const {
  json data{{"title", title_}, {"lead", lead_}, {"item", item_}, {"config", json::array()}};
  for (const auto& [key, value] : config_) data["config"].push_back({key, value});
  data["tiles"] = json::array();
  for (const Tile& tile : headline())
    data["tiles"].push_back({tile.name, tile.value, tile.meaning});
  data["samples"] = json::array();
  for (const Sample& sample : samples_) {
    data["samples"].push_back({{"step", sample.step}, {"text", sample.text}});
  }
  if (!points_.empty()) data["run"] = run_json(page::curves(points_));

  std::string sections;
  for (const std::string& section : sections_) {
    if (!sections.empty()) sections += ",\n";
    sections += section;
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
      "<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main id=\"page\"></main>\n"
      "<noscript>This page draws itself with the script inside it, which this viewer does not "
      "run. It loads nothing from the network.</noscript>\n"
      "<script type=\"application/json\" id=\"data\">{}</script>\n"
      "<script type=\"application/json\" id=\"sections\">[{}]</script>\n"
      "<script>\n\"use strict\";\n{}{}{}{}</script>\n</body>\n</html>\n",
      escape_html(title_), page::style, page::style_sections, embeddable(data), sections,
      page::script_base, page::script_chart, page::script_attention, page::script_sections);
}

void Report::write(const std::string& path) const { io::write_atomically(path, html()); }

}  // namespace attune::train
