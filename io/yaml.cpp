#include "io/yaml.h"

#include <algorithm>
#include <charconv>
#include <istream>
#include <optional>
#include <streambuf>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "core/check.h"
#include "core/text.h"
#include "io/yaml_scalar.h"

namespace shoal::io::yaml {

namespace {

Error error_at(Position position, std::string_view what) {
    return {Code::invalid, "line " + std::to_string(position.line) + ", column " +
                               std::to_string(position.column) + ": " + std::string(what)};
}

Position position_of_byte(std::string_view text, std::size_t place) {
    const std::string_view before = text.substr(0, place);
    const auto lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
    return {lines + 1, place - line_start + 1};
}

/// Reads from memory without a copy.
class ViewBuffer final : public std::streambuf {
public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // streambuf's interface; nothing writes
        setg(begin, begin, begin + text.size());
    }
};

/// Builds the value from the parser's events. After the first failure it takes no more.
class Builder final : public YAML::EventHandler {
public:
    explicit Builder(std::string_view text) : text_(text) {}

    const std::optional<Error>& failure() const { return failure_; }
    Document take() { return {std::move(root_), std::move(places_)}; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (std::exchange(started_, true)) {
            fail(mark, "a second document; write one document a file, without \"---\"");
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (!accepts(mark, anchor, "")) return;
        if (wants_key()) return fail(mark, "the key is null; put it into quotes if it is a name");
        add(mark, nullptr);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        fail(mark, "an alias (*name) is not supported; write the value out");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        if (!accepts(mark, anchor, tag)) return;
        const bool plain = tag == "?";  // "!" means quoted
        if (wants_key()) return take_key(mark, value, plain);
        add(mark, plain ? plain_scalar(value) : json::Value(value));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, json::Value(boost::json::array()));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, json::Value(boost::json::object()));
    }
    void OnMapEnd() override { close(); }

private:
    /// A list or an object that is not complete.
    struct Open {
        json::Value* value;
        Places* places;
        std::optional<std::string> key = {};  // of an object, when the value is to come
        Position key_position = {};
    };
    struct Slot {
        json::Value* value;
        Places* places;
    };

    static Position position(const YAML::Mark& mark) {
        return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
    }

    void fail(const YAML::Mark& mark, std::string_view what) {
        if (!failure_) failure_ = error_at(position(mark), what);
    }

    bool accepts(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
        if (failure_) return false;
        if (anchor != 0) fail(mark, "an anchor (&name) is not supported; write the value out");
        const auto place = static_cast<std::size_t>(mark.pos);
        const bool has_tag = !tag.empty() && tag != "?" && tag != "!";
        // The parser gives a bare "!" and quotes the same name.
        const bool has_bare_tag = tag == "!" && place < text_.size() && text_[place] == '!';
        if (has_tag || has_bare_tag) {
            fail(mark, "a tag (!name) is not supported; leave it out, or use quotes for text");
        }
        return !failure_;
    }

    bool wants_key() const {
        return !open_.empty() && open_.back().value->is_object() && !open_.back().key;
    }

    void take_key(const YAML::Mark& mark, const std::string& key, bool plain) {
        if (plain && key == "<<") return fail(mark, "a merge (<<) is not supported; write it out");
        if (open_.back().value->get_object().contains(key)) {
            return fail(mark,
                        "the key " + to_display(key.substr(0, 80)) + " is there twice; remove one");
        }
        open_.back().key = key;
        open_.back().key_position = position(mark);
    }

    /// Puts a value in the place that is due.
    Slot add(const YAML::Mark& mark, json::Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
            places_.position = position(mark);
            return {&root_, &places_};
        }
        Open& parent = open_.back();
        if (auto* array = parent.value->if_array()) {
            parent.places->items.push_back({position(mark), {}, {}});
            return {&array->emplace_back(std::move(value)), &parent.places->items.back()};
        }
        const std::string key = std::exchange(parent.key, std::nullopt).value_or("");
        Places& places = parent.places->members[key];
        places.position = parent.key_position;
        return {&(parent.value->get_object()[key] = std::move(value)), &places};
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              json::Value empty) {
        if (!accepts(mark, anchor, tag)) return;
        if (wants_key()) return fail(mark, "a key must be text, not a list or an object");
        if (open_.size() == limits::json_depth) {
            return fail(mark, "nested deeper than " + std::to_string(limits::json_depth));
        }
        // What is open lies still in memory: its parent takes nothing until it is closed.
        const Slot slot = add(mark, std::move(empty));
        open_.push_back({slot.value, slot.places});
    }

    void close() {
        if (!failure_) open_.pop_back();
    }

    std::string_view text_;
    json::Value root_;
    Places places_;
    std::vector<Open> open_;
    std::optional<Error> failure_;
    bool started_ = false;
};

