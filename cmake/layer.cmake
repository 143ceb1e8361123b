add_library(shoal_options INTERFACE)
target_compile_options(shoal_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wthread-safety -Werror
    -Wno-gnu-statement-expression)  # TRY is one
target_link_options(shoal_options INTERFACE -fuse-ld=lld-19)

# Precompiles what nearly every file includes: the reader and writer of described structs, and the
# vocabulary below it. `core` cannot use its own; `protocol` makes it, the layers above share it, but
# for `engine`, which is compiled with options of its own.
function(shoal_precompile target layer)
    if(NOT SHOAL_PCH OR layer MATCHES "^(core|engine)$")
        return()
    endif()
    if(target STREQUAL protocol)
        target_precompile_headers(protocol PRIVATE ${PROJECT_SOURCE_DIR}/core/json.h <fmt/format.h>)
    else()
        target_precompile_headers(${target} REUSE_FROM protocol)
    endif()
endfunction()

# shoal_layer(NAME [USES LAYER...])
#
# Makes library NAME of every .h and .cpp in the folder NAME and its subfolders, and test NAME_test
# of its *_test.cpp. USES names the layers it may include from; tools/tidy holds every #include to it.
function(shoal_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${name}/*.h)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${name}/*.cpp)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/${name}/main.cpp)

    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE shoal_options PUBLIC ${arg_USES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    shoal_precompile(${name} ${name})

    if(tests)
        add_executable(${name}_test ${tests} ${PROJECT_SOURCE_DIR}/tools/test_main.cpp)
        target_link_libraries(${name}_test PRIVATE ${name} shoal_options doctest::doctest)
        shoal_precompile(${name}_test ${name})
        add_test(NAME ${name} COMMAND ${name}_test)
    endif()
endfunction()

# shoal_program(NAME MAIN): the executable, wired in `apps`.
function(shoal_program name main)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${main})
        add_executable(${name} ${main})
        target_link_libraries(${name} PRIVATE apps shoal_options)
    endif()
endfunction()
