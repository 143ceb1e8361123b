#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace shoal::market {

/// A good hash of a number (Steele, Lea and Flood, OOPSLA 2014: splitmix64).
constexpr std::uint64_t spread(std::uint64_t number) {
    number += 0x9e3779b97f4a7c15U;
    number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
    number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
    return number ^ (number >> 31U);
}

/// An ordered map whose every subtree knows a summary of the leaves below it, so that a walk passes
/// by whole subtrees that cannot hold what is looked for.
///
/// A treap (Aragon and Seidel, FOCS 1989) whose priorities are hashes of the keys: its shape
/// follows from the keys alone, not from the order in which they came. Depth is O(log n) expected;
/// put() and erase() summarise anew along one path. Nodes lie in one array.
///
/// Key: ordered by <=>, with `std::uint64_t spread(const Key&)` found by its namespace. Summary: a
/// leaf is the summary of itself; `void add(const Summary&)` makes it that of both.
template <class Key, class Summary>
class SummaryTree {
public:
    using KeyType = Key;
    using SummaryType = Summary;

    std::size_t size() const { return nodes_.size() - free_.size(); }
    bool empty() const { return size() == 0; }

    /// Inserts the leaf, or puts it in the place of the key's old one.
    void put(const Key& key, const Summary& leaf) {
        if (Node* there = node(key)) {
            there->own = leaf;
            refresh(root_, key);
            return;
        }
        root_ = insert(root_, make(key, leaf));
    }

    /// Whether it was there.
    bool erase(const Key& key) {
        if (!node(key)) return false;
        root_ = remove(root_, key);
        return true;
    }

    const Summary* find(const Key& key) const {
        const Node* found = const_cast<SummaryTree*>(this)->node(key);
        return found ? &found->own : nullptr;
    }

    /// Of all leaves; null of none.
    const Summary* whole() const { return root_ == none ? nullptr : &nodes_[root_].below; }

    /// Calls take(key, leaf) in the keys' order for leaves that are in no subtree, nor themselves
    /// something, that may(summary) denies; until take returns true. Whether it did.
    /// The tree must not change meanwhile.
    template <class May, class Take>
    bool walk(const May& may, const Take& take) const {
        return walk<&Node::left, &Node::right>(root_, may, take);
    }

    /// The same in the opposite order.
    template <class May, class Take>
    bool walk_back(const May& may, const Take& take) const {
        return walk<&Node::right, &Node::left>(root_, may, take);
    }

private:
    using Place = std::uint32_t;
    static constexpr Place none = std::numeric_limits<Place>::max();

    struct Node {
        Key key;
        Summary own;
        Summary below;  // of it and of both its subtrees
        std::uint64_t priority = 0;
        Place left = none;
        Place right = none;
    };

    Node* node(const Key& key) {
        Place at = root_;
        while (at != none && nodes_[at].key != key) {
            at = key < nodes_[at].key ? nodes_[at].left : nodes_[at].right;
        }
        return at == none ? nullptr : &nodes_[at];
    }

    Place make(const Key& key, const Summary& leaf) {
        const Node fresh{key, leaf, leaf, spread(key), none, none};
        if (free_.empty()) {
            nodes_.push_back(fresh);
            return static_cast<Place>(nodes_.size() - 1);
        }
        const Place at = free_.back();
        free_.pop_back();
        nodes_[at] = fresh;
        return at;
    }

    void summarise(Place at) {
        Node& node = nodes_[at];
        node.below = node.own;
        if (node.left != none) node.below.add(nodes_[node.left].below);
        if (node.right != none) node.below.add(nodes_[node.right].below);
    }

    void refresh(Place at, const Key& key) {
        if (nodes_[at].key != key) {
            refresh(key < nodes_[at].key ? nodes_[at].left : nodes_[at].right, key);
        }
        summarise(at);
    }

    bool stands_above(Place upper, Place lower) const {
        const Node& a = nodes_[upper];
        const Node& b = nodes_[lower];
        return a.priority != b.priority ? a.priority > b.priority : a.key < b.key;
    }

    Place insert(Place at, Place fresh) {
        if (at == none) return fresh;
        if (stands_above(fresh, at)) {
            const auto [left, right] = split(at, nodes_[fresh].key);
            nodes_[fresh].left = left;
            nodes_[fresh].right = right;
            summarise(fresh);
            return fresh;
        }
        const bool is_left = nodes_[fresh].key < nodes_[at].key;
        const Place below = insert(is_left ? nodes_[at].left : nodes_[at].right, fresh);
        (is_left ? nodes_[at].left : nodes_[at].right) = below;
        summarise(at);
        return at;
    }

    /// What is before the key, and what is after it.
    std::pair<Place, Place> split(Place at, const Key& key) {
        if (at == none) return {none, none};
        if (nodes_[at].key < key) {
            const auto [left, right] = split(nodes_[at].right, key);
            nodes_[at].right = left;
            summarise(at);
            return {at, right};
        }
        const auto [left, right] = split(nodes_[at].left, key);
        nodes_[at].left = right;
        summarise(at);
        return {left, at};
    }

    Place join(Place left, Place right) {
        if (left == none) return right;
        if (right == none) return left;
        if (stands_above(left, right)) {
            const Place below = join(nodes_[left].right, right);
            nodes_[left].right = below;
            summarise(left);
            return left;
        }
        const Place below = join(left, nodes_[right].left);
        nodes_[right].left = below;
        summarise(right);
        return right;
    }

    Place remove(Place at, const Key& key) {
        if (nodes_[at].key == key) {
            const Place joined = join(nodes_[at].left, nodes_[at].right);
            free_.push_back(at);
            return joined;
        }
        const bool is_left = key < nodes_[at].key;
        const Place below = remove(is_left ? nodes_[at].left : nodes_[at].right, key);
        (is_left ? nodes_[at].left : nodes_[at].right) = below;
        summarise(at);
        return at;
    }

    template <Place Node::* First, Place Node::* Last, class May, class Take>
    bool walk(Place at, const May& may, const Take& take) const {
        if (at == none || !may(nodes_[at].below)) return false;
        if (walk<First, Last>(nodes_[at].*First, may, take)) return true;
        if (may(nodes_[at].own) && take(nodes_[at].key, nodes_[at].own)) return true;
        return walk<First, Last>(nodes_[at].*Last, may, take);
    }

    std::vector<Node> nodes_;
    std::vector<Place> free_;
    Place root_ = none;
};

}  // namespace shoal::market
