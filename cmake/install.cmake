include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/attune)

install(TARGETS attune EXPORT attune-targets)
install(EXPORT attune-targets NAMESPACE attune:: DESTINATION ${package_dir})
# *-inl.h are pieces of our own .cpp files.
foreach(folder IN LISTS layers ITEMS attune)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${include_dir}
            FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE)
  endif()
endforeach()

# A static library cannot carry its own dependencies; a shared one does.
set(pc_requires "fmt")
if(library_type STREQUAL "STATIC_LIBRARY")
  set(needs_private_dependencies ON)
  set(pc_rpath "")
  set(pc_flags " ${OpenMP_CXX_FLAGS}")
  string(APPEND pc_requires ", openblas, libhwy, libutf8proc")
else()
  set(needs_private_dependencies OFF)
  set(pc_flags "")
  # So that a program finds it in any prefix.
  set(pc_rpath "-Wl,-rpath,\${libdir} ")
endif()

configure_package_config_file(cmake/attune-config.cmake.in attune-config.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break the interface.
write_basic_package_version_file(attune-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attune-config.cmake ${PROJECT_BINARY_DIR}/attune-config-version.cmake
        DESTINATION ${package_dir})

file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/attune.pc.in attune.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/attune.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
