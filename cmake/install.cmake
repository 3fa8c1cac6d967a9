# What `cmake --install` puts: header, both libraries, pkg-config file, CMake package.
include(CMakePackageConfigHelpers)
install(TARGETS ormc_shared ormc_static EXPORT ormcTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/ormc.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(CODE "set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
set(PROJECT_VERSION \"${PROJECT_VERSION}\")
configure_file(\"${PROJECT_SOURCE_DIR}/cmake/ormc.pc.in\" \"${PROJECT_BINARY_DIR}/ormc.pc\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/ormc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT ormcTargets NAMESPACE ormc:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ormc)
configure_package_config_file(cmake/ormcConfig.cmake.in ormcConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ormc)
write_basic_package_version_file(ormcConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ormcConfig.cmake ${PROJECT_BINARY_DIR}/ormcConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ormc)