/// Where the first byte stands that is not UTF-8; the text's size if there is none.
std::size_t first_broken(std::string_view text) {
    if (is_utf8(text)) return text.size();
    for (std::size_t place = 0;;) {
        std::size_t size = 1;
        while (size <= 4 && !is_utf8(text.substr(place, size))) ++size;
        if (size > 4) return place;
        place += size;
    }
}

Status check_characters(std::string_view text) {
    const std::size_t broken = first_broken(text);
    if (broken < text.size()) {
        return error_at(position_of_byte(text, broken), "not UTF-8; save the file as UTF-8");
    }
    const auto is_control = [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return (byte < 0x20 && letter != '\n' && letter != '\r' && letter != '\t') || byte == 0x7F;
    };
    const auto found = std::ranges::find_if(text, is_control);
    if (found == text.end()) return Done{};
    return error_at(position_of_byte(text, static_cast<std::size_t>(found - text.begin())),
                    "a control character; remove it, or write it as \"\\x..\" in quotes");
}

Error parser_error(const YAML::ParserException& failure) {
    return error_at({static_cast<std::size_t>(std::max(failure.mark.line, 0)) + 1,
                     static_cast<std::size_t>(std::max(failure.mark.column, 0)) + 1},
                    "not valid YAML: " + to_display(failure.msg));
}

/// The part of a path before its first ".", or one "[3]"; what is left of it.
struct Step {
    const Places* to;
    std::string_view rest;
};

std::optional<Step> into_item(const Places& from, std::string_view path) {
    std::size_t index = 0;
    const char* end = path.data() + path.size();
    const auto read = std::from_chars(path.data() + 1, end, index);
    if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ']') return std::nullopt;
    if (index >= from.items.size()) return std::nullopt;
    const auto used = static_cast<std::size_t>(read.ptr - path.data()) + 1;
    return Step{&from.items[index], path.substr(used)};
}

/// Keys may themselves hold dots and brackets: the longest that fits is meant.
std::optional<Step> into_member(const Places& from, std::string_view path) {
    std::optional<Step> best;
    for (std::size_t size = 1; size <= path.size(); ++size) {
        const bool ends = size == path.size() || path[size] == '.' || path[size] == '[';
        if (!ends) continue;
        const auto found = from.members.find(path.substr(0, size));
        if (found != from.members.end()) best = Step{&found->second, path.substr(size)};
    }
    return best;
}

}  // namespace

Position Document::position_of(std::string_view path) const {
    const Places* place = &places;
    while (!path.empty()) {
        if (path.starts_with('.')) path.remove_prefix(1);
        const auto step =
            path.starts_with('[') ? into_item(*place, path) : into_member(*place, path);
        if (!step) break;
        place = step->to;
        path = step->rest;
    }
    return place->position;
}

Error Document::placed(Error error) const {
    const std::string_view what = error.what;
    const Position position = position_of(what.substr(0, what.find(": ")));
    error.what = error_at(position, what).what;
    return error;
}

Result<Document> parse(std::string_view text, std::size_t size_max) {
    if (text.size() > size_max) {
        return Error{Code::invalid, "expected at most " + std::to_string(size_max) +
                                        " bytes of YAML, got " + std::to_string(text.size())};
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
    const Status characters = check_characters(text);
    if (!characters.ok()) return characters.error();
    Builder builder(text);
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    try {
        YAML::Parser parser(stream);
        while (!builder.failure() && parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::ParserException& failure) {
        if (!builder.failure()) return parser_error(failure);
    } catch (const YAML::Exception& failure) {
        if (!builder.failure())
            return Error{Code::invalid, "not valid YAML: " + to_display(failure.msg)};
    }
    if (const auto& failure = builder.failure()) return *failure;
    return builder.take();
}

}  // namespace shoal::io::yaml
