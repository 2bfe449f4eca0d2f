#include "table/report.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

report::report(const bench::effort& effort, std::string_view only, std::string_view kernels,
               std::FILE* csv)
    : effort_{effort}, only_{only}, kernels_{kernels}, csv_{csv} {
  if (csv_ != nullptr) std::fputs("plot,x,name,unit,median_ns,least_ns\n", csv_);
}

// The question, with what is special about it behind it.
std::string report::in_full(std::string_view question, double mark) const {
  std::string text{question};
  if (!kernels_.empty()) text += ", with hawser's " + kernels_;
  if (mark != 0) {
    std::array<char, 32> shown;
    std::snprintf(shown.data(), shown.size(), " [mark %.2f]", mark);
    text += shown.data();
  }
  return text;
}

bool report::wants(std::string_view question) const noexcept {
  return question.find(only_) != std::string_view::npos;
}

void report::line(std::string_view question, double mark, std::string_view ours,
                  std::string_view theirs, double ratio) {
  std::printf("%s\t%.*s\t%.*s\t%.2f\n", in_full(question, mark).c_str(),
              static_cast<int>(ours.size()), ours.data(), static_cast<int>(theirs.size()),
              theirs.data(), ratio);
  std::fflush(stdout);
}

void report::missing(std::string_view question, double mark, std::string_view ours,
                     std::string_view name, std::string_view why) {
  std::printf("%s\t%.*s\t%.*s not built: %.*s\t-\n", in_full(question, mark).c_str(),
              static_cast<int>(ours.size()), ours.data(), static_cast<int>(name.size()),
              name.data(), static_cast<int>(why.size()), why.data());
}

void report::figure(std::string_view plot, double x, std::string_view name, scale as,
                    const bench::figure& value) {
  if (csv_ == nullptr || plot.empty()) return;
  std::fprintf(csv_, "\"%.*s\",%.0f,\"%.*s\",%s,%.6g,%.6g\n", static_cast<int>(plot.size()),
               plot.data(), x, static_cast<int>(name.size()), name.data(),
               as == scale::speed ? "byte" : "message", value.median, value.least);
}

std::string in_words(double nanoseconds, scale as) {
  std::array<char, 32> shown;
  if (as == scale::speed) {
    std::snprintf(shown.data(), shown.size(), "%.3g GB/s", 1 / nanoseconds);
  } else if (nanoseconds >= 10'000) {
    std::snprintf(shown.data(), shown.size(), "%.1f us", nanoseconds / 1000);
  } else {
    std::snprintf(shown.data(), shown.size(), nanoseconds < 100 ? "%.2f ns" : "%.0f ns",
                  nanoseconds);
  }
  return shown.data();
}

question::question(bench::report& report, std::string text, scale as, std::string plot, double x)
    : report_{report}, text_{std::move(text)}, as_{as}, plot_{std::move(plot)}, x_{x} {}

void question::add(contender who, double mark) {
  contenders_.push_back(std::move(who));
  marks_.push_back(mark);
}

void question::add_missing(std::string name, std::string why, double mark) {
  absent_.push_back({std::move(name), std::move(why), mark});
}

figure question::run() {
  if (!report_.wants(text_)) return {};
  const std::vector<figure> figures = measure(contenders_, report_.effort());
  const std::string ours = in_words(figures[0].median, as_);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    report_.figure(plot_, x_, contenders_[i].name, as_, figures[i]);
    if (i == 0) continue;
    report_.line(text_, marks_[i], ours,
                 contenders_[i].name + ' ' + in_words(figures[i].median, as_),
                 figures[i].median / figures[0].median);
  }
  for (const absent& each : absent_) {
    report_.missing(text_, each.mark, ours, each.name, each.why);
  }
  return figures[0];
}

}  // namespace bench
