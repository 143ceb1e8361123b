#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::sandbox {

/// Takes the values of secrets out of what a job says, as it comes, however it is cut into pieces:
/// each becomes `[secret NAME]`. Also found is a value as JSON writes it within a string. A program
/// that wants to tell a secret can always write it in another way.
///
/// Time is linear in what is said, whatever the values are: each is searched for by its own
/// automaton (Knuth, Morris, Pratt).
class Scrubber {
public:
    /// Values by name; none of them is empty.
    explicit Scrubber(const std::map<std::string, std::string>& secrets);

    /// What may be kept of all that was said so far. What could be the beginning of a value waits.
    std::string scrub(std::string_view said);

    /// Nothing more is said: what waited.
    std::string finish();

    /// A text of its own, whole.
    std::string scrub_whole(std::string_view text) const;

private:
    struct Needle {
        std::string name;
        std::string value;
        std::vector<std::uint32_t> fallback;  // the longest shorter prefix that ends here, too
        std::uint32_t matched = 0;
    };

    void add(const std::string& name, std::string value);
    void look_at(char next);
    std::string release(std::size_t count);
    std::size_t undecided() const;

    std::vector<Needle> needles_;  // shorter values first
    std::string waiting_;
    std::vector<std::uint16_t> marks_;  // of each waiting byte: whose value it is part of, from 1
    std::uint16_t last_mark_ = 0;       // of the byte that went before
};

}  // namespace shoal::sandbox
