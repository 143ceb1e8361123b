# shellcheck shell=bash
# Building a preset, for the scripts that need one.

jobs=${SHOAL_JOBS:-$(nproc)}

# build_preset NAME [CMAKE ARGUMENT...]: configures and builds everything of the preset.
build_preset() {
    local preset=$1
    shift
    CMAKE_CXX_COMPILER_LAUNCHER=ccache cmake --preset "$preset" \
        -DPython3_EXECUTABLE=/usr/bin/python3 "$@" >/dev/null
    cmake --build "build/$preset" --parallel "$jobs"
}
