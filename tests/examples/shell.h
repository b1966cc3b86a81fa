// Runs the examples as a user does.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "../scratch.h"

struct Outcome {
  int status = -1;
  std::string out, err;
};

class Shell {
 public:
  // Runs an example; the folder's path replaces every "DIR" among the arguments.
  Outcome operator()(std::string command) const {
    for (size_t at = 0; (at = command.find("DIR", at)) != std::string::npos;)
      command.replace(at, 3, folder_ / "");
    const std::string line = ATTUNE_EXAMPLES + ("/" + command) + " >" + (folder_ / "out.txt") +
                             " 2>" + (folder_ / "err.txt") + " </dev/null";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(folder_ / "out.txt"),
            read_all(folder_ / "err.txt")};
  }
  const ScratchFolder& folder() const { return folder_; }

 private:
  ScratchFolder folder_;
};

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}
