#include "market/erasure.h"

#include <utility>

namespace shoal::market {

namespace {

/// Only that it was, and which bytes.
protocol::JobInput without_words(const protocol::JobInput& input) {
    protocol::JobInput kept;
    kept.blob = input.blob;
    kept.size_bytes = input.size_bytes;
    for (const protocol::InputFile& file : input.files) {
        protocol::InputFile one;
        one.blob = file.blob;
        one.size_bytes = file.size_bytes;
        kept.files.push_back(std::move(one));
    }
    return kept;
}

}  // namespace

/// What is kept is named, not what is forgotten: a field that comes later is forgotten.
void forget_words(Job& job) {
    protocol::JobSpec kept;
    for (const protocol::JobInput& input : job.spec.inputs) {
        kept.inputs.push_back(without_words(input));
    }
    kept.kind = job.spec.kind;
    kept.tasks.gang = job.spec.tasks.gang;
    kept.resources = job.spec.resources;
    kept.resources.gpu.model.clear();
    kept.priority = job.spec.priority;
    kept.limits = job.spec.limits;
    kept.retries = job.spec.retries;
    kept.verify = job.spec.verify;
    kept.price = job.spec.price;
    job.spec = std::move(kept);
}

void forget_words(Task& task) {
    task.parameters.clear();
}

void forget_words(Attempt& attempt) {
    attempt.detail.clear();
    attempt.outcome.detail.clear();
    attempt.metrics.clear();
    for (protocol::Artifact& artifact : attempt.artifacts) artifact.path.clear();
    if (attempt.log) attempt.log->path.clear();
}

/// What it earned and how it worked stays; what it was does not.
void forget_words(Provider& provider) {
    protocol::Offer kept;
    kept.capacity = provider.offer.capacity;
    kept.capacity.gpu.model.clear();
    kept.attempts_max = provider.offer.attempts_max;
    kept.price = provider.offer.price;
    kept.tier = provider.offer.tier;
    provider.offer = std::move(kept);
}

}  // namespace shoal::market
