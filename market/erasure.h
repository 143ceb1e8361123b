#pragma once

#include "market/state.h"

// What is forgotten of an account that was erased: every word that its owner wrote, or its programs
// did. What counts money, time and machines stays, and so do the hashes that blobs are kept by.

namespace shoal::market {

void forget_words(Job&);
void forget_words(Task&);
void forget_words(Attempt&);
void forget_words(Provider&);

}  // namespace shoal::market
