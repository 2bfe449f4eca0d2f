# Builds and runs the consumer in one of three ways, in a new folder WORK:
#
#   -DWAY=find_package|add_subdirectory|pkg_config -DROOT=<source> -DBUILD=<build tree of ROOT>
#   -DWORK=<folder> -DVERSION=<x.y.z> -DCOMPILER=<c++> -DGENERATOR=<of CMake>

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Runs a command that must print the version, and nothing else.
function(run_for_version)
  execute_process(
    COMMAND ${ARGN}
    OUTPUT_VARIABLE printed
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed STREQUAL VERSION)
    message(FATAL_ERROR "it prints '${printed}', not ${VERSION}")
  endif()
endfunction()

set(consumer ${ROOT}/tests/consumer)
set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

if(NOT WAY STREQUAL "add_subdirectory")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
endif()

if(WAY STREQUAL "pkg_config")
  find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
  set(ENV{PKG_CONFIG_PATH} ${prefix}/share/pkgconfig)
  run_for_version(${pkg_config} --modversion hawser)
  execute_process(
    COMMAND ${pkg_config} --cflags hawser
    OUTPUT_VARIABLE flags
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(${COMPILER} -std=c++20 ${flags} ${consumer}/main.cpp -o ${WORK}/consumer)
  run_for_version(${WORK}/consumer)
  return()
endif()

if(WAY STREQUAL "find_package")
  set(options -DCMAKE_PREFIX_PATH=${prefix} -DHAWSER_EXPECTED_VERSION=${VERSION})
else()
  set(options -DHAWSER_SUBDIRECTORY=${ROOT})
endif()
run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${consumer} -B ${WORK}/build
    -DCMAKE_CXX_COMPILER=${COMPILER} ${options})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run_for_version(${WORK}/build/consumer)

# Who adds us as a subdirectory gets the library, not our tests and programs.
if(WAY STREQUAL "add_subdirectory" AND (EXISTS ${WORK}/build/hawser/tests OR
                                        EXISTS ${WORK}/build/hawser/examples))
  message(FATAL_ERROR "our tests and examples became part of somebody else's project")
endif()
