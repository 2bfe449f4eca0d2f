# Compiles one case of SOURCE with COMPILER: CASE is a number, or "control" for none.

set(define)
if(NOT CASE STREQUAL "control")
  set(define -DHAWSER_CASE_${CASE})
  file(STRINGS ${SOURCE} guard REGEX "^#ifdef HAWSER_CASE_${CASE} ")
  if(NOT guard MATCHES "// expect: (.+)$")
    message(FATAL_ERROR "HAWSER_CASE_${CASE} does not say what to expect")
  endif()
  set(expected "${CMAKE_MATCH_1}")
endif()

execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${COMPILER} -std=c++20 -fsyntax-only -I${INCLUDE} ${define} ${SOURCE}
  RESULT_VARIABLE status
  OUTPUT_VARIABLE messages
  ERROR_VARIABLE messages)

if(CASE STREQUAL "control")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the control must compile:\n${messages}")
  endif()
elseif(status EQUAL 0)
  message(FATAL_ERROR "it compiles, and must not")
elseif(NOT messages MATCHES "${expected}")
  message(FATAL_ERROR "it fails for another reason than '${expected}':\n${messages}")
endif()
