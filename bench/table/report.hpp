#pragma once

#include "support/measure.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What a figure says: each is measured in nanoseconds for a unit.
enum class scale {
  time,   ///< ns, of messages.
  speed,  ///< GB/s, where the unit is a byte.
};

/// Writes the table to the standard output, and every figure to a file of comma-separated values
/// for those who want one.
class report {
 public:
  /// `kernels` are named where they are not those that hawser would choose.
  report(const bench::effort& effort, std::string_view only, std::string_view kernels,
         std::FILE* csv);

  const bench::effort& effort() const noexcept { return effort_; }
  /// True where nobody wants this question alone, or a part of it.
  bool wants(std::string_view question) const noexcept;

  /// A line of the table. A mark of 0 is none; else the ratio should not be lower.
  void line(std::string_view question, double mark, std::string_view ours, std::string_view theirs,
            double ratio);
  /// A line for a peer that is not there.
  void missing(std::string_view question, double mark, std::string_view ours, std::string_view name,
               std::string_view why);
  /// A figure for the file: `x` is where it stands in the plot.
  void figure(std::string_view plot, double x, std::string_view name, scale as,
              const bench::figure& value);

 private:
  std::string in_full(std::string_view question, double mark) const;

  bench::effort effort_;
  std::string only_;
  std::string kernels_;
  std::FILE* csv_;
};

/// "4.42 ns", "55.1 GB/s".
std::string in_words(double nanoseconds, scale as);

/// One question: hawser and who does the same work.
class question {
 public:
  question(bench::report& report, std::string text, scale as, std::string plot, double x);

  /// Adds hawser, which comes first, and then the others, each with the mark that it is held
  /// against; 0: none.
  void add(contender who, double mark = 0);
  void add_missing(std::string name, std::string why, double mark = 0);

  /// Measures, and writes a line for each of the others. Returns hawser's figure.
  figure run();

 private:
  struct absent {
    std::string name;
    std::string why;
    double mark;
  };

  bench::report& report_;
  std::string text_;
  scale as_;
  std::string plot_;
  double x_;
  std::vector<contender> contenders_;
  std::vector<double> marks_;
  std::vector<absent> absent_;
};

}  // namespace bench
