# libFuzzer targets, each one file of tests/fuzz; clang only. scripts/fuzz builds and runs them.
file(GLOB targets CONFIGURE_DEPENDS tests/fuzz/*_fuzz.cpp)
foreach(source IN LISTS targets)
  cmake_path(GET source STEM name)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE attune::attune)
  target_compile_definitions(${name} PRIVATE ATTUNE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/golden")
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()

# Readers do no arithmetic, and instrumented it takes longer to compile than all the rest.
file(GLOB kernels CONFIGURE_DEPENDS kernels/elementwise_*.cpp)
set_property(SOURCE ${kernels} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize=all)
set_property(SOURCE ${kernels} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
