file(GLOB benches CONFIGURE_DEPENDS bench/*.cpp)
foreach(source IN LISTS benches)
  cmake_path(GET source STEM name)
  add_executable(bench_${name} ${source})
  target_link_libraries(bench_${name} PRIVATE attune::attune)
endforeach()
# The speeds of sgemm and of memory are limits that others are held against.
target_link_libraries(bench_limits PRIVATE PkgConfig::OpenBLAS OpenMP::OpenMP_CXX)
