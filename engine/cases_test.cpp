#include "engine/cases.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <doctest/doctest.h>

namespace shoal::engine {

namespace {

constexpr int attempts_max = 200'000;
constexpr Index elements_few = 200;

/// Few sizes for a case, so that they often fit each other.
using Pool = std::array<Index, 4>;

Dims draw_sizes(Random& random, const Pool& pool, Index rank) {
    Dims sizes;
    for (Index i = 0; i < rank; ++i) {
        sizes.push_back(random.percent(15) ? 1 : pool[random.below(pool.size())]);
    }
    return sizes;
}

Index draw_between(Random& random, Index low, Index high) {
    return low + static_cast<Index>(random.between(0, static_cast<std::uint64_t>(high - low)));
}

Argument draw_argument(Random& random, const Pool& pool, const Param& param) {
    switch (param.kind) {
        case ParamKind::integer: {
            const auto low = static_cast<Index>(param.low);
            const auto high = static_cast<Index>(std::min(param.high, param.low + 4));
            return {param.name, draw_between(random, low, high)};
        }
        case ParamKind::real: {
            const double low = std::max(param.low, -2.0);
            const double high = std::min(param.high, 2.0);
            const auto eighths = static_cast<std::uint64_t>((high - low) * 8);
            const double number = low + static_cast<double>(random.below(eighths + 1)) / 8;
            return {param.name, static_cast<float>(number)};
        }
        case ParamKind::integers:
            return {param.name, draw_sizes(random, pool, draw_between(random, 0, 3))};
    }
    check(false);
    return {param.name, 0};
}

std::vector<Form> draw_forms(Random& random, const Pool& pool, const OpRow& row) {
    std::vector<Form> forms;
    for (const Input& input : row.inputs) {
        if (input.presence == Presence::optional && random.percent(30)) {
            forms.emplace_back();
            continue;
        }
        const Index times = input.presence == Presence::repeated ? draw_between(random, 1, 3) : 1;
        for (Index i = 0; i < times; ++i) {
            const Index high = std::min<Index>(input.rank_max, std::max<Index>(input.rank_min, 4));
            const Index rank = draw_between(random, input.rank_min, high);
            forms.push_back({input.type, draw_sizes(random, pool, rank)});
        }
    }
    return forms;
}

bool small(std::span<const Form> forms) {
    return std::ranges::all_of(forms,
                               [](const Form& form) { return form.sizes.count() <= elements_few; });
}

/// Different numbers around zero, an eighth apart, in random order; `shift` tells inputs apart.
Tensor draw_floats(Random& random, Arena& arena, const Form& form, Domain domain, float shift) {
    Tensor made(arena, form);
    std::vector<float> numbers(static_cast<std::size_t>(made.count()));
    const auto middle = static_cast<float>(numbers.size()) / 2;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        float number = std::floor(static_cast<float>(i) - middle) / 8 + shift;
        if (domain == Domain::not_zero) number += number < 0 ? -0.4F : 0.4F;
        if (domain == Domain::positive) number = std::abs(number) + 0.4F + shift / 4;
        numbers[i] = number;
    }
    random.shuffle(numbers);
    std::ranges::copy(numbers, made.write<float>());
    return made;
}

Tensor draw_indices(Random& random, Arena& arena, const Form& form, Index bound) {
    Tensor made(arena, form);
    for (Index i = 0; i < made.count(); ++i) {
        made.write<std::int32_t>()[i] =
            static_cast<std::int32_t>(draw_between(random, 0, bound - 1));
    }
    return made;
}

/// What an input's whole numbers are below.
Index bound_of(const Input& input, std::span<const Form> forms, const Attributes& attributes) {
    constexpr Index any_number = 1'000'000;
    if (input.domain == Domain::below_param) return attributes.integer(input.bound_param);
    if (input.domain != Domain::below_size) return any_number;
    return forms[static_cast<std::size_t>(input.bound_input)].sizes[input.bound_axis];
}

void fill(Random& random, Arena& arena, std::span<const Form> forms, Case& drawn,
          const Attributes& attributes) {
    for (std::size_t i = 0; i < forms.size(); ++i) {
        const Input& input = drawn.row->inputs[std::min(i, drawn.row->inputs.size() - 1)];
        if (input.presence == Presence::optional && forms[i] == Form{}) {
            drawn.inputs.emplace_back();
        } else if (input.type == Type::int32) {
            const Index bound = bound_of(input, forms, attributes);
            drawn.inputs.push_back(draw_indices(random, arena, forms[i], bound));
        } else {
            const float shift = 0.055F + 0.017F * static_cast<float>(i);
            drawn.inputs.push_back(draw_floats(random, arena, forms[i], input.domain, shift));
        }
    }
}

std::uint32_t plain_bits(float number) {
    return std::isnan(number) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(number);
}

}  // namespace

Case random_case(const OpRow& row, Random& random, Arena& arena) {
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const Index a = draw_between(random, 2, 5);
        const Index b = draw_between(random, 2, 9);
        const Pool pool{a, b, random.percent(20) ? a * b : a, b};
        Case drawn{&row, {}, {}};
        for (const Param& param : row.params) {
            drawn.arguments.push_back(draw_argument(random, pool, param));
        }
        const auto attributes = Attributes::make(row, drawn.arguments);
        if (!attributes.ok()) continue;
        const std::vector<Form> forms = draw_forms(random, pool, row);
        const auto results = check_call(row, attributes.value(), forms);
        if (!results.ok() || !small(forms)) continue;
        fill(random, arena, forms, drawn, attributes.value());
        return drawn;
    }
    FAIL("no call was found that fits ", std::string(row.name));
    return {};
}

Hash hash_of(std::span<const Tensor> tensors) {
    Sha256 sha;
    for (const Tensor& tensor : tensors) {
        sha.update(as_bytes(to_string(tensor.form())));
        for (Index i = 0; i < tensor.count(); ++i) {
            const std::uint32_t bits =
                tensor.type() == Type::float32
                    ? plain_bits(tensor.read<float>()[i])
                    : static_cast<std::uint32_t>(tensor.read<std::int32_t>()[i]);
            const std::uint8_t bytes[] = {
                static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
                static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 24)};
            sha.update(bytes);
        }
    }
    return sha.finish();
}

std::vector<const OpRow*> every_row() {
    std::vector<const OpRow*> rows;
    for (const std::span<const OpRow> family : op_families()) {
        for (const OpRow& row : family) rows.push_back(&row);
    }
    return rows;
}

TEST_CASE("a call can be drawn for every op, and the same seed draws it again") {
    Arena arena;
    for (const OpRow* row : every_row()) {
        CAPTURE(std::string(row->name));
        Random one(7);
        Random two(7);
        const Case first = random_case(*row, one, arena);
        const Case second = random_case(*row, two, arena);
        REQUIRE(first.inputs.size() == second.inputs.size());
        for (std::size_t i = 0; i < first.inputs.size(); ++i) {
            CHECK(first.inputs[i].form() == second.inputs[i].form());
        }
    }
}

}  // namespace shoal::engine
