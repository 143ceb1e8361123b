#pragma once

#include "core/id.h"

namespace shoal::market {

/// The next number after `id`.
template <class Tag>
Id<Tag> after(Id<Tag> id) {
    return Id<Tag>{id.value + 1};
}

}  // namespace shoal::market
