import Testing

@testable import Symbols

@Suite struct DemanglerTests {
  @Test(arguments: [
    ("_ZNK2ns5ClassIiE6methodEi", "ns::Class<int>::method(int) const", "ns::Class<int>::method"),
    (
      "_ZNSolsEm", "std::basic_ostream<char, std::char_traits<char> >::operator<<(unsigned long)",
      "std::basic_ostream<char, std::char_traits<char> >::operator<<"
    ),
    ("_RNvC6_123foo3bar", "123foo::bar", "123foo::bar"),
    ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write", "core::fmt::write"),
    ("$s4main3fooyyF", "main.foo() -> ()", "main.foo() -> ()"),
  ])
  func demangles(symbol: String, full: String, short: String) {
    #expect(Demangler.demangle(symbol) == full)
    #expect(Demangler.demangle(symbol, style: .withoutParameters) == short)
  }

  @Test func leavesOthersAlone() {
    for name in ["main", "", "_Z", "_ZN", "$s", "_R", "foo\0bar", "_ZZZZ"] {
      #expect(Demangler.demangle(name) == nil, "\(name)")
    }
  }

  @Test func hostileNamesEnd() {
    // Each parameter is a pair of the one before: the name doubles 200 times.
    var name = "_Z1f1aIiE"
    for index in 0..<200 {
      let back = index < 36 ? String(index, radix: 36, uppercase: true) : "Z"
      name += "1aIS\(index == 0 ? "" : back)_S\(index == 0 ? "" : back)_E"
    }
    _ = Demangler.demangle(name)
    #expect(Demangler.demangle("_Z" + String(repeating: "P", count: 4000) + "i") == nil)
    #expect(Demangler.demangle("_Z1f" + String(repeating: "i", count: 100_000)) == nil)
    let doubled = "_Z1fFvvE" + (0..<30).map { _ in "FvS_S_E" }.joined()
    _ = Demangler.demangle(doubled)
  }
}

@Suite struct CanonicalNameTests {
  @Test(arguments: [
    ("pair<const long int, char*>", "pair<long const, char*>"),
    ("pair<long int const, long unsigned int>", "pair<long const, unsigned long>"),
    ("A<const B<const C*>*>", "A<B<C const*> const*>"),
    ("A<const char [3]>", "A<char const [3]>"),
    ("A<std::less<int> >", "A<std::less<int> >"),
    ("f<main()::<lambda(const int)> >", "f<main()::<lambda(const int)> >"),
    ("plain", "plain"), ("A<", "A<"), ("A<>", "A<>"), ("A<,>", "A<, >"),
  ])
  func movesQualifiers(name: String, canonical: String) {
    #expect(CanonicalName.of(name) == canonical)
  }
}
