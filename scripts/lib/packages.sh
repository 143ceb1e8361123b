# shellcheck shell=bash
# The Debian 12 packages that Shoal is built and tested with: the only list of them.

# What scripts/quickstart needs: the build, the example and its data.
# shellcheck disable=SC2034  # used where this file is sourced
build_packages=(
    clang-19 lld-19 llvm-19 cmake ninja-build ccache git ca-certificates python3
    libboost1.81-dev libboost-json1.81-dev libssl-dev libsodium-dev libsqlite3-dev
    libyaml-cpp-dev libfmt-dev libcli11-dev libseccomp-dev libzstd-dev zlib1g-dev
    doctest-dev dataset-fashion-mnist
)

# What scripts/test and scripts/verify need beside them.
# shellcheck disable=SC2034
test_packages=(
    clang-tidy-19 clang-format-19 libclang-rt-19-dev shellcheck
    python3-yaml python3-jsonschema curl openssl sqlite3
)

# Beside them, where the command npm does not come from elsewhere.
# shellcheck disable=SC2034
npm_packages=(nodejs npm)

# install_missing PACKAGE...: installs those that are not there, as root or through sudo.
install_missing() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null |
            grep --quiet --line-regexp installed || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        echo "every package is there"
        return 0
    fi
    local as_root=()
    if [ "$(id --user)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "these packages are missing, and neither root nor sudo is here: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}"
    "${as_root[@]}" apt-get update --quiet --quiet
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes \
        --no-install-recommends "${missing[@]}" >/dev/null
}
