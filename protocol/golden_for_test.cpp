#include "protocol/golden_for_test.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <source_location>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "core/text.h"

namespace shoal::protocol {

namespace {

using boost::json::object;

/// A struct's place in a value, and the fields that its description names.
struct Described {
    object* members = nullptr;
    const object* fields = nullptr;
};

/// Finds all structs in a value, by its schema; what stands inside of one comes after it.
class Finder {
public:
    explicit Finder(const json::Value& schema) {
        if (const auto* found = schema.as_object().if_contains("$defs")) {
            definitions_ = &found->as_object();
        }
    }

    std::vector<Described> find(json::Value& value, const json::Value& schema) {
        found_.clear();
        visit(value, schema.as_object());
        return found_;
    }

private:
    void visit(json::Value& value, const object& shape) {
        if (const auto* reference = shape.if_contains("$ref")) {
            constexpr std::string_view prefix = "#/$defs/";
            const std::string_view name = reference->as_string();
            return visit(value, definitions_->at(name.substr(prefix.size())).as_object());
        }
        if (value.is_array() && shape.contains("items")) {
            for (json::Value& item : value.as_array()) visit(item, shape.at("items").as_object());
        }
        if (value.is_object()) visit_members(value.as_object(), shape);
    }

    void visit_members(object& members, const object& shape) {
        if (const auto* messages = shape.if_contains("oneOf"))
            return visit_message(members, *messages);
        const auto* fields = shape.if_contains("properties");
        const auto* others = shape.if_contains("additionalProperties");
        if (fields) found_.push_back({&members, &fields->as_object()});
        for (auto& [name, member] : members) {
            const auto* field = fields ? fields->as_object().if_contains(name) : others;
            if (field) visit(member, field->as_object());
        }
    }

    /// A message is an object with one member; the member's name says which message it is.
    void visit_message(object& members, const json::Value& messages) {
        auto& [name, body] = *members.begin();
        for (const json::Value& message : messages.as_array()) {
            const auto* field = message.at("properties").as_object().if_contains(name);
            if (field) visit(body, field->as_object());
        }
    }

    const object* definitions_ = nullptr;
    std::vector<Described> found_;
};

/// A golden line, read, with what describes it.
struct Golden {
    const WireKind& kind;
    const std::string& text;
    json::Value schema;
    json::Value value;

