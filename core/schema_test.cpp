#include "core/schema.h"

#include <optional>
#include <string>
#include <variant>

#include <doctest/doctest.h>

namespace shoal {
namespace {

enum class Colour { red, blue };
BOOST_DESCRIBE_ENUM(Colour, red, blue)

struct Box {
    static constexpr const char* name = "box";
    static constexpr std::array<std::string_view, 1> required{"title"};
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> docs{
        {{"title", "what is printed on it"}, {"inner", "a box in the box"}}};
    std::string title;
    std::uint8_t count = 3;
    std::optional<Size> size;
    std::vector<Box> inner;
};
BOOST_DESCRIBE_STRUCT(Box, (), (title, count, size, inner))

struct Every {
    static constexpr const char* name = "every";
    bool truth = true;
    double number = 0.5;
    std::uint64_t large = 0;
    Colour colour = Colour::blue;
    Scalar scalar;
    JobId job;
    Hash hash;
    PublicKey key;
    Signature signature;
    Lamports amount{7};
    Span span{Duration{90'000}};
    Time at;
    Duration length{};
    std::map<TaskId, Box> boxes;
    json::Value any;
};
BOOST_DESCRIBE_STRUCT(Every, (),
                      (truth, number, large, colour, scalar, job, hash, key, signature, amount,
                       span, at, length, boxes, any))

using Message = std::variant<Box, Every>;

std::string definition(json::Side side, std::string_view name) {
    return json::print(json::schema<Message>(side).at("$defs").at(name));
}

TEST_CASE("a struct that people write has its required fields, defaults and no others") {
    CHECK(definition(json::Side::strict, "Box") ==
          R"({"type":"object","properties":{)"
          R"("title":{"type":"string","description":"what is printed on it"},)"
          R"("count":{"type":"integer","minimum":0,"maximum":255,"default":3},)"
          R"("size":{"anyOf":[{"type":"string","pattern":"^[0-9]+([KMGT]iB|[kMGT]?B)$"},)"
          R"({"type":"null"}]},)"
          R"("inner":{"type":"array","items":{"$ref":"#/$defs/Box"},)"
          R"("description":"a box in the box","default":[]}},)"
          R"("required":["title"],"additionalProperties":false})");
}

TEST_CASE("a struct of a session requires nothing and takes new fields") {
    const auto box = json::schema<Box>(json::Side::tolerant).at("$defs").at("Box").as_object();
    CHECK_FALSE(box.contains("required"));
    CHECK_FALSE(box.contains("additionalProperties"));
}

TEST_CASE("a struct that the program writes has all but its empty optionals") {
    CHECK(definition(json::Side::written, "Box") ==
          R"({"type":"object","properties":{)"
          R"("title":{"type":"string","description":"what is printed on it"},)"
          R"("count":{"type":"integer","minimum":0,"maximum":255},)"
          R"("size":{"type":"string","pattern":"^[0-9]+([KMGT]iB|[kMGT]?B)$"},)"
          R"("inner":{"type":"array","items":{"$ref":"#/$defs/Box"},)"
          R"("description":"a box in the box"}},)"
          R"("required":["title","count","inner"]})");
}

TEST_CASE("a variant is one of several objects with one key") {
    const auto whole = json::schema<Message>(json::Side::strict);
    CHECK(whole.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
    CHECK(json::print(whole.at("oneOf").at(0)) ==
          R"({"type":"object","properties":{"box":{"$ref":"#/$defs/Box"}},)"
          R"("required":["box"],"additionalProperties":false})");
    CHECK(whole.at("oneOf").as_array().size() == 2);
}

TEST_CASE("a map with ids for keys says so, an enum lists its names") {
    const auto every = json::schema<Every>(json::Side::strict).at("$defs").at("Every");
    CHECK(json::print(every.at("properties").at("boxes")) ==
          R"({"type":"object","additionalProperties":{"$ref":"#/$defs/Box"},)"
          R"("propertyNames":{"type":"string",)"
          R"("pattern":"^(task_[1-9a-hjkmnp-tv-z][0-9a-hjkmnp-tv-z]{0,12})?$"},"default":{}})");
    CHECK(json::print(every.at("properties").at("colour")) ==
          R"({"type":"string","enum":["red","blue"],"default":"blue"})");
}

TEST_CASE("one document can hold a struct from two sides") {
    json::Schemas asked(json::Side::strict, {"#/components/schemas/", "Request"});
    json::Schemas answered(json::Side::written, {"#/components/schemas/", ""});
    CHECK(json::print(asked.of<Box>()) == R"({"$ref":"#/components/schemas/BoxRequest"})");
    CHECK(json::print(answered.of<Box>()) == R"({"$ref":"#/components/schemas/Box"})");
    CHECK(asked.definitions().contains("BoxRequest"));
    CHECK(answered.definitions().contains("Box"));
}

TEST_CASE("a schema of what is no struct stands alone") {
    CHECK(json::print(json::schema<std::vector<bool>>(json::Side::strict)) ==
          R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"array",)"
          R"("items":{"type":"boolean"}})");
}

}  // namespace
}  // namespace shoal
