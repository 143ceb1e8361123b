#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check.h"

namespace shoal {

/// A map from ids to things, like std::map with its order and its lasting references, for ids that
/// are handed out one after another: what is found is found by two steps, however many there are.
///
/// Ids far apart are as right, only slower and larger: each group of 64 takes one page. Iterators
/// last until another id than a new last one is put in, or the last of a page is erased.
template <class Key, class T>
class IdMap {
    static constexpr std::uint64_t page_size = 64;

    template <bool is_const>
    class Iterator;

public:
    using key_type = Key;
    using mapped_type = T;
    using value_type = std::pair<const Key, T>;
    using iterator = Iterator<false>;       // NOLINT(readability-identifier-naming)
    using const_iterator = Iterator<true>;  // NOLINT(readability-identifier-naming)

    IdMap() = default;
    IdMap(std::initializer_list<value_type> values) {
        for (const auto& [key, value] : values) emplace(key, value);
    }
    IdMap(const IdMap& other) : size_(other.size_) {
        pages_.reserve(other.pages_.size());
        for (const auto& page : other.pages_) pages_.push_back(page->copy());
    }
    IdMap(IdMap&& other) noexcept
        : pages_(std::exchange(other.pages_, {})), size_(std::exchange(other.size_, 0)) {}
    IdMap& operator=(const IdMap& other) { return *this = IdMap(other); }
    IdMap& operator=(IdMap&& other) noexcept {
        pages_ = std::exchange(other.pages_, {});
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    ~IdMap() = default;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    iterator begin() { return first_from<iterator>(*this, 0, 0); }
    iterator end() { return {this, pages_.size(), 0}; }
    const_iterator begin() const { return first_from<const_iterator>(*this, 0, 0); }
    const_iterator end() const { return {this, pages_.size(), 0}; }
    auto rbegin() const { return std::make_reverse_iterator(end()); }
    auto rend() const { return std::make_reverse_iterator(begin()); }

    iterator find(Key key) { return found<iterator>(*this, key); }
    const_iterator find(Key key) const { return found<const_iterator>(*this, key); }
    bool contains(Key key) const { return slot_of(key) != nullptr; }

    /// It must be there.
    T& at(Key key) {
        value_type* slot = slot_of(key);
        check(slot != nullptr);
        return slot->second;
    }
    const T& at(Key key) const {
        const value_type* slot = slot_of(key);
        check(slot != nullptr);
        return slot->second;
    }

    const_iterator lower_bound(Key key) const {
        return first_from<const_iterator>(*this, page_at(key), place_in(key));
    }
    const_iterator upper_bound(Key key) const {
        const_iterator it = lower_bound(key);
        if (it != end() && it->first == key) ++it;
        return it;
    }

    /// Nothing happens where there is one; false then.
    template <class... Arguments>
    std::pair<iterator, bool> try_emplace(Key key, Arguments&&... arguments) {
        const std::size_t page = page_for(key);
        auto& slot = pages_[page]->slots[key.value % page_size];
        const bool is_new = slot == nullptr;
        if (is_new) {
            slot = std::make_unique<value_type>(
                std::piecewise_construct, std::forward_as_tuple(key),
                std::forward_as_tuple(std::forward<Arguments>(arguments)...));
            ++pages_[page]->used;
            ++size_;
        }
        return {iterator(this, page, key.value % page_size), is_new};
    }
    std::pair<iterator, bool> emplace(Key key, T value) {
        return try_emplace(key, std::move(value));
    }
    T& operator[](Key key) { return try_emplace(key).first->second; }

    std::size_t erase(Key key) {
        if (!contains(key)) return 0;
        const std::size_t page = page_at(key);
        pages_[page]->slots[key.value % page_size].reset();
        --size_;
        if (--pages_[page]->used == 0) {
            pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(page));
        }
        return 1;
    }

    friend bool operator==(const IdMap& a, const IdMap& b) {
        return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
    }

private:
    struct Page {
        std::uint64_t number = 0;
        std::size_t used = 0;
        std::array<std::unique_ptr<value_type>, page_size> slots;

