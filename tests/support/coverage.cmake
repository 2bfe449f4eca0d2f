# Runs the Catch2 tests of BUILD and prints how much of each header of ROOT they reach. PROFDATA and
# COV are LLVM's tools, of the compiler's version; PROGRAMS are the tests' programs.

set(profiles ${BUILD}/profiles)
file(REMOVE_RECURSE ${profiles})
set(ENV{LLVM_PROFILE_FILE} ${profiles}/%2m.profraw)
execute_process(
  COMMAND ${CMAKE_CTEST_COMMAND} -R "^(unit|conformance|security)\\." --output-on-failure --parallel 2
  WORKING_DIRECTORY ${BUILD}
  RESULT_VARIABLE tests_failed)

file(GLOB raw ${profiles}/*.profraw)
list(JOIN raw "\n" raw)
file(WRITE ${profiles}/list "${raw}\n")
execute_process(COMMAND ${PROFDATA} merge --sparse --input-files=${profiles}/list
                        --output=${profiles}/merged COMMAND_ERROR_IS_FATAL ANY)

list(POP_FRONT PROGRAMS first)
list(TRANSFORM PROGRAMS PREPEND --object=)
execute_process(COMMAND ${COV} report --instr-profile=${profiles}/merged ${first} ${PROGRAMS}
                        ${ROOT}/include COMMAND_ERROR_IS_FATAL ANY)

if(tests_failed)
  message(FATAL_ERROR "tests failed")
endif()
