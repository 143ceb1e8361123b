#pragma once

// How Facts writes down the first promise that was broken; for the files that note events.

#include <map>
#include <string>
#include <type_traits>

#include "simulation/facts.h"

namespace shoal::simulation {

template <class About>
void Facts::expect(bool holds, const char* promise, const About& about) {
    if (holds || !broken_.empty()) return;
    broken_ = std::string(promise) + ": ";
    if constexpr (std::is_same_v<About, std::string>) {
        broken_ += about;
    } else {
        using std::to_string;
        broken_ += to_string(about);
    }
}

template <class T, class Tag>
T* Facts::find(std::map<Id<Tag>, T>& all, Id<Tag> id) {
    const auto found = all.find(id);
    if (found != all.end()) return &found->second;
    expect(false, "an event is about what does not exist", id);
    return nullptr;
}

}  // namespace shoal::simulation
