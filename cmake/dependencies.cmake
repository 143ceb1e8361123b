# The libraries Shoal stands on, as static archives wherever Debian ships one, so that the binary
# needs little more than glibc.
set(Boost_USE_STATIC_LIBS ON)
set(OPENSSL_USE_STATIC_LIBS ON)
# The distribution's own Python, for which scripts/test installs what the tests import.
set(Python3_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "runs the tests that are Python")
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(doctest REQUIRED)

# shoal_archive(TARGET FILE HEADER): an imported static library that has no CMake package.
function(shoal_archive target file header)
    string(MAKE_C_IDENTIFIER ${file} variable)
    find_library(${variable} ${file} REQUIRED)
    find_path(${variable}_include ${header} REQUIRED)
    add_library(${target} STATIC IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${variable}}
        INTERFACE_INCLUDE_DIRECTORIES ${${variable}_include})
endfunction()

shoal_archive(sodium::sodium libsodium.a sodium.h)
shoal_archive(seccomp::seccomp libseccomp.a seccomp.h)
shoal_archive(SQLite::SQLite3 libsqlite3.a sqlite3.h)
shoal_archive(zstd::static libzstd.a zstd.h)
shoal_archive(yaml-cpp::static libyaml-cpp.a yaml-cpp/yaml.h)
set_property(TARGET SQLite::SQLite3 APPEND PROPERTY INTERFACE_LINK_LIBRARIES m ${CMAKE_DL_LIBS})