    /// The structs of a copy of the value.
    std::vector<Described> structs(json::Value& copy) const {
        return Finder(schema).find(copy, schema);
    }
};

json::Value parsed(std::string_view text) {
    auto value = json::parse(text, limits::body_bytes);
    REQUIRE_MESSAGE(value.ok(), (value.ok() ? "" : value.error().what));
    return std::move(value).value();
}

std::string printed_again(const WireKind& kind, const json::Value& value, json::Reader reader) {
    const auto again = kind.again(value, reader);
    return again.ok() ? json::print(again.value()) : "refused: " + again.error().what;
}

bool is_empty(const json::Value& value) {
    if (const auto* list = value.if_array()) return list->empty();
    if (const auto* members = value.if_object()) return members->empty();
    if (const auto* text = value.if_string()) return text->empty();
    return value.is_null();
}

void check_it_says_everything(const Golden& golden) {
    json::Value copy = golden.value;
    for (const Described& it : golden.structs(copy)) {
        for (const auto& [name, unused] : *it.fields) {
            const auto* member = it.members->if_contains(name);
            CHECK_MESSAGE((member && !is_empty(*member)), "it lacks ", std::string(name));
        }
    }
}

void check_readers(const Golden& golden) {
    CHECK(printed_again(golden.kind, golden.value, json::Reader::strict) == golden.text);
    json::Value later = golden.value;
    std::vector<Described> structs = golden.structs(later);
    std::ranges::reverse(structs);  // inner ones first: adding a member moves what is inside
    for (const Described& it : structs) (*it.members)["added_later"] = {{"a", {1, "b", nullptr}}};
    if (structs.empty()) return;
    CHECK(printed_again(golden.kind, later, json::Reader::tolerant) == golden.text);
    CHECK(!golden.kind.again(later, json::Reader::strict).ok());
}

/// One member of the value replaced, or absent where there is nothing in its place.
json::Value changed(const Golden& golden, std::size_t place, std::string_view name,
                    const json::Value* instead) {
    json::Value copy = golden.value;
    object& members = *golden.structs(copy)[place].members;
    if (instead) {
        members[name] = *instead;
    } else {
        members.erase(name);
    }
    return copy;
}

json::Value nested(int depth) {
    json::Value value = 1;
    for (int i = 0; i < depth; ++i) value = boost::json::array{value};
    return value;
}

void check_hostile(const WireKind& kind, const json::Value& value) {
    const auto again = kind.again(value, json::Reader::tolerant);
    if (!again.ok()) {
        CHECK(is_utf8(again.error().what));
        CHECK(again.error().what.size() < 1'000);
        return;
    }
    const std::string text = json::print(again.value());
    CHECK(printed_again(kind, parsed(text), json::Reader::strict) == text);
}

void check_changes(const Golden& golden) {
    const std::array<json::Value, 14> hostile{nullptr,
                                              true,
                                              -1,
                                              std::numeric_limits<std::int64_t>::min(),
                                              std::numeric_limits<std::uint64_t>::max(),
                                              1e308,
                                              -0.5,
                                              "",
                                              boost::json::string(1, '\0'),
                                              boost::json::string(5'000, 'x'),
                                              "job_0",
                                              boost::json::array(),
                                              object(),
                                              nested(30)};
    json::Value copy = golden.value;
    const std::vector<Described> structs = golden.structs(copy);
    for (std::size_t place = 0; place < structs.size(); ++place) {
        for (const auto& [name, unused] : *structs[place].fields) {
            CAPTURE(std::string(name));
            const json::Value earlier = changed(golden, place, name, nullptr);
            CHECK(golden.kind.again(earlier, json::Reader::tolerant).ok());
            for (const json::Value& one : hostile) {
                check_hostile(golden.kind, changed(golden, place, name, &one));
            }
        }
    }
}

void check_broken_text(std::string_view text) {
    for (std::size_t size = 0; size < text.size(); ++size) {
        CHECK(!json::parse(text.substr(0, size), limits::body_bytes).ok());
        if (text[size] != '"') continue;
        std::string bad(text);
        bad.insert(size, "\xff");
        CHECK(!json::parse(bad, limits::body_bytes).ok());
    }
}

/// Gives each line to the check of its kind; every kind must have one.
template <class Check>
void for_each_line(std::string_view file, std::span<const WireKind> kinds, Check check_line) {
    const std::vector<GoldenLine> lines = read_golden_lines(file);
    for (const GoldenLine& line : lines) {
        CAPTURE(line.name);
        const auto kind = std::ranges::find(kinds, line.name, &WireKind::name);
        REQUIRE(kind != kinds.end());
        check_line(Golden{*kind, line.text, kind->schema(), parsed(line.text)});
    }
    for (const WireKind& kind : kinds) {
        CAPTURE(kind.name);
        CHECK(std::ranges::count(lines, kind.name, &GoldenLine::name) > 0);
    }
}

}  // namespace

std::vector<GoldenLine> read_golden_lines(std::string_view file) {
    const std::string here = std::source_location::current().file_name();
    const std::string path =
        here.substr(0, here.rfind('/')) + "/testdata/" + std::string(file) + ".txt";
    std::ifstream stream(path, std::ios::binary);
    REQUIRE_MESSAGE(stream.good(), path);
    std::vector<GoldenLine> lines;
    for (std::string line; std::getline(stream, line);) {
        const auto space = line.find(' ');
        REQUIRE(space != std::string::npos);
        lines.push_back({line.substr(0, space), line.substr(space + 1)});
    }
    return lines;
}

std::string golden_text(std::string_view file, std::string_view name) {
    const std::vector<GoldenLine> lines = read_golden_lines(file);
    REQUIRE(std::ranges::count(lines, name, &GoldenLine::name) == 1);
    return std::ranges::find(lines, name, &GoldenLine::name)->text;
}

void check_goldens(std::string_view file, std::span<const WireKind> kinds) {
    for_each_line(file, kinds, [](const Golden& golden) {
        check_it_says_everything(golden);
        check_readers(golden);
        check_changes(golden);
        check_broken_text(golden.text);
    });
}

void check_enumerators(std::string_view file, std::span<const WireKind> kinds) {
    for_each_line(file, kinds, [](const Golden& golden) {
        check_readers(golden);
        CHECK(json::print(golden.schema.at("items").at("enum")) == golden.text);
    });
}

}  // namespace shoal::protocol
