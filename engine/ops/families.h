#pragma once

#include "engine/op.h"

// The rows of each family of ops, in the file of its name.

namespace shoal::engine::ops {

std::span<const OpRow> elementwise();
std::span<const OpRow> shapes();
std::span<const OpRow> reductions();
std::span<const OpRow> products();
std::span<const OpRow> convolutions();
std::span<const OpRow> normalisations();
std::span<const OpRow> losses();
std::span<const OpRow> randomness();
std::span<const OpRow> updates();

}  // namespace shoal::engine::ops
