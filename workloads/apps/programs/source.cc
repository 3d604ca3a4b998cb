// For clang to compile: little of its own, much of the standard library's templates.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Square : Shape {
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    double side;
};

using Value = std::variant<int, double, std::string, std::vector<int>>;

std::string shown(const Value& value) {
    std::ostringstream out;
    std::visit(
        [&](const auto& held) {
            if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::vector<int>>) {
                for (const int item : held)
                    out << item << ' ';
            } else {
                out << held;
            }
        },
        value);
    return out.str();
}

} // namespace

int main() {
    std::map<std::string, std::vector<Value>> table;
    std::unordered_map<int, std::shared_ptr<Shape>> shapes;
    for (int i = 0; i < 100; ++i) {
        table["key " + std::to_string(i % 7)].push_back(i % 2 == 0 ? Value(i) : Value(std::to_string(i)));
        shapes.emplace(i, std::make_shared<Square>(i));
    }
    const std::regex digits("([0-9]+)-([a-z]*)");
    std::smatch match;
    const std::string text = "12-ab";
    std::function<double(int)> area = [&](int i) { return shapes.at(i)->area(); };
    for (const auto& [key, values] : table)
        std::cout << key << ' ' << std::accumulate(values.begin(), values.end(), std::string(), [](auto sum, const auto& v) {
            return std::move(sum) + shown(v);
        }) << '\n';
    std::cout << std::regex_match(text, match, digits) << area(3) << '\n';
}