        std::unique_ptr<Page> copy() const {
            auto page = std::make_unique<Page>();
            page->number = number;
            page->used = used;
            for (std::size_t i = 0; i < page_size; ++i) {
                if (slots[i]) page->slots[i] = std::make_unique<value_type>(*slots[i]);
            }
            return page;
        }
    };

    template <bool is_const>
    class Iterator {
        using Map = std::conditional_t<is_const, const IdMap, IdMap>;

    public:
        using iterator_category = std::bidirectional_iterator_tag;
        using value_type = IdMap::value_type;
        using difference_type = std::ptrdiff_t;
        using reference = std::conditional_t<is_const, const value_type&, value_type&>;
        using pointer = std::conditional_t<is_const, const value_type*, value_type*>;

        Iterator() = default;
        Iterator(Map* map, std::size_t page, std::size_t place)
            : map_(map), page_(page), place_(place) {}
        operator Iterator<true>() const  // NOLINT(google-explicit-constructor): as std::map's
            requires(!is_const)
        {
            return {map_, page_, place_};
        }

        reference operator*() const { return *map_->pages_[page_]->slots[place_]; }
        pointer operator->() const { return &**this; }
        Iterator& operator++() { return *this = first_from<Iterator>(*map_, page_, place_ + 1); }
        Iterator operator++(int) { return std::exchange(*this, std::next(*this)); }
        Iterator& operator--() {
            do {
                if (place_ == 0) {
                    --page_;
                    place_ = page_size;
                }
                --place_;
            } while (!map_->pages_[page_]->slots[place_]);
            return *this;
        }
        Iterator operator--(int) { return std::exchange(*this, std::prev(*this)); }
        friend bool operator==(const Iterator& a, const Iterator& b) {
            return a.page_ == b.page_ && a.place_ == b.place_;
        }

    private:
        Map* map_ = nullptr;
        std::size_t page_ = 0;
        std::size_t place_ = 0;
    };

    /// The first thing at this place or after it.
    template <class It, class Map>
    static It first_from(Map& map, std::size_t page, std::size_t place) {
        for (; page < map.pages_.size(); ++page, place = 0) {
            for (; place < page_size; ++place) {
                if (map.pages_[page]->slots[place]) return {&map, page, place};
            }
        }
        return {&map, page, 0};
    }

    template <class It, class Map>
    static It found(Map& map, Key key) {
        if (!map.contains(key)) return map.end();
        return {&map, map.page_at(key), key.value % page_size};
    }

    /// Where the page of a key lies, or would lie. Pages mostly have no gap between them.
    std::size_t page_at(Key key) const {
        const std::uint64_t number = key.value / page_size;
        if (pages_.empty() || number < pages_.front()->number) return 0;
        const std::uint64_t guess = number - pages_.front()->number;
        if (guess < pages_.size() && pages_[guess]->number == number) return guess;
        const auto after = std::ranges::lower_bound(
            pages_, number, {}, [](const std::unique_ptr<Page>& page) { return page->number; });
        return static_cast<std::size_t>(after - pages_.begin());
    }

    bool has_page(std::size_t page, Key key) const {
        return page < pages_.size() && pages_[page]->number == key.value / page_size;
    }

    /// In the page at page_at(key), where what is not before the key begins.
    std::size_t place_in(Key key) const {
        return has_page(page_at(key), key) ? key.value % page_size : 0;
    }

    value_type* slot_of(Key key) const {
        const std::size_t page = page_at(key);
        return has_page(page, key) ? pages_[page]->slots[key.value % page_size].get() : nullptr;
    }

    std::size_t page_for(Key key) {
        const std::size_t page = page_at(key);
        if (has_page(page, key)) return page;
        auto fresh = std::make_unique<Page>();
        fresh->number = key.value / page_size;
        pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(page), std::move(fresh));
        return page;
    }

    std::vector<std::unique_ptr<Page>> pages_;  // by number; none is empty
    std::size_t size_ = 0;
};

}  // namespace shoal
