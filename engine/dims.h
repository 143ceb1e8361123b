#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>

#include "core/check.h"
#include "engine/index.h"

namespace shoal::engine {

constexpr Index rank_max = 6;

/// Up to six sizes, strides or axes, in place.
class Dims {
public:
    Dims() = default;
    Dims(std::initializer_list<Index> values) {
        for (const Index value : values) push_back(value);
    }

    void push_back(Index value) {
        check(rank_ < rank_max);
        (*this)[rank_++] = value;
    }
    void erase(Index at) {
        check(0 <= at && at < rank_);
        for (Index i = at; i + 1 < rank_; ++i) (*this)[i] = (*this)[i + 1];
        (*this)[--rank_] = 0;
    }

    Index& operator[](Index i) { return values_[static_cast<std::size_t>(i)]; }
    Index operator[](Index i) const { return values_[static_cast<std::size_t>(i)]; }
    /// Counted from the end: back(0) is the last.
    Index back(Index i = 0) const { return (*this)[rank_ - 1 - i]; }

    Index rank() const { return rank_; }
    bool empty() const { return rank_ == 0; }
    const Index* begin() const { return values_.data(); }
    const Index* end() const { return values_.data() + rank_; }

    /// The product of the sizes from `first` up to `last`, which is 1 for none.
    Index count(Index first, Index last) const {
        Index product = 1;
        for (Index i = first; i < last; ++i) product *= (*this)[i];
        return product;
    }
    Index count() const { return count(0, rank_); }

    friend bool operator==(const Dims&, const Dims&) = default;

private:
    std::array<Index, rank_max> values_{};
    Index rank_ = 0;
};

/// "[2, 3]".
std::string to_string(const Dims&);

}  // namespace shoal::engine
