#pragma once

#include <string_view>

// The parts of report.html that are the same in every report, in the order in which they go in.
namespace attune::train::page {

extern const std::string_view style;             // layout, type and colours
extern const std::string_view style_sections;    // charts, samples and attention
extern const std::string_view script_base;       // elements and number formats
extern const std::string_view script_chart;      // line charts
extern const std::string_view script_attention;  // heat maps
extern const std::string_view script_sections;   // puts the page together from its data

}  // namespace attune::train::page
