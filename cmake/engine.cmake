# How the engine is compiled. The arithmetic is a contract: every result is the same bits on every
# machine, so no compiler may fuse, reorder or approximate what is written.
set(engine_arithmetic -ffp-contract=off -fno-fast-math -fno-math-errno -fno-trapping-math)
target_compile_options(engine PRIVATE ${engine_arithmetic})
target_compile_options(engine_test PRIVATE ${engine_arithmetic})
target_compile_definitions(engine_test PRIVATE SHOAL_SOURCE_FOLDER="${PROJECT_SOURCE_DIR}")

# Kernels are built for their instruction set, and optimised in every preset, since at -O0 a matrix
# product takes minutes. The sanitizers stay.
function(engine_kernels file)
    set_source_files_properties(${file} PROPERTIES
        COMPILE_OPTIONS "-O2;${ARGN}" SKIP_PRECOMPILE_HEADERS ON)
endfunction()
engine_kernels(engine/cpu/kernels_scalar.cpp)
engine_kernels(engine/cpu/x86/kernels_avx2.cpp -mavx2 -mfma)
engine_kernels(engine/cpu/x86/kernels_avx512.cpp
    -mavx2 -mfma -mavx512f -mavx512vl -mavx512dq -mavx512bw)
engine_kernels(engine/cpu/arm/kernels_neon.cpp)

# What nearly every file of the engine includes; the kernels include none of it.
if(SHOAL_PCH)
    target_precompile_headers(engine PRIVATE
        ${PROJECT_SOURCE_DIR}/engine/op.h <algorithm> <string> <vector> <fmt/format.h>)
    target_precompile_headers(engine_test PRIVATE
        ${PROJECT_SOURCE_DIR}/engine/tape.h <cmath> <string> <vector> <fmt/format.h>)
endif()

# The kernels of the other architecture are headers to this build: listed, and not compiled.
set(other_architecture arm)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(other_architecture x86)
endif()
file(GLOB others engine/cpu/${other_architecture}/*.cpp)
set_source_files_properties(${others} PROPERTIES HEADER_FILE_ONLY ON)
