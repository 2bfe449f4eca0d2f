# Writes the header OUTPUT, which holds the files of the demo's page, those of the folder SOURCE:
#
#     cmake -DSOURCE=FOLDER -DOUTPUT=FILE -P embed.cmake

set(type_of_html "text/html; charset=utf-8")
set(type_of_css "text/css; charset=utf-8")
set(type_of_js "text/javascript; charset=utf-8")
set(type_of_svg "image/svg+xml")

file(GLOB names RELATIVE ${SOURCE} ${SOURCE}/*.html ${SOURCE}/*.css ${SOURCE}/*.js ${SOURCE}/*.svg)
set(entries "")
foreach(name IN LISTS names)
  file(READ ${SOURCE}/${name} content)
  string(REGEX REPLACE ".*\\." "" extension ${name})
  string(REGEX REPLACE "^index.html$" "" path ${name})
  string(APPEND entries
         "    {\"/${path}\", \"${type_of_${extension}}\", R\"demo(${content})demo\"},\n")
endforeach()

file(
  WRITE ${OUTPUT}
  "// Made by embed.cmake.
#pragma once

#include <string_view>

namespace demo {

struct file {
  std::string_view path;
  std::string_view type;
  std::string_view content;
};

inline constexpr file files[] = {
${entries}};

}  // namespace demo
")
