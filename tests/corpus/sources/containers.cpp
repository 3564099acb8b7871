// The standard library's containers and algorithms, templates, exceptions, virtual calls, lambdas, strings, streams.
#include <algorithm>
#include <array>
#include <complex>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Box : Shape {
    double a, b;
    Box(double a, double b) : a(a), b(b) {}
    double area() const override { return a * b; }
};
struct Disc : Shape {
    double r;
    explicit Disc(double r) : r(r) {}
    double area() const override { return 3.125 * r * r; }
};

template <unsigned N> struct Power { static constexpr unsigned long value = 3 * Power<N - 1>::value; };
template <> struct Power<0> { static constexpr unsigned long value = 1; };

struct Failure : std::runtime_error {
    int code;
    explicit Failure(int code) : std::runtime_error("failure " + std::to_string(code)), code(code) {}
};

static int deep(int n, int at) {
    std::string guard(static_cast<size_t>(n % 5 + 1), 'g');
    if (n == at) throw Failure(n);
    return n > 60 ? n : deep(n + 1, at) + static_cast<int>(guard.size());
}

int main() {
    unsigned x = 7;
    auto next = [&x] { return x = x * 1664525u + 1013904223u; };
    std::vector<unsigned> v(20000);
    std::generate(v.begin(), v.end(), next);
    std::map<unsigned, int> by_rest;
    std::unordered_map<std::string, unsigned> by_text;
    for (auto value : v) {
        by_rest[value % 613]++;
        by_text[std::to_string(value % 331)] += value >> 8;
    }
    std::sort(v.begin(), v.end());
    std::cout << v.front() << ' ' << v[v.size() / 2] << ' ' << v.back() << ' ' << by_rest.size() << '\n';
    std::vector<std::pair<std::string, unsigned>> sorted(by_text.begin(), by_text.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
    for (int i = 0; i < 3; i++) std::cout << sorted[i].first << '=' << sorted[i].second << ' ';
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int i = 1; i < 500; i++)
        if (next() & 4096) shapes.push_back(std::make_unique<Box>(i, i / 3.0));
        else shapes.push_back(std::make_unique<Disc>(i * 0.5));
    double area = std::accumulate(shapes.begin(), shapes.end(), 0.0, [](double sum, auto &shape) { return sum + shape->area(); });
    std::cout << std::setprecision(12) << area << ' ' << Power<30>::value << '\n';
    int caught = 0;
    for (int at = 0; at < 70; at += 3)
        try {
            caught += deep(0, at) % 2;
        } catch (const Failure &failure) {
            caught += failure.code + static_cast<int>(std::string(failure.what()).size());
        }
    std::cout << caught << '\n';
    std::priority_queue<std::pair<unsigned, int>, std::vector<std::pair<unsigned, int>>, std::greater<>> queue;
    std::array<std::vector<std::pair<int, unsigned>>, 300> edges;
    for (int i = 0; i < 300; i++) for (int j = 0; j < 5; j++) edges[i].push_back({static_cast<int>(next() >> 8) % 300, (next() >> 16) % 90 + 1});
    std::vector<std::optional<unsigned>> distance(300);
    for (queue.push({0, 0}); !queue.empty();) {
        auto [so_far, at] = queue.top();
        queue.pop();
        if (distance[at]) continue;
        distance[at] = so_far;
        for (auto [to, cost] : edges[at]) queue.push({so_far + cost, to});
    }
    unsigned long sum = 0;
    for (auto &d : distance) sum = sum * 31 + d.value_or(9999);
    std::cout << sum << '\n';
    std::variant<int, std::string, std::complex<double>> any;
    std::ostringstream text;
    for (int i = 0; i < 30; i++) {
        if (i % 3 == 0) any = i;
        else if (i % 3 == 1) any = std::string(i, 'x');
        else any = std::pow(std::complex<double>(i, 1), 2);
        std::visit([&text](auto &value) { text << value << ';'; }, any);
    }
    std::string line = text.str();
    std::cout << line.size() << ' ' << std::regex_replace(line.substr(0, 60), std::regex("x+"), "[$&]") << '\n';
    std::set<std::string> pieces;
    const std::regex pair("\\(([-0-9.]+),([-0-9.]+)\\)");
    for (std::sregex_iterator at(line.begin(), line.end(), pair), end; at != end; ++at) pieces.insert((*at)[1]);
    for (auto &piece : pieces) std::cout << piece << ' ';
    std::deque<int> window;
    std::vector<std::function<int(int)>> steps{[](int n) { return n * 3 + 1; }, [](int n) { return n / 2; }};
    for (int n = 27, longest = 0; n != 1; n = steps[n % 2 == 0](n)) {
        window.push_back(n);
        if (window.size() > 8) window.pop_front();
        longest = std::max(longest, n);
        if (n == 2) std::cout << longest << ' ' << std::accumulate(window.begin(), window.end(), 0);
    }
    std::cout << std::endl;
}
