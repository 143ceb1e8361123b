#include "engine/reference/randomness.h"

#include "engine/philox.h"

namespace shoal::engine::reference {

void dropout(const OpCall& call) {
    const std::int32_t* place = call.inputs[1].read<std::int32_t>();
    const auto word = [place](int i) { return static_cast<std::uint32_t>(place[i]); };
    const Draw draw{{word(0), word(1)}, word(2), word(3)};
    const float rate = call.attributes.real("rate");
    const float scale = 1.0F / (1.0F - rate);
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        const bool kept = uniform(draw, static_cast<std::uint64_t>(i)) >= rate;
        call.y()[i] = kept ? call.x(0)[i] * scale : 0.0F;
    }
}

}  // namespace shoal::engine::reference
