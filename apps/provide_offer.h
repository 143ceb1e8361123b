#pragma once

#include "apps/hardware.h"
#include "apps/provide.h"
#include "core/result.h"
#include "protocol/offer.h"

namespace shoal::apps {

/// What is offered of this machine: what its owner said, else what was found less a reserve for the
/// owner. Isolation is for the caller to add.
/// invalid: more than there is, a part of nothing, or a name that is none.
Result<protocol::Offer> make_offer(const ProvideOptions&, const Machine&);

}  // namespace shoal::apps
