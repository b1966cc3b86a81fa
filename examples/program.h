// What the examples share as programs: a command line on which every error is one clear line.

#pragma once

#include <attune/attune.h>
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Accepts finite numbers in [low, high].
inline CLI::Validator between(double low, double high) {
  const std::string range =
      std::isinf(high) ? fmt::format("at least {}", low) : fmt::format("from {} to {}", low, high);
  const auto check = [low, high, range](std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool good = end != text.c_str() && std::isfinite(value) && value >= low && value <= high;
    return good ? std::string() : fmt::format("is {}; it must be {}", text, range);
  };
  return CLI::Validator(check, "(" + range + ")");
}

inline CLI::Validator at_least(double low) {
  return between(low, std::numeric_limits<double>::infinity());
}

// Accepts whole numbers that a T holds. CLI11 reads 010 as 8, and 10^20 as the largest there is.
template <class T>
CLI::Validator whole_number() {
  const auto check = [](std::string& text) {
    const char* last = text.data() + text.size();
    T value = 0;
    const auto [stop, error] = std::from_chars(text.data(), last, value);
    if (error == std::errc() && stop == last && fmt::format("{}", value) == text)
      return std::string();
    return fmt::format("is {}; it must be a whole number, at most {}", text,
                       std::numeric_limits<T>::max());
  };
  return CLI::Validator(check, "");
}

// An option that shows its default and accepts what `valid` does.
template <class T>
CLI::Option* add_option(CLI::App& app, const char* name, T& value, const char* what,
                        CLI::Validator valid = CLI::Validator("")) {
  CLI::Option* option = app.add_option(name, value, what)->check(std::move(valid));
  if constexpr (std::is_integral_v<T>) option->check(whole_number<T>());
  if constexpr (std::is_same_v<T, std::vector<int64_t>>) option->check(whole_number<int64_t>());
  return option->capture_default_str();
}

// --profile of the programs that train.
inline void add_profile_flag(CLI::App& app, bool& value) {
  app.add_flag("--profile", value,
               "shows where the time of five steps goes; writes profile.txt and trace.json too");
}

inline void add_bf16_flag(CLI::App& app, const char* what) {
  app.add_flag_callback(
      "--bf16", [] { attune::set_float32_matmul_precision(attune::MatmulPrecision::medium); },
      what);
}

// --bf16 of the programs that train.
inline void add_bf16_flag(CLI::App& app) {
  add_bf16_flag(app,
                "multiplies matrices in bfloat16, with float32 sums and weights: half the time "
                "where the processor has AVX512-BF16");
}

// --bf16 of the programs that write.
inline void add_bf16_writing_flag(CLI::App& app) {
  add_bf16_flag(app,
                "reads weights rounded to bfloat16, kept beside the others at half their memory: "
                "faster where the processor has AVX512-BF16. A small trained GPT kept its "
                "perplexity, and found another token likeliest in 2 of 1,000 places");
}

// Thrown when a signal asked a program to stop, and all is saved.
struct Stopped : std::runtime_error {
  Stopped(int64_t step, int number)
      : std::runtime_error(fmt::format("stopped after step {}; --resume goes on from there", step)),
        signal(number) {}
  int signal;
};

// Name and value of every option that this command line gives or that has a default, without those
// that only go with one that is not given.
inline std::vector<std::pair<std::string, std::string>> settings_of(const CLI::App& app) {
  const auto applies = [](const CLI::Option* option) {
    const auto& needs = option->get_needs();
    return std::all_of(needs.begin(), needs.end(),
                       [](const CLI::Option* needed) { return needed->count() > 0; });
  };
  std::vector<std::pair<std::string, std::string>> settings;
  for (const CLI::Option* option : app.get_options()) {
    const std::string given = fmt::format("{}", fmt::join(option->reduced_results(), ", "));
    std::string value = option->count() > 0 ? given : option->get_default_str();
    if (const bool is_flag = option->get_expected_max() == 0; is_flag)
      value = option->count() > 0 && option->as<bool>() ? "true" : "";
    const std::string name = option->get_single_name();
    if (!value.empty() && applies(option) && name != "help") settings.emplace_back(name, value);
  }
  return settings;
}

// The settings as lines of a report.
inline void add_settings(attune::train::Report& report, const CLI::App& app) {
  for (const auto& [name, value] : settings_of(app))
    if (name != "out" && name != "profile" && name != "resume")
      report.config(name, value == "true" ? "yes" : value);
}

// CLI11 reads [a,b] as two values, and takes the next argument for that of --text=. A zero byte
// behind such an argument, which none has by itself, keeps it whole until read_values() has it.
constexpr char mark = '\0';

inline std::vector<std::string> marked_arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    const size_t equals = argument.starts_with("--") ? argument.find('=') : argument.npos;
    const std::string value = equals == argument.npos ? argument : argument.substr(equals + 1);
    if (value.ends_with(']') || (equals != argument.npos && (value.empty() || value[0] == '-')))
      argument += mark;
  }
  return arguments;
}

// Of an option given twice, the last counts; --text and the like take several values anyway. What
// follows an option may be no other option.
inline void read_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() == 1) option->take_last();
    option->transform(CLI::Validator(
        [&app](std::string& value) {
          if (value.ends_with(mark)) {
            value.pop_back();
          } else if (value.starts_with('-') &&
                     app.get_option_no_throw(value.substr(0, value.find('=')))) {
            return fmt::format("needs a value before {}", value);
          }
          return std::string();
        },
        ""));
  }
}

// What is wrong if what was printed has not all been written, else empty: answers that are lost are
// a failure.
inline std::string problem_of_output() {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return {};
  return fmt::format("the output cannot be written: {}", std::strerror(errno));
}

// Prints the one line of an error. That it cannot be printed changes nothing.
inline void complain(const CLI::App& app, std::string_view what) {
  constexpr size_t most = 65'536;
  std::fputs(fmt::format("{}: {}\n", app.get_name(), attune::one_line(what, most)).c_str(), stderr);
}

// What a program may find closed would be the number of the next file that it opens, and what it
// prints would go there. A file larger than it may be is an error like any other.
inline void prepare_process() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) != descriptor)
      throw attune::IoError("/dev/null cannot be opened");
  std::signal(SIGXFSZ, SIG_IGN);
}

// Prints --help.
inline int print_help(const CLI::App& app, const CLI::ParseError& request) {
  app.exit(request);
  const std::string problem = problem_of_output();
  if (!problem.empty()) complain(app, problem);
  return problem.empty() ? 0 : 1;
}

// Parses the command line and runs the program; returns its exit status. The application's name
// stands before each error.
inline int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& run) {
  read_values(app);
  for (CLI::App* command : app.get_subcommands({})) read_values(*command);
  try {
    prepare_process();
    auto arguments = marked_arguments(argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(std::move(arguments));
    run();
    if (const std::string problem = problem_of_output(); !problem.empty())
      throw attune::IoError(problem);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return print_help(app, error);
    complain(app, fmt::format("{}; see --help", error.what()));
    return 2;
  } catch (const Stopped& stopped) {
    complain(app, stopped.what());
    return 128 + stopped.signal;
  } catch (const std::bad_alloc&) {
    complain(app, "out of memory; a smaller model or batch may fit");
  } catch (const std::exception& error) {
    complain(app, error.what());
  }
  return 1;
}
