// Dates as people write them, and as ISO 8601 writes them: what translate learns from.

#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <vector>

struct DatePair {
  std::string written, iso;
};

inline constexpr int date_styles = 7;

inline std::string ordinal(unsigned day) {
  static const std::array endings{"th", "st", "nd", "rd"};
  const bool plain = day % 10 > 3 || day / 10 == 1;
  return fmt::format("{}{}", day, plain ? "th" : endings[day % 10]);
}

// The date `days` days after 1970-01-01 in one of date_styles ways.
inline DatePair write_date(int64_t days, int style) {
  static const std::array weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
  static const std::array months{"January",   "February", "March",    "April",
                                 "May",       "June",     "July",     "August",
                                 "September", "October",  "November", "December"};
  const std::chrono::sys_days point{std::chrono::days(days)};
  const std::chrono::year_month_day date(point);
  const int year = static_cast<int>(date.year());
  const auto month = static_cast<unsigned>(date.month()), day = static_cast<unsigned>(date.day());
  const std::string name = months[month - 1];
  const std::string weekday = weekdays[std::chrono::weekday(point).c_encoding()];
  const auto written = [&]() -> std::string {
    switch (style) {
      case 0:
        return fmt::format("{}, {} {} {}", weekday, day, name, year);
      case 1:
        return fmt::format("{} {}, {}", name, day, year);
      case 2:
        return fmt::format("the {} of {} {}", ordinal(day), name, year);
      case 3:
        return fmt::format("{} {} {} {}", weekday.substr(0, 3), day, name.substr(0, 3), year);
      case 4:
        return fmt::format("{} {} {}", ordinal(day), name.substr(0, 3), year);
      case 5:
        return fmt::format("{}.{}.{}", day, month, year);
      default:
        return fmt::format("{}/{}/{}", month, day, year);
    }
  };
  return {written(), fmt::format("{:04}-{:02}-{:02}", year, month, day)};
}

// Draws dates from 1800 to 2099 in all styles. Every tenth day is held out: known() never gives it.
class Dates {
 public:
  explicit Dates(uint64_t seed) : random_(seed) {
    for (int64_t day = -62091; day < 47482; ++day)
      (day % 10 == 0 ? held_out_ : known_).push_back(day);
  }
  std::vector<DatePair> known(int64_t n) { return draw(known_, n); }
  std::vector<DatePair> held_out(int64_t n) { return draw(held_out_, n); }

 private:
  std::vector<DatePair> draw(const std::vector<int64_t>& days, int64_t n) {
    std::vector<DatePair> pairs;
    for (int64_t i = 0; i < n; ++i)
      pairs.push_back(
          write_date(days[random_() % days.size()], static_cast<int>(random_() % date_styles)));
    return pairs;
  }

  std::mt19937_64 random_;
  std::vector<int64_t> known_, held_out_;
};
